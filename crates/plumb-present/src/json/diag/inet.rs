//! Rows of Internet sockets: TCP, UDP, raw, MPTCP, SCTP, DCCP.
//!
//! What the kernel sends for every whole socket is always there, and `null` where it did not come;
//! what only some protocols or settings have is left out where it does not apply.

mod parts;

use plumb_model::btf::Storage;
use plumb_model::diag::inet::{AF_INET, AF_INET6, DiagEndpoint, InetDiag, Info, Protocol};
use plumb_model::socket::SocketState;
use plumb_model::{Known, Reason};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use self::parts::{Addresses, Cgroup, Md5Keys, MemInfoObject, ProcObject, Timer};
use super::Company;
use super::bpf_storage::Storages;
use super::congestion::CongestionObject;
use super::fields::{Fields, object};
use super::mptcp_info::MptcpInfoObject;
use super::sctp_info::SctpInfoObject;
use super::shared::{Memory, Shutdown, Unknown, Words, put_state};
use super::tcp_info::TcpInfoObject;
use super::ulp::UlpObject;
use crate::json::sockets::{EndNames, Endpoint};

/// The names of the bits of `struct inet_diag_sockopt`.
const SOCKOPTS: [&str; 11] = [
    "recverr",
    "is_icsk",
    "freebind",
    "hdrincl",
    "mc_loop",
    "transparent",
    "mc_all",
    "nodefrag",
    "bind_address_no_port",
    "recverr_rfc4884",
    "defer_connect",
];

/// A row of the `sockets` array.
#[derive(Debug, Clone, Copy)]
pub struct InetRow<'a> {
    /// The table that was asked for; decides what `protocol` says of raw sockets.
    pub table: Protocol,
    /// The socket.
    pub socket: &'a InetDiag<'a>,
    /// What was found for its numbers.
    pub names: Names<'a>,
    /// The kernel was asked with CAP_NET_ADMIN (or is not the source): a mark or key that did not
    /// come was not withheld.
    pub admin: bool,
    /// What BPF programs stored beside the socket.
    pub storages: &'a [Storage<'a>],
    /// Holders and namespace.
    pub company: Company<'a>,
}

/// Names for the numbers of a row; `None` where none was looked for or found.
#[derive(Debug, Clone, Copy, Default)]
pub struct Names<'a> {
    /// Names of the local end.
    pub local: EndNames<'a>,
    /// Names of the peer.
    pub peer: EndNames<'a>,
    /// Name of the user.
    pub user: Option<&'a str>,
    /// Name of the device the socket is bound to.
    pub interface: Option<&'a str>,
    /// Path of the cgroup.
    pub cgroup: Option<&'a str>,
}

impl Serialize for InetRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        object(serializer, |fields| {
            self.put_identity(fields)?;
            self.put_ends(fields)?;
            self.put_owner(fields)?;
            self.put_attributes(fields)?;
            self.put_admin_attributes(fields)?;
            self.put_info(fields)?;
            self.put_lists(fields)?;
            self.company
                .write(fields, self.socket.known_inode().reason())
        })
    }
}

impl InetRow<'_> {
    fn put_identity<M: SerializeMap>(&self, fields: &mut Fields<M>) -> Result<(), M::Error> {
        let socket = self.socket;
        let family = family_name(socket.family);
        fields.put("family", family)?;
        fields.some("family_code", family.is_none().then_some(socket.family))?;
        fields.put("protocol", self.protocol_name())?;
        fields.put("protocol_code", socket.protocol.0)?;
        if socket.protocol == Protocol::SCTP {
            let is_association = socket.extensions.peers.is_some();
            fields.put(
                "kind",
                if is_association {
                    "association"
                } else {
                    "endpoint"
                },
            )?;
        }
        put_state(fields, Some(socket.state))?;
        fields.put("recv_q_bytes", socket.recv_q)?;
        fields.put("send_q_bytes", socket.send_q)?;
        if SocketState(socket.state) == SocketState::LISTEN {
            fields.put("accept_queue", socket.recv_q)?;
            let limit = match socket.from_proc {
                Some(_) => Known::Unknown(Reason::NotInSource),
                None => Known::Known(socket.send_q),
            };
            fields.known("accept_queue_limit", limit)?;
        }
        Ok(())
    }

    fn protocol_name(&self) -> Option<&'static str> {
        if self.table == Protocol::IPPROTO_RAW || self.table == Protocol::RAW {
            return Some("raw");
        }
        match self.socket.protocol {
            Protocol::TCP => Some("tcp"),
            Protocol::UDP => Some("udp"),
            Protocol(136) => Some("udplite"),
            Protocol::DCCP => Some("dccp"),
            Protocol::SCTP => Some("sctp"),
            Protocol::MPTCP => Some("mptcp"),
            Protocol::RAW | Protocol::IPPROTO_RAW => Some("raw"),
            _ => None,
        }
    }

    fn put_ends<M: SerializeMap>(&self, fields: &mut Fields<M>) -> Result<(), M::Error> {
        let socket = self.socket;
        fields.put(
            "local",
            endpoint(&socket.local, socket.family, self.names.local),
        )?;
        fields.put(
            "peer",
            endpoint(&socket.peer, socket.family, self.names.peer),
        )?;
        let index = socket.known_interface();
        let name = index.ok().filter(|&index| index != 0);
        fields.put("interface", name.and(self.names.interface))?;
        match index {
            Known::Known(0) => fields.put("interface_index", None::<u32>),
            index => fields.known("interface_index", index),
        }
    }

    fn put_owner<M: SerializeMap>(&self, fields: &mut Fields<M>) -> Result<(), M::Error> {
        let socket = self.socket;
        let uid = match socket.known_uid() {
            Known::Known(uid) => Known::Known(uid.0),
            Known::Unknown(reason) => Known::Unknown(reason),
        };
        fields.known("uid", uid)?;
        fields.some("user", self.names.user.filter(|_| uid.ok().is_some()))?;
        match socket.known_inode() {
            Known::Known(inode) => fields.put("inode", inode.0)?,
            Known::Unknown(reason) => fields.unknown("inode", reason.word())?,
        }
        match socket.known_cookie() {
            Known::Known(cookie) => fields.put("cookie", cookie.0)?,
            Known::Unknown(reason) => fields.unknown("cookie", reason.word())?,
        }
        let is_sctp = socket.protocol == Protocol::SCTP;
        fields.put(
            "timer",
            Timer {
                timer: socket.timer,
                is_sctp,
            },
        )
    }

    /// Writes what every whole socket has.
    fn put_attributes<M: SerializeMap>(&self, fields: &mut Fields<M>) -> Result<(), M::Error> {
        let attributes = &self.socket.extensions;
        self.put_told(fields, "shutdown", attributes.shutdown.map(Shutdown))?;
        self.put_told(fields, "skmem", attributes.skmeminfo.map(Memory))?;
        self.put_told(fields, "tos", attributes.tos)?;
        self.put_told(fields, "class_id", attributes.class_id)?;
        let cgroup = attributes.cgroup_id.map(|id| Cgroup {
            id,
            path: self.names.cgroup,
        });
        self.put_told(fields, "cgroup", cgroup)?;
        let sockopt = attributes.sockopt;
        let words = sockopt.map(|bits| Words {
            bits: bits.into(),
            names: &SOCKOPTS,
        });
        self.put_told(fields, "sockopt", words)?;
        fields.put("sockopt_code", sockopt)?;
        if self.socket.family == AF_INET6 {
            self.put_told(fields, "tclass", attributes.tclass)?;
            fields.put("v6only", attributes.v6only.map(|flag| flag != 0))?;
        }
        Ok(())
    }

    /// Writes what the kernel tells only to CAP_NET_ADMIN.
    fn put_admin_attributes<M: SerializeMap>(
        &self,
        fields: &mut Fields<M>,
    ) -> Result<(), M::Error> {
        let attributes = &self.socket.extensions;
        let withheld =
            (!self.admin && self.socket.from_proc.is_none()).then_some(Reason::PermissionDenied);
        match (attributes.mark, withheld) {
            (None, Some(reason)) => fields.unknown("mark", reason.word())?,
            (mark, _) => self.put_told(fields, "mark", mark)?,
        }
        match (&attributes.md5_keys, withheld) {
            (Some(keys), _) => fields.put("md5_keys", Md5Keys(keys)),
            (None, Some(reason)) if self.socket.protocol == Protocol::TCP => {
                fields.unknown("md5_keys", reason.word())
            }
            (None, _) => Ok(()),
        }
    }

    /// Writes what the protocol tells of itself.
    fn put_info<M: SerializeMap>(&self, fields: &mut Fields<M>) -> Result<(), M::Error> {
        let attributes = &self.socket.extensions;
        match (&attributes.info, self.socket.protocol) {
            (Some(Info::Tcp(info)), _) => fields.put("tcp_info", TcpInfoObject(info))?,
            (Some(Info::Mptcp(info)), _) => fields.put("mptcp_info", MptcpInfoObject(info))?,
            (Some(Info::Sctp(info)), _) => fields.put("sctp_info", SctpInfoObject(info))?,
            (None, Protocol::TCP) => self.put_told(fields, "tcp_info", None::<u8>)?,
            (None, Protocol::MPTCP) => self.put_told(fields, "mptcp_info", None::<u8>)?,
            (None, Protocol::SCTP) => self.put_told(fields, "sctp_info", None::<u8>)?,
            (None, _) => {}
        }
        match CongestionObject::new(&attributes.congestion) {
            None if self.socket.protocol == Protocol::TCP => {
                self.put_told(fields, "congestion", None::<u8>)?;
            }
            congestion => fields.some("congestion", congestion)?,
        }
        fields.some("ulp", attributes.ulp.as_ref().map(UlpObject))
    }

    fn put_lists<M: SerializeMap>(&self, fields: &mut Fields<M>) -> Result<(), M::Error> {
        let attributes = &self.socket.extensions;
        fields.some("meminfo", attributes.meminfo.map(MemInfoObject))?;
        fields.some(
            "local_addresses",
            attributes.locals.as_deref().map(Addresses),
        )?;
        fields.some("peer_addresses", attributes.peers.as_deref().map(Addresses))?;
        let storages = attributes.bpf_storages.as_ref();
        fields.some("bpf_storage", storages.map(|_| Storages(self.storages)))?;
        fields.some("proc", self.socket.from_proc.as_ref().map(ProcObject))?;
        Unknown(&attributes.unknown).write(fields)
    }

    /// Writes an attribute, or `null` and, where the row shows it, why.
    fn put_told<M: SerializeMap>(
        &self,
        fields: &mut Fields<M>,
        key: &'static str,
        value: Option<impl Serialize>,
    ) -> Result<(), M::Error> {
        match (value, self.socket.missing_attribute_reason()) {
            (None, Some(reason)) => fields.unknown(key, reason.word()),
            (value, _) => fields.put(key, value),
        }
    }
}

fn family_name(family: u8) -> Option<&'static str> {
    match family {
        AF_INET => Some("inet"),
        AF_INET6 => Some("inet6"),
        _ => None,
    }
}

fn endpoint<'a>(end: &DiagEndpoint, family: u8, names: EndNames<'a>) -> Endpoint<'a> {
    Endpoint {
        address: end.ip(family),
        port: Some(end.port).filter(|&port| port != 0),
        host: names.host,
        service: names.service,
    }
}

#[cfg(test)]
mod tests;
