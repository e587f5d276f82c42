//! Rows of TIPC sockets.

use plumb_model::Reason;
use plumb_model::diag::tipc::{TipcConnection, TipcDiag, TipcService, TipcStatistics};
use serde::{Serialize, Serializer};

use super::Company;
use super::fields::object;
use super::shared::{Hex, Unknown, put_family, put_state, put_type};

/// A row of the `sockets` array.
#[derive(Debug, Clone, Copy)]
pub struct TipcRow<'a> {
    /// The socket.
    pub socket: &'a TipcDiag<'a>,
    /// Name of the user.
    pub user: Option<&'a str>,
    /// Holders and namespace.
    pub company: Company<'a>,
}

impl Serialize for TipcRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let socket = self.socket;
        let inode = socket.inode.filter(|&inode| inode != 0);
        let inode_unknown = inode.is_none().then_some(Reason::NoHolder);
        object(serializer, |fields| {
            put_family(fields, "tipc")?;
            put_type(fields, socket.kind)?;
            put_state(fields, socket.state)?;
            let local = End {
                node: socket.node,
                reference: socket.reference,
            };
            fields.put("local", local)?;
            fields.put("peer", socket.connection.map(End::of))?;
            let service = socket.connection.and_then(|connection| connection.service);
            fields.put("service", service.map(Service))?;
            fields.put("published", socket.published)?;
            fields.put("uid", socket.uid)?;
            fields.some("user", self.user)?;
            match inode_unknown {
                Some(reason) => fields.unknown("inode", reason.word())?,
                None => fields.put("inode", inode)?,
            }
            fields.put("cookie", socket.cookie)?;
            fields.put("statistics", socket.statistics.map(Statistics))?;
            fields.some("group_hex", socket.group.map(Hex))?;
            Unknown(&socket.unknown).write(fields)?;
            self.company.write(fields, inode_unknown)
        })
    }
}

/// The objects `local` and `peer`.
struct End {
    node: Option<u32>,
    reference: Option<u32>,
}

impl End {
    fn of(peer: TipcConnection) -> Self {
        Self {
            node: peer.node,
            reference: peer.reference,
        }
    }
}

impl Serialize for End {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        object(serializer, |fields| {
            fields.put("node", self.node)?;
            fields.put("reference", self.reference)
        })
    }
}

/// The object `service`.
struct Service(TipcService);

impl Serialize for Service {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        object(serializer, |fields| {
            fields.put("type", self.0.kind)?;
            fields.put("instance", self.0.instance)
        })
    }
}

/// The object `statistics`.
struct Statistics(TipcStatistics);

impl Serialize for Statistics {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        object(serializer, |fields| {
            fields.put("recv_q_messages", self.0.recv_q)?;
            fields.put("send_q_messages", self.0.send_q)?;
            fields.put("link_congested", self.0.link_congested)?;
            fields.put("connection_congested", self.0.connection_congested)?;
            fields.put("drops", self.0.drops)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connected_socket_with_its_service() {
        let socket = TipcDiag {
            kind: Some(4),
            state: Some(1),
            node: Some(0x100_1001),
            reference: Some(7),
            inode: Some(8),
            connection: Some(TipcConnection {
                node: Some(1),
                reference: None,
                service: Some(TipcService {
                    kind: Some(18),
                    instance: Some(0),
                }),
            }),
            statistics: Some(TipcStatistics {
                drops: Some(2),
                ..TipcStatistics::default()
            }),
            ..TipcDiag::default()
        };
        let row = serde_json::json!(TipcRow {
            socket: &socket,
            user: None,
            company: Company::default(),
        });
        assert_eq!(row["type"], "rdm");
        assert_eq!(row["state"], "ESTABLISHED");
        assert_eq!(
            row["local"],
            serde_json::json!({"node": 0x100_1001, "reference": 7})
        );
        assert_eq!(
            row["peer"],
            serde_json::json!({"node": 1, "reference": null})
        );
        assert_eq!(
            row["service"],
            serde_json::json!({"type": 18, "instance": 0})
        );
        assert_eq!(row["statistics"]["drops"], 2);
        assert_eq!(
            row["statistics"]["recv_q_messages"],
            serde_json::Value::Null
        );
    }
}
