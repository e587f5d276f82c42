//! Which sockets a counter may be about, as far as the kernel keeps a trace in them.
//!
//! A trace is no proof: that a listener dropped something does not say that it was counted there. So each
//! socket comes with what was seen of it, and nothing more is claimed.

use plumb_model::Known;
use plumb_model::snapshot::{Kind, Snapshot, Socket};
use plumb_model::socket::SocketState;

use super::entry::Concerns;

/// `SK_MEMINFO_RMEM_ALLOC`: bytes in the receive queue, with their overhead.
const RMEM_ALLOC: usize = 0;
/// `SK_MEMINFO_RCVBUF`: the limit of the receive buffer.
const RCVBUF: usize = 1;
/// `SK_MEMINFO_DROPS`: packets the socket dropped.
const DROPS: usize = 8;
/// `idiag_timer`: zero window probes.
const PROBING: u32 = 4;

/// One socket and what was seen of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concerned {
    /// Its place in the snapshot.
    pub place: usize,
    /// What was seen, as `17 dropped`.
    pub trace: String,
    /// How much of it: the most first.
    pub weight: u64,
}

/// Finds the sockets that show a trace of what `concerns` is about, the strongest first.
pub fn concerned(concerns: Concerns, snapshot: &Snapshot) -> Vec<Concerned> {
    let mut found: Vec<Concerned> = snapshot
        .sockets
        .iter()
        .enumerate()
        .filter_map(|(place, socket)| {
            let (weight, trace) = trace(concerns, socket, snapshot, place)?;
            Some(Concerned {
                place,
                trace,
                weight,
            })
        })
        .collect();
    found.sort_by_key(|one| (std::cmp::Reverse(one.weight), one.place));
    found
}

fn trace(
    concerns: Concerns,
    socket: &Socket,
    snapshot: &Snapshot,
    place: usize,
) -> Option<(u64, String)> {
    let is_tcp = socket.kind == Kind::Tcp;
    match concerns {
        Concerns::Unknown => None,
        Concerns::Datagrams => {
            let is_udp = matches!(socket.kind, Kind::Udp | Kind::UdpLite);
            some(word(socket, DROPS)?, "dropped").filter(|_| is_udp)
        }
        _ if !is_tcp => None,
        Concerns::Listeners => listener(socket),
        Concerns::Requests => requests(socket, snapshot),
        Concerns::Dropping => some(word(socket, DROPS)?, "dropped"),
        Concerns::Unread => unread(socket),
        Concerns::ZeroWindow => {
            let unsent = socket.send_q.ok().unwrap_or(0);
            let probing = socket.timer.code == PROBING;
            probing.then(|| (unsent, format!("probing, {unsent} bytes wait to be sent")))
        }
        Concerns::Orphans => orphan(socket, snapshot, place),
        Concerns::TimeWait => {
            (socket.state == SocketState::TIME_WAIT).then(|| (1, "in TIME_WAIT".to_owned()))
        }
        Concerns::Keepalive
        | Concerns::Retransmitting
        | Concerns::Reordered
        | Concerns::Duplicates
        | Concerns::Congested => from_info(concerns, socket),
    }
}

fn some(count: u64, what: &str) -> Option<(u64, String)> {
    (count > 0).then(|| (count, format!("{count} {what}")))
}

fn word(socket: &Socket, place: usize) -> Option<u64> {
    let memory = socket.memory?;
    // What this kernel did not send means nothing.
    let was_sent = memory.sent_bytes > place * size_of::<u32>();
    let words = memory.words.get(place).copied();
    words.filter(|_| was_sent).map(u64::from)
}

fn listener(socket: &Socket) -> Option<(u64, String)> {
    if !socket.is_listener() {
        return None;
    }
    let (Known::Known(waiting), Known::Known(limit)) = (socket.recv_q, socket.send_q) else {
        return None;
    };
    let drops = word(socket, DROPS).unwrap_or(0);
    // The kernel takes one more than the limit.
    let is_full = waiting > limit;
    if drops == 0 && !is_full {
        return None;
    }
    let full = if is_full { ", full" } else { "" };
    let trace = format!("{waiting} of {limit} wait to be accepted{full}; {drops} dropped");
    Some((drops.saturating_add(u64::from(is_full)), trace))
}

fn requests(socket: &Socket, snapshot: &Snapshot) -> Option<(u64, String)> {
    if !socket.is_listener() {
        return None;
    }
    let port = socket.local.port()?;
    let is_request = |other: &&Socket| {
        other.state == SocketState::SYN_RECV
            && other.local.port() == Some(port)
            && other.netns == socket.netns
    };
    let count = snapshot.sockets.iter().filter(is_request).count();
    some(
        u64::try_from(count).unwrap_or(u64::MAX),
        "handshakes under way",
    )
}

fn unread(socket: &Socket) -> Option<(u64, String)> {
    if socket.is_listener() {
        return None;
    }
    let (held, limit) = (word(socket, RMEM_ALLOC)?, word(socket, RCVBUF)?);
    // Below half of its buffer a socket is not near its limit.
    if limit == 0 || held < limit / 2 {
        return None;
    }
    let unread = socket.recv_q.ok().unwrap_or(0);
    let percent = held.saturating_mul(100) / limit;
    let trace = format!("{unread} bytes unread, receive buffer {percent} % full");
    Some((held, trace))
}

fn orphan(socket: &Socket, snapshot: &Snapshot, place: usize) -> Option<(u64, String)> {
    let is_closing = matches!(
        socket.state,
        SocketState::FIN_WAIT1
            | SocketState::FIN_WAIT2
            | SocketState::LAST_ACK
            | SocketState::CLOSING
    );
    let is_held = matches!(snapshot.owners.of(place), Known::Known(holders) if !holders.is_empty());
    if !is_closing || is_held || socket.inode.ok().is_some() {
        return None;
    }
    let name = socket.state.tcp_name().unwrap_or("closing");
    Some((
        socket.send_q.ok().unwrap_or(0),
        format!("{name}, held by nobody"),
    ))
}

fn from_info(concerns: Concerns, socket: &Socket) -> Option<(u64, String)> {
    let info = socket.tcp.as_deref()?;
    match concerns {
        Concerns::Retransmitting => some(info.total_retrans.into(), "segments sent again"),
        Concerns::Reordered => some(info.reord_seen.into(), "times out of order"),
        Concerns::Duplicates => some(info.dsack_dups.into(), "duplicates reported"),
        Concerns::Congested => some(info.delivered_ce.into(), "segments marked"),
        Concerns::Keepalive => some(info.probes.into(), "probes unanswered"),
        _ => None,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use plumb_model::diag::inet::{DiagTimer, SkMemInfo};
    use plumb_model::snapshot::End;
    use plumb_model::{Inode, NetnsId, Reason};

    use super::*;

    /// A TCP socket at a port of loopback with its queues and memory counters.
    pub(crate) fn socket(
        state: SocketState,
        port: u16,
        queues: (u64, u64),
        words: [u32; 9],
    ) -> Socket {
        Socket {
            netns: NetnsId(1),
            cookie: Known::Unknown(Reason::NotInSource),
            inode: Known::Known(Inode(1)),
            kind: Kind::Tcp,
            state,
            local: End::Inet(SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
            peer: End::None,
            interface: 0,
            recv_q: Known::Known(queues.0),
            send_q: Known::Known(queues.1),
            uid: Known::Unknown(Reason::NotInSource),
            cgroup: Known::Unknown(Reason::NotInSource),
            mark: Known::Unknown(Reason::NotInSource),
            timer: DiagTimer::default(),
            v6only: false,
            shutdown: Known::Unknown(Reason::NotInSource),
            memory: Some(SkMemInfo {
                words,
                sent_bytes: 36,
            }),
            tcp: None,
        }
    }

    #[test]
    fn listeners_are_concerned_when_full_or_dropping_and_silent_ones_are_not() {
        let dropping = [0, 0, 0, 0, 0, 0, 0, 0, 17];
        let snapshot = Snapshot {
            sockets: vec![
                socket(SocketState::LISTEN, 80, (0, 128), [0; 9]),
                socket(SocketState::LISTEN, 81, (129, 128), [0; 9]),
                socket(SocketState::LISTEN, 82, (3, 128), dropping),
                socket(SocketState::ESTABLISHED, 83, (3, 0), dropping),
            ],
            ..Snapshot::default()
        };
        let found = concerned(Concerns::Listeners, &snapshot);
        let traces: Vec<(usize, &str)> = found
            .iter()
            .map(|one| (one.place, one.trace.as_str()))
            .collect();
        assert_eq!(
            traces,
            [
                (2, "3 of 128 wait to be accepted; 17 dropped"),
                (1, "129 of 128 wait to be accepted, full; 0 dropped"),
            ]
        );
        assert_eq!(concerned(Concerns::Dropping, &snapshot).len(), 2);
        assert!(concerned(Concerns::Unknown, &snapshot).is_empty());
        assert!(concerned(Concerns::Datagrams, &snapshot).is_empty());
    }

    #[test]
    fn a_receive_buffer_concerns_when_half_of_it_is_taken() {
        let snapshot = Snapshot {
            sockets: vec![
                socket(
                    SocketState::ESTABLISHED,
                    1,
                    (10, 0),
                    [40, 100, 0, 0, 0, 0, 0, 0, 0],
                ),
                socket(
                    SocketState::ESTABLISHED,
                    2,
                    (70, 0),
                    [90, 100, 0, 0, 0, 0, 0, 0, 0],
                ),
            ],
            ..Snapshot::default()
        };
        let found = concerned(Concerns::Unread, &snapshot);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].trace, "70 bytes unread, receive buffer 90 % full");
    }
}
