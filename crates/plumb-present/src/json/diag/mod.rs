//! Rows of the ss personality's `sockets` array, and what all of them share.
//!
//! One module for each family, each with a struct of the row's model and its company (names,
//! holders, namespace) whose `Serialize` is the schema: keys in the order of the page docs/json.md.
//! Keys that netstat's rows have too mean the same here. Nothing is buffered: a row goes straight
//! from the model into the output.

mod bpf_storage;
mod congestion;
mod fields;
pub mod inet;
mod mptcp_info;
pub mod netlink;
pub mod packet;
mod sctp_info;
mod shared;
pub mod summary;
mod tcp_info;
pub mod tipc;
mod ulp;
pub mod unix;
pub mod vsock;
pub mod xdp;

use plumb_model::holder::Holder;
use plumb_model::{Known, Reason};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::creation::CreationMembers;
use super::{Netns, Text};
use fields::{Fields, object};

/// What accompanies a row of any family.
#[derive(Debug, Clone, Copy, Default)]
pub struct Company<'a> {
    /// Who holds the socket, with -p, -T, -Z or -z.
    pub holders: Option<Holders<'a>>,
    /// Which code made it, with --stack.
    pub creation: Option<&'a CreationMembers>,
    /// The namespace, when several are shown.
    pub netns: Option<&'a Netns>,
}

/// All holders of one socket.
#[derive(Debug, Clone, Copy)]
pub struct Holders<'a> {
    /// The descriptors, or why there are none to show.
    pub found: Known<&'a [Holder<'a>]>,
    /// -T: threads were looked at too.
    pub threads: bool,
}

impl Company<'_> {
    /// Writes the last fields of a row. Without an inode nobody could look for a holder, and the
    /// reason is the same.
    fn write<M: SerializeMap>(
        &self,
        fields: &mut Fields<M>,
        inode_unknown: Option<Reason>,
    ) -> Result<(), M::Error> {
        if let Some(Holders { found, threads }) = self.holders {
            let found = inode_unknown.map_or(found, Known::Unknown);
            let rows = match found {
                Known::Known([]) => Known::Unknown(Reason::NoHolder),
                Known::Known(holders) => Known::Known(HolderRows { holders, threads }),
                Known::Unknown(reason) => Known::Unknown(reason),
            };
            fields.known("processes", rows)?;
        }
        if let Some(members) = self.creation {
            match (&members.creation, members.creation_unknown) {
                (None, Some(why)) => fields.unknown("creation", why)?,
                (creation, _) => fields.put("creation", creation)?,
            }
            fields.some("bound", members.bound.as_ref())?;
            fields.some("told_of_end", members.told_of_end.as_ref())?;
        }
        fields.some("netns", self.netns)
    }
}

/// The array `processes`.
struct HolderRows<'a> {
    holders: &'a [Holder<'a>],
    threads: bool,
}

impl Serialize for HolderRows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let threads = self.threads;
        serializer.collect_seq(
            self.holders
                .iter()
                .map(|holder| HolderRow { holder, threads }),
        )
    }
}

/// One element of `processes`.
struct HolderRow<'a> {
    holder: &'a Holder<'a>,
    threads: bool,
}

impl Serialize for HolderRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let holder = self.holder;
        object(serializer, |fields| {
            fields.put("pid", holder.pid)?;
            fields.some("tid", self.threads.then_some(holder.tid))?;
            fields.put("fd", holder.fd)?;
            fields.put("comm", Text(holder.name))?;
            fields.some("context", holder.process_context.map(Text))?;
            fields.some("socket_context", holder.socket_context.map(Text))
        })
    }
}
