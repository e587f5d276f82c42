//! Rows of XDP sockets.

use plumb_model::Reason;
use plumb_model::diag::xdp::{XdpDiag, XdpStatistics, XdpUmem};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::Company;
use super::fields::{Fields, object};
use super::shared::{Memory, Unknown, put_family, put_type};

/// A row of the `sockets` array.
#[derive(Debug, Clone, Copy)]
pub struct XdpRow<'a> {
    /// The socket.
    pub socket: &'a XdpDiag<'a>,
    /// Name of the interface.
    pub interface: Option<&'a str>,
    /// Name of the user.
    pub user: Option<&'a str>,
    /// Holders and namespace.
    pub company: Company<'a>,
}

impl Serialize for XdpRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let socket = self.socket;
        let inode_unknown = (socket.inode == 0).then_some(Reason::NoHolder);
        object(serializer, |fields| {
            put_family(fields, "xdp")?;
            put_type(fields, Some(socket.kind.into()))?;
            let binding = socket.binding.filter(|binding| binding.interface != 0);
            fields.put("interface", binding.and(self.interface))?;
            fields.put("interface_index", binding.map(|binding| binding.interface))?;
            fields.put("queue", binding.map(|binding| binding.queue))?;
            fields.put("uid", socket.uid)?;
            fields.some("user", self.user)?;
            match inode_unknown {
                Some(reason) => fields.unknown("inode", reason.word())?,
                None => fields.put("inode", socket.inode)?,
            }
            fields.put("cookie", socket.cookie)?;
            self.put_rings(fields)?;
            Unknown(&socket.unknown).write(fields)?;
            self.company.write(fields, inode_unknown)
        })
    }
}

impl XdpRow<'_> {
    fn put_rings<M: SerializeMap>(&self, fields: &mut Fields<M>) -> Result<(), M::Error> {
        let socket = self.socket;
        fields.put("rx_ring_entries", socket.rx_ring)?;
        fields.put("tx_ring_entries", socket.tx_ring)?;
        fields.put("fill_ring_entries", socket.fill_ring)?;
        fields.put("completion_ring_entries", socket.completion_ring)?;
        fields.put("umem", socket.umem.map(Umem))?;
        fields.put("statistics", socket.statistics.map(Statistics))?;
        fields.put("skmem", socket.memory.map(Memory))
    }
}

/// The object `umem`.
struct Umem(XdpUmem);

impl Serialize for Umem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let umem = self.0;
        let index = Some(umem.interface).filter(|&index| index != 0);
        object(serializer, |fields| {
            fields.put("id", umem.id)?;
            fields.put("size_bytes", umem.size_bytes)?;
            fields.put("num_pages", umem.pages)?;
            fields.put("chunk_size_bytes", umem.chunk_bytes)?;
            fields.put("headroom_bytes", umem.headroom_bytes)?;
            fields.put("interface_index", index)?;
            fields.put("queue", umem.queue)?;
            fields.put("zero_copy", umem.flags & XdpUmem::ZERO_COPY != 0)?;
            fields.put("flags_code", umem.flags)?;
            fields.put("references", umem.references)
        })
    }
}

/// The object `statistics`.
struct Statistics(XdpStatistics);

impl Serialize for Statistics {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let statistics = self.0;
        object(serializer, |fields| {
            fields.put("rx_dropped", statistics.rx_dropped)?;
            fields.put("rx_invalid", statistics.rx_invalid)?;
            fields.put("rx_ring_full", statistics.rx_ring_full)?;
            fields.put("fill_ring_empty", statistics.fill_ring_empty)?;
            fields.put("tx_invalid", statistics.tx_invalid)?;
            fields.put("tx_ring_empty", statistics.tx_ring_empty)
        })
    }
}

#[cfg(test)]
mod tests {
    use plumb_model::diag::xdp::XdpBinding;

    use super::*;

    #[test]
    fn a_bound_socket_names_its_queue_and_an_unbound_one_has_none() {
        let mut socket = XdpDiag {
            kind: 3,
            inode: 4,
            binding: Some(XdpBinding {
                interface: 2,
                queue: 5,
            }),
            rx_ring: Some(2048),
            ..XdpDiag::default()
        };
        let written = |socket: &XdpDiag<'_>| {
            serde_json::json!(XdpRow {
                socket,
                interface: Some("eth0"),
                user: None,
                company: Company::default(),
            })
        };
        let row = written(&socket);
        assert_eq!(
            (&row["interface"], &row["queue"]),
            (&"eth0".into(), &5.into())
        );
        assert_eq!(row["rx_ring_entries"], 2048);
        assert_eq!(row["umem"], serde_json::Value::Null);
        socket.binding = Some(XdpBinding {
            interface: 0,
            queue: 0,
        });
        let row = written(&socket);
        assert_eq!(row["interface"], serde_json::Value::Null);
        assert_eq!(row["queue"], serde_json::Value::Null);
    }
}
