//! Rows of packet sockets.

use plumb_model::Reason;
use plumb_model::diag::packet::{BpfInstruction, PacketDiag, PacketFanout, PacketInfo, PacketRing};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::Company;
use super::fields::{Fields, object};
use super::shared::{Hex, Memory, Unknown, Words, put_family, put_type};

/// The names of `PDI_*`.
const FLAGS: [&str; 5] = ["running", "auxdata", "origdev", "vnethdr", "loss"];

/// A row of the `sockets` array.
#[derive(Debug, Clone, Copy)]
pub struct PacketRow<'a> {
    /// The socket.
    pub socket: &'a PacketDiag<'a>,
    /// Name of the Ethernet protocol.
    pub protocol: Option<&'a str>,
    /// Name of the interface.
    pub interface: Option<&'a str>,
    /// Name of the user.
    pub user: Option<&'a str>,
    /// Holders and namespace.
    pub company: Company<'a>,
}

impl Serialize for PacketRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let socket = self.socket;
        let inode_unknown = (socket.inode == 0).then_some(Reason::NoHolder);
        object(serializer, |fields| {
            put_family(fields, "packet")?;
            put_type(fields, Some(socket.kind))?;
            fields.put("recv_q_bytes", socket.recv_q)?;
            fields.put("ethernet_protocol", self.protocol)?;
            fields.put("ethernet_protocol_code", socket.protocol)?;
            let index = socket.interface.filter(|&index| index != 0);
            fields.put("interface", index.and(self.interface))?;
            fields.put("interface_index", index)?;
            fields.put("uid", socket.uid)?;
            fields.some("user", self.user)?;
            match inode_unknown {
                Some(reason) => fields.unknown("inode", reason.word())?,
                None => fields.put("inode", socket.inode)?,
            }
            match socket.cookie {
                Some(cookie) => fields.put("cookie", cookie)?,
                None => fields.unknown("cookie", Reason::NotInSource.word())?,
            }
            self.put_info(fields)?;
            Unknown(&socket.unknown).write(fields)?;
            self.company.write(fields, inode_unknown)
        })
    }
}

impl PacketRow<'_> {
    fn put_info<M: SerializeMap>(&self, fields: &mut Fields<M>) -> Result<(), M::Error> {
        let socket = self.socket;
        fields.put("info", socket.info.map(Info))?;
        fields.some("rx_ring", socket.rx_ring.map(Ring))?;
        fields.some("tx_ring", socket.tx_ring.map(Ring))?;
        fields.some("fanout", socket.fanout.map(Fanout))?;
        fields.put("skmem", socket.memory.map(Memory))?;
        fields.some("filter", socket.filter.as_deref().map(Program))?;
        fields.some("memberships_hex", socket.memberships.map(Hex))
    }
}

/// The object `info`.
struct Info(PacketInfo);

impl Serialize for Info {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let info = self.0;
        object(serializer, |fields| {
            fields.put("version", info.version)?;
            fields.put("reserve_bytes", info.reserve_bytes)?;
            fields.put("copy_thresh_bytes", info.copy_threshold_bytes)?;
            fields.put("tstamp_code", info.timestamp)?;
            fields.put(
                "flags",
                Words {
                    bits: info.flags,
                    names: &FLAGS,
                },
            )?;
            fields.put("flags_code", info.flags)
        })
    }
}

/// The objects `rx_ring` and `tx_ring`.
struct Ring(PacketRing);

impl Serialize for Ring {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ring = self.0;
        object(serializer, |fields| {
            fields.put("block_size_bytes", ring.block_bytes)?;
            fields.put("blocks", ring.blocks)?;
            fields.put("frame_size_bytes", ring.frame_bytes)?;
            fields.put("frames", ring.frames)?;
            fields.put("retire_ms", ring.retire_ms)?;
            fields.put("private_bytes", ring.private_bytes)?;
            fields.put("features_code", ring.features)
        })
    }
}

/// The object `fanout`.
struct Fanout(PacketFanout);

impl Serialize for Fanout {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        object(serializer, |fields| {
            fields.put("id", self.0.id)?;
            fields.put("type", fanout_name(self.0.kind))?;
            fields.put("type_code", self.0.kind)
        })
    }
}

/// Names `PACKET_FANOUT_*`; flags are in the high byte.
fn fanout_name(kind: u16) -> Option<&'static str> {
    const NAMES: [&str; 8] = ["hash", "lb", "cpu", "rollover", "rnd", "qm", "cbpf", "ebpf"];
    NAMES.get(usize::from(kind & 0xff)).copied()
}

/// The array `filter`.
struct Program<'a>(&'a [BpfInstruction]);

impl Serialize for Program<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Instruction))
    }
}

/// One instruction, by the names of `struct sock_filter`.
struct Instruction<'a>(&'a BpfInstruction);

impl Serialize for Instruction<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        object(serializer, |fields| {
            fields.put("code", self.0.code)?;
            fields.put("jt", self.0.jump_true)?;
            fields.put("jf", self.0.jump_false)?;
            fields.put("k", self.0.operand)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sniffer_with_its_filter_and_fanout() {
        let socket = PacketDiag {
            kind: PacketDiag::RAW,
            protocol: PacketDiag::ALL,
            interface: Some(2),
            inode: 7,
            cookie: Some(1),
            info: Some(PacketInfo {
                version: 2,
                reserve_bytes: 4,
                copy_threshold_bytes: 0,
                timestamp: 0,
                flags: 0b11,
            }),
            fanout: Some(PacketFanout {
                id: 9,
                kind: 0x1001,
            }),
            filter: Some(vec![BpfInstruction {
                code: 6,
                jump_true: 0,
                jump_false: 0,
                operand: 65535,
            }]),
            ..PacketDiag::default()
        };
        let row = serde_json::json!(PacketRow {
            socket: &socket,
            protocol: Some("all"),
            interface: Some("eth0"),
            user: None,
            company: Company::default(),
        });
        assert_eq!(row["type"], "raw");
        assert_eq!(row["interface"], "eth0");
        assert_eq!(row["recv_q_bytes"], serde_json::Value::Null);
        assert_eq!(
            row["info"]["flags"],
            serde_json::json!(["running", "auxdata"])
        );
        assert_eq!(
            row["fanout"],
            serde_json::json!({"id": 9, "type": "lb", "type_code": 0x1001})
        );
        assert_eq!(
            row["filter"],
            serde_json::json!([{"code": 6, "jt": 0, "jf": 0, "k": 65535}])
        );
        assert!(row.get("rx_ring").is_none());
    }
}
