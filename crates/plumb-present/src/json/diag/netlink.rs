//! Rows of netlink sockets.

use plumb_model::Reason;
use plumb_model::diag::netlink::{NetlinkDiag, NetlinkPeer, NetlinkProc};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::Company;
use super::fields::{Fields, object};
use super::shared::{Memory, Unknown, Words, put_family, put_state, put_type};

/// State of a socket that is connected.
const ESTABLISHED: u8 = 1;

/// The names of `NDIAG_FLAG_*`.
const FLAGS: [&str; 6] = [
    "cb_running",
    "pktinfo",
    "broadcast_error",
    "no_enobufs",
    "listen_all_nsid",
    "cap_ack",
];

/// A row of the `sockets` array.
#[derive(Debug, Clone, Copy)]
pub struct NetlinkRow<'a> {
    /// The socket.
    pub socket: &'a NetlinkDiag<'a>,
    /// Name of the netlink protocol.
    pub protocol: Option<&'a str>,
    /// Name of the process whose id the port id is.
    pub comm: Option<&'a str>,
    /// Security context of that process, with -Z or -z.
    pub context: Option<&'a str>,
    /// Holders and namespace.
    pub company: Company<'a>,
}

impl Serialize for NetlinkRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let socket = self.socket;
        let inode_unknown = match socket.inode {
            None => Some(Reason::NotInSource),
            Some(0) => Some(Reason::NoHolder),
            Some(_) => None,
        };
        object(serializer, |fields| {
            put_family(fields, "netlink")?;
            put_type(fields, socket.kind.map(u32::from))?;
            put_state(fields, socket.state.map(u32::from))?;
            self.put_queues(fields)?;
            fields.put("netlink_protocol", self.protocol)?;
            fields.put("netlink_protocol_code", socket.protocol)?;
            fields.put("port_id", socket.port_id.cast_unsigned())?;
            fields.some("comm", self.comm)?;
            fields.some("context", self.context)?;
            let is_connected = socket.state == Some(ESTABLISHED);
            let peer = socket
                .peer
                .filter(|peer| is_connected || peer.port_id != 0 || peer.group != 0);
            fields.put("peer", peer.map(Peer))?;
            match inode_unknown {
                Some(reason) => fields.unknown("inode", reason.word())?,
                None => fields.put("inode", socket.inode)?,
            }
            match socket.cookie {
                Some(cookie) => fields.put("cookie", cookie)?,
                None => fields.unknown("cookie", Reason::NotInSource.word())?,
            }
            self.put_groups(fields)?;
            fields.put("skmem", socket.memory.map(Memory))?;
            fields.some("proc", socket.from_proc.map(Proc))?;
            Unknown(&socket.unknown).write(fields)?;
            self.company.write(fields, inode_unknown)
        })
    }
}

impl NetlinkRow<'_> {
    /// Writes the two queues: allocated memory, or what `/proc` calls them.
    fn put_queues<M: SerializeMap>(&self, fields: &mut Fields<M>) -> Result<(), M::Error> {
        let socket = self.socket;
        let [recv, _, send, ..] = socket
            .memory
            .map_or([None; 9], |memory| memory.words.map(Some));
        let from_proc = socket.from_proc;
        let recv = recv
            .map(i64::from)
            .or(from_proc.map(|proc| proc.recv_q.into()));
        let send = send
            .map(i64::from)
            .or(from_proc.map(|proc| proc.send_q.into()));
        fields.put("recv_q_bytes", recv)?;
        fields.put("send_q_bytes", send)
    }

    fn put_groups<M: SerializeMap>(&self, fields: &mut Fields<M>) -> Result<(), M::Error> {
        let socket = self.socket;
        match (socket.groups, socket.from_proc) {
            (Some(bytes), _) => fields.put("groups", Groups(bytes))?,
            (None, Some(proc)) => {
                fields.put("groups", Groups(&u64::from(proc.groups).to_ne_bytes()))?;
            }
            (None, None) => fields.put("groups", None::<u8>)?,
        }
        let words = socket.flags.map(|bits| Words {
            bits,
            names: &FLAGS,
        });
        fields.put("flags", words)?;
        fields.put("flags_code", socket.flags)
    }
}

/// The array `groups`: numbers of the groups that are set, the first is 1.
struct Groups<'a>(&'a [u8]);

impl Serialize for Groups<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let words = self.0.chunks(8).map(|chunk| {
            let mut word = [0; 8];
            word.iter_mut()
                .zip(chunk)
                .for_each(|(to, from)| *to = *from);
            u64::from_ne_bytes(word)
        });
        let bits = words.flat_map(|word| (0..64).map(move |bit| word >> bit & 1 == 1));
        serializer.collect_seq(
            (1_u32..)
                .zip(bits)
                .filter_map(|(number, set)| set.then_some(number)),
        )
    }
}

/// The object `peer`.
struct Peer(NetlinkPeer);

impl Serialize for Peer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        object(serializer, |fields| {
            fields.put("port_id", self.0.port_id)?;
            fields.put("group", self.0.group)
        })
    }
}

/// The object `proc`.
struct Proc(NetlinkProc);

impl Serialize for Proc {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        object(serializer, |fields| {
            fields.put("pointer", self.0.pointer)?;
            fields.put("callback", self.0.callback)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_counted_from_one_across_words() {
        let mut bits = [0; 16];
        bits[..8].copy_from_slice(&(1_u64 | 1 << 31).to_ne_bytes());
        bits[8..].copy_from_slice(&2_u64.to_ne_bytes());
        assert_eq!(
            serde_json::json!(Groups(&bits)),
            serde_json::json!([1, 32, 66])
        );
        assert_eq!(serde_json::json!(Groups(&[])), serde_json::json!([]));
    }

    #[test]
    fn a_high_port_id_has_no_sign_and_what_is_not_connected_no_peer() {
        let socket = NetlinkDiag {
            kind: Some(3),
            state: Some(7),
            port_id: -2,
            inode: Some(0),
            peer: Some(NetlinkPeer {
                port_id: 0,
                group: 0,
            }),
            cookie: Some(1),
            flags: Some(1),
            ..NetlinkDiag::default()
        };
        let row = serde_json::json!(NetlinkRow {
            socket: &socket,
            protocol: Some("rtnl"),
            comm: None,
            context: None,
            company: Company::default(),
        });
        assert_eq!(row["port_id"], u32::MAX - 1);
        assert_eq!(row["inode_unknown"], "no-holder");
        assert_eq!(row["flags"], serde_json::json!(["cb_running"]));
        assert_eq!(row["state"], "CLOSE");
        assert_eq!(row["peer"], serde_json::Value::Null);
        assert_eq!(row["recv_q_bytes"], serde_json::Value::Null);
    }
}
