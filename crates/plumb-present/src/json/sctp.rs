//! JSON rows of SCTP endpoints and associations (array `sctp`).

use std::net::IpAddr;

use plumb_model::owner::Owner;
use plumb_model::sctp::{SctpKind, SctpSocket};
use plumb_model::{Inode, Known, Reason};
use serde::Serialize;

use super::sockets::{ProcessField, process_fields};

/// One endpoint or association.
#[derive(Debug, Clone, Serialize)]
pub struct Sctp {
    /// `endpoint` or `association`.
    pub kind: &'static str,
    /// Local addresses.
    pub local_addresses: Vec<IpAddr>,
    /// Local port; `null` when unbound.
    pub local_port: Option<u32>,
    /// The peer's addresses; `null` for an endpoint.
    pub peer_addresses: Option<Vec<IpAddr>>,
    /// The peer's port; `null` for an endpoint.
    pub peer_port: Option<u32>,
    /// Name of the state; `null` when the number has none.
    pub state: Option<&'static str>,
    /// The kernel's state number.
    pub state_code: u32,
    /// Unread bytes; `null` for an endpoint.
    pub recv_q_bytes: Option<u32>,
    /// Unacknowledged bytes; `null` for an endpoint.
    pub send_q_bytes: Option<u32>,
    /// Owning user.
    pub uid: u32,
    /// Inode of the socket.
    pub inode: Option<u64>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inode_unknown: Option<&'static str>,
    /// The process that holds the socket, with -p.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process: Option<ProcessField>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process_unknown: Option<&'static str>,
    /// The namespace, when several are shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub netns: Option<super::Netns>,
}

impl Sctp {
    /// Builds the row; `owner` is what the search for owners found, with -p.
    pub fn new(
        socket: &SctpSocket,
        owner: Option<Known<&Owner>>,
        netns: Option<super::Netns>,
    ) -> Self {
        let (process, process_unknown) = process_fields(owner);
        let is_association = socket.kind == SctpKind::Association;
        Self {
            kind: if is_association {
                "association"
            } else {
                "endpoint"
            },
            local_addresses: socket.local.clone(),
            local_port: Some(socket.local_port.0).filter(|&port| port != 0),
            peer_addresses: is_association.then(|| socket.peer.clone()),
            peer_port: is_association.then_some(socket.peer_port.0),
            state: socket.state.tcp_name(),
            state_code: socket.state.0,
            recv_q_bytes: is_association.then_some(socket.recv_q),
            send_q_bytes: is_association.then_some(socket.send_q),
            uid: socket.raw_uid.0,
            inode: Some(socket.raw_inode.0).filter(|&inode| inode != 0),
            inode_unknown: (socket.raw_inode == Inode(0)).then_some(Reason::NoHolder.word()),
            process,
            process_unknown,
            netns,
        }
    }
}

#[cfg(test)]
mod tests {
    use plumb_model::socket::SocketState;
    use plumb_model::{Port, Uid};

    use super::*;

    #[test]
    fn an_endpoint_has_no_peer_and_no_queues() {
        let socket = SctpSocket {
            kind: SctpKind::Endpoint,
            local: vec![IpAddr::from([10, 0, 0, 1])],
            peer: Vec::new(),
            local_port: Port(9),
            peer_port: Port(0),
            state: SocketState::LISTEN,
            recv_q: 0,
            send_q: 0,
            raw_uid: Uid(1000),
            raw_inode: Inode(5),
        };
        assert_eq!(
            serde_json::json!(Sctp::new(&socket, None, None)),
            serde_json::json!({
                "kind": "endpoint", "local_addresses": ["10.0.0.1"], "local_port": 9,
                "peer_addresses": null, "peer_port": null, "state": "LISTEN", "state_code": 10,
                "recv_q_bytes": null, "send_q_bytes": null, "uid": 1000, "inode": 5,
            })
        );
    }
}
