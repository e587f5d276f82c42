//! JSON rows of the legacy families (arrays `ipx`, `ax25`, `x25`, `netrom`, `rose`).

use plumb_model::legacy::{
    Ax25Socket, IpxAddress, IpxSocket, LinkNumbers, NetRomSocket, RoseSocket, X25Socket,
};
use serde::Serialize;

/// An IPX address.
#[derive(Debug, Clone, Serialize)]
pub struct IpxEnd {
    /// Network number, eight hexadecimal digits.
    pub network: String,
    /// Node number, twelve hexadecimal digits.
    pub node: String,
    /// Socket number.
    pub port: u16,
}

impl IpxEnd {
    fn from_address(address: &IpxAddress) -> Self {
        Self {
            network: format!("{:08X}", address.network & 0xffff_ffff),
            node: format!("{:012X}", address.node_number()),
            port: address.port,
        }
    }
}

/// One IPX socket.
#[derive(Debug, Clone, Serialize)]
pub struct Ipx {
    /// The local end.
    pub local: IpxEnd,
    /// The peer; `null` when not connected.
    pub peer: Option<IpxEnd>,
    /// Bytes in the receive queue.
    pub recv_q_bytes: i64,
    /// Bytes in the send queue.
    pub send_q_bytes: i64,
    /// Name of the state; `null` when the number has none.
    pub state: Option<&'static str>,
    /// The kernel's state number.
    pub state_code: i32,
    /// Owning user.
    pub uid: i32,
    /// The namespace, when several are shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub netns: Option<super::Netns>,
}

impl Ipx {
    /// Builds the row.
    pub fn from_socket(socket: &IpxSocket, netns: Option<super::Netns>) -> Self {
        Self {
            local: IpxEnd::from_address(&socket.local),
            peer: socket.peer.as_ref().map(IpxEnd::from_address),
            recv_q_bytes: socket.recv_q,
            send_q_bytes: socket.send_q,
            // The kernel keeps only these two of the TCP states.
            state: match socket.state {
                1 => Some("ESTABLISHED"),
                7 => Some("CLOSE"),
                _ => None,
            },
            state_code: socket.state,
            uid: socket.uid,
            netns,
        }
    }
}

/// One socket of AX.25, X.25, NET/ROM or ROSE; what a family does not have is left out.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Link {
    /// NET/ROM: call sign of the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Address or call sign of the peer.
    pub peer_address: String,
    /// ROSE: call sign of the peer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer_call: Option<String>,
    /// Our address or call sign.
    pub local_address: String,
    /// ROSE: our call sign.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_call: Option<String>,
    /// Interface.
    pub interface: String,
    /// X.25 and ROSE: logical channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lci: Option<i32>,
    /// ROSE: number of the neighbour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub neighbour: Option<i32>,
    /// Name of the state; `null` when the number has none.
    pub state: Option<String>,
    /// The kernel's state number.
    pub state_code: i32,
    /// Sequence numbers and queues; not known for ROSE.
    #[serde(flatten)]
    pub numbers: Option<LinkRow>,
    /// The namespace, when several are shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub netns: Option<super::Netns>,
}

/// The numbers of a link.
#[derive(Debug, Clone, Serialize)]
pub struct LinkRow {
    /// Send sequence number.
    pub vs: i32,
    /// Receive sequence number.
    pub vr: i32,
    /// Bytes in the send queue.
    pub send_q_bytes: i32,
    /// Bytes in the receive queue.
    pub recv_q_bytes: i32,
}

/// The tables spell the same state with a blank or without; here it is one word.
fn state_word(state: &'static str) -> String {
    state.replace(' ', "_")
}

/// Columns cut from a line may carry the blanks that fill them.
fn word(bytes: &[u8]) -> String {
    super::text(bytes.trim_ascii())
}

impl Link {
    fn with_link(self, link: &LinkNumbers, state: Option<&'static str>) -> Self {
        Self {
            state: state.map(state_word),
            state_code: link.state,
            numbers: Some(LinkRow {
                vs: link.vs,
                vr: link.vr,
                send_q_bytes: link.send_q,
                recv_q_bytes: link.recv_q,
            }),
            ..self
        }
    }

    /// Builds the row of an AX.25 socket; `state` is the name of its state.
    pub fn from_ax25(socket: &Ax25Socket, state: Option<&'static str>) -> Self {
        let row = Self {
            peer_address: word(&socket.destination),
            local_address: word(&socket.source),
            interface: word(&socket.device),
            ..Self::default()
        };
        row.with_link(&socket.link, state)
    }

    /// Builds the row of an X.25 socket.
    pub fn from_x25(socket: &X25Socket, state: Option<&'static str>) -> Self {
        let row = Self {
            peer_address: word(&socket.destination),
            local_address: word(&socket.source),
            interface: word(&socket.device),
            lci: Some(socket.lci),
            ..Self::default()
        };
        row.with_link(&socket.link, state)
    }

    /// Builds the row of a NET/ROM socket.
    pub fn from_netrom(socket: &NetRomSocket, state: Option<&'static str>) -> Self {
        let row = Self {
            user: Some(word(&socket.user)),
            peer_address: word(&socket.destination),
            local_address: word(&socket.source),
            interface: word(&socket.device),
            ..Self::default()
        };
        row.with_link(&socket.link, state)
    }

    /// Builds the row of a ROSE socket.
    pub fn from_rose(socket: &RoseSocket, state: Option<&'static str>) -> Self {
        Self {
            peer_address: word(&socket.destination),
            peer_call: Some(word(&socket.destination_call)),
            local_address: word(&socket.source),
            local_call: Some(word(&socket.source_call)),
            interface: word(&socket.device),
            lci: Some(socket.lci),
            neighbour: Some(socket.neighbour),
            state: state.map(state_word),
            state_code: socket.state,
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_shows_only_what_it_has() {
        let socket = Ax25Socket {
            destination: b"N0CALL-2".to_vec(),
            source: b"N0CALL-1 ".to_vec(),
            device: b"ax0".to_vec(),
            link: LinkNumbers::default(),
        };
        assert_eq!(
            serde_json::json!(Link::from_ax25(&socket, Some("SABM SENT"))),
            serde_json::json!({
                "peer_address": "N0CALL-2", "local_address": "N0CALL-1", "interface": "ax0",
                "state": "SABM_SENT", "state_code": 0,
                "vs": 0, "vr": 0, "send_q_bytes": 0, "recv_q_bytes": 0,
            })
        );
    }
}
