//! The tables of one namespace, from sock_diag, as rows of a snapshot.

use std::net::SocketAddr;

use plumb_model::diag::inet::{AF_INET, AF_INET6, DiagEndpoint, InetDiag, Info, Protocol};
use plumb_model::diag::netlink::NetlinkDiag;
use plumb_model::diag::packet::PacketDiag;
use plumb_model::diag::unix::UnixDiag;
use plumb_model::diag::vsock::{VsockDiag, VsockEndpoint};
use plumb_model::snapshot::{End, Kind, Socket};
use plumb_model::socket::SocketState;
use plumb_model::{Cookie, Inode, Known, NetnsId, Reason, Uid};
use plumb_wire::netlink::inet_diag_record::decode_inet_diag_record;
use plumb_wire::netlink::inet_request::{InetRequest, encode_inet_dump};
use plumb_wire::netlink::netlink_diag::{self, decode_netlink_diag, encode_netlink_request};
use plumb_wire::netlink::packet_diag::{self, decode_packet_diag, encode_packet_request};
use plumb_wire::netlink::unix_diag::{self, decode_unix_diag, encode_unix_request};
use plumb_wire::netlink::vsock_diag::{decode_vsock_diag, encode_vsock_request};
use rustix::io::Errno;

use super::Request;
use crate::sock_diag::{Dump, DumpError, Step, steady};

/// `INET_DIAG_INFO`, as a bit of the request.
const INFO: u8 = 1 << 1;
/// `INET_DIAG_SKMEMINFO`, likewise.
const SKMEMINFO: u8 = 1 << 6;
/// `idiag_timer` of what waits in TIME_WAIT.
const TIME_WAIT_TIMER: u32 = 3;
/// `TCP_CLOSE`: what sockets without states are listed as.
const CLOSE: SocketState = SocketState::CLOSE;

/// A table that could not be read, or not to its end.
pub(super) struct Failure {
    pub table: &'static str,
    pub error: DumpError,
}

/// Where rows go: those that are wanted into the list.
pub(super) struct Rows<'a> {
    pub sockets: &'a mut Vec<Socket>,
    pub keep: &'a mut dyn FnMut(&Socket) -> bool,
}

impl Rows<'_> {
    fn push(&mut self, socket: Socket) {
        if (self.keep)(&socket) {
            self.sockets.push(socket);
        }
    }
}

/// Reads the tables asked for; gives those that failed. Protocols this kernel does not have are empty
/// tables, not failures.
pub(super) fn read(request: &Request, netns: NetnsId, sockets: &mut Rows<'_>) -> Vec<Failure> {
    let mut failures = Vec::new();
    let mut note = |table, outcome: Result<(), DumpError>| {
        if let Err(error) = outcome
            && !is_absent(error)
        {
            failures.push(Failure { table, error });
        }
    };
    for (kind, protocol) in INET {
        if request.kinds.contains(&kind) {
            for family in [AF_INET, AF_INET6] {
                note(
                    kind.word(),
                    inet(request, netns, kind, protocol, family, sockets),
                );
            }
        }
    }
    let wants = |wanted: fn(&Kind) -> bool| request.kinds.iter().any(wanted);
    if wants(|kind| kind.is_unix()) {
        note("unix", unix(request, netns, sockets));
    }
    if wants(|kind| matches!(kind, Kind::PacketRaw | Kind::PacketDgram)) {
        note("packet", packet(request, netns, sockets));
    }
    if wants(|kind| *kind == Kind::Netlink) {
        note("netlink", netlink(netns, sockets));
    }
    if wants(|kind| matches!(kind, Kind::VsockStream | Kind::VsockDgram)) {
        note("vsock", vsock(request, netns, sockets));
    }
    failures
}

const INET: [(Kind, Protocol); 7] = [
    (Kind::Tcp, Protocol::TCP),
    (Kind::Udp, Protocol::UDP),
    (Kind::UdpLite, Protocol(136)),
    (Kind::Raw, Protocol::IPPROTO_RAW),
    (Kind::Sctp, Protocol::SCTP),
    (Kind::Dccp, Protocol::DCCP),
    (Kind::Mptcp, Protocol::MPTCP),
];

/// Says whether the kernel has no such sockets at all, which is what these errors mean.
fn is_absent(error: DumpError) -> bool {
    matches!(
        error,
        DumpError::Refused(Errno::NOENT | Errno::INVAL | Errno::OPNOTSUPP | Errno::PROTONOSUPPORT)
    )
}

fn inet(
    request: &Request,
    netns: NetnsId,
    kind: Kind,
    protocol: Protocol,
    family: u8,
    sockets: &mut Rows<'_>,
) -> Result<(), DumpError> {
    let mut extensions = 0;
    if request.info {
        extensions |= INFO;
    }
    if request.memory {
        extensions |= SKMEMINFO;
    }
    let message = encode_inet_dump(&InetRequest {
        family,
        protocol,
        states: request.states,
        extensions,
        program: request.program.as_deref(),
        bpf_storages: None,
    });
    steady::read(&message, |step| {
        if let Step::Message(payload) = step
            && let Some(row) = decode_inet_diag_record(payload, protocol)
            && row.family == family
        {
            sockets.push(inet_socket(netns, kind, &row));
        }
    })
    .map(drop)
}

fn inet_socket(netns: NetnsId, kind: Kind, row: &InetDiag<'_>) -> Socket {
    let end = |end: &DiagEndpoint| {
        let port = u16::try_from(end.port).unwrap_or(0);
        End::Inet(SocketAddr::new(end.ip(row.family), port))
    };
    let state = SocketState(row.state);
    let told = Reason::NotInSource;
    Socket {
        netns,
        cookie: known(row.cookie, told).map(Cookie),
        inode: known(row.inode, ownerless(state, row.timer.code)).map(Inode),
        kind,
        state,
        local: end(&row.local),
        peer: end(&row.peer),
        interface: row.interface,
        recv_q: Known::Known(row.recv_q.into()),
        send_q: Known::Known(row.send_q.into()),
        uid: match (row.inode, state) {
            (0, SocketState::TIME_WAIT) => Known::Unknown(Reason::TimeWait),
            _ => Known::Known(Uid(row.uid)),
        },
        cgroup: option(row.extensions.cgroup_id, told),
        mark: option(row.extensions.mark, told),
        timer: row.timer,
        v6only: row.extensions.v6only.is_some_and(|only| only != 0),
        shutdown: option(row.extensions.shutdown, told),
        memory: row.extensions.skmeminfo,
        tcp: match row.extensions.info {
            Some(Info::Tcp(info)) => Some(Box::new(info)),
            _ => None,
        },
    }
}

/// Says why an Internet socket has no inode: which of TCP's that no program holds it is.
fn ownerless(state: SocketState, timer: u32) -> Reason {
    match state {
        SocketState::TIME_WAIT => Reason::TimeWait,
        // The kernel keeps a small stand-in for a connection that only waits for the other side's FIN.
        SocketState::FIN_WAIT2 if timer == TIME_WAIT_TIMER => Reason::TimeWait,
        SocketState::SYN_RECV => Reason::ConnectionRequest,
        // Closed ones have sent their FIN; these are still waiting to be accepted.
        SocketState::ESTABLISHED | SocketState::CLOSE_WAIT => Reason::NotAccepted,
        SocketState::FIN_WAIT1
        | SocketState::FIN_WAIT2
        | SocketState::CLOSING
        | SocketState::LAST_ACK => Reason::Orphan,
        _ => Reason::NoHolder,
    }
}

fn unix(request: &Request, netns: NetnsId, sockets: &mut Rows<'_>) -> Result<(), DumpError> {
    let mut show =
        unix_diag::SHOW_NAME | unix_diag::SHOW_PEER | unix_diag::SHOW_RQLEN | unix_diag::SHOW_UID;
    if request.memory {
        show |= unix_diag::SHOW_MEMINFO;
    }
    dump(&encode_unix_request(request.states, show), |payload| {
        let Some(row) = decode_unix_diag(payload) else {
            return;
        };
        let kind = match row.kind {
            UnixDiag::DGRAM => Kind::UnixDgram,
            UnixDiag::SEQPACKET => Kind::UnixSeqpacket,
            _ => Kind::UnixStream,
        };
        if request.kinds.contains(&kind) {
            let inode = Inode(row.inode.into());
            let peer = Inode(row.peer.unwrap_or(0).into());
            sockets.push(Socket {
                cookie: option(row.cookie, Reason::NotInSource).map(Cookie),
                inode: known(inode.0, Reason::NotAccepted).map(Inode),
                state: SocketState(row.state),
                local: End::Unix {
                    name: row.name.map(<[u8]>::to_vec),
                    inode,
                },
                peer: End::Unix {
                    name: None,
                    inode: peer,
                },
                recv_q: option(row.queues.map(|q| q.recv.into()), Reason::NotInSource),
                send_q: option(row.queues.map(|q| q.send.into()), Reason::NotInSource),
                uid: option(row.uid, Reason::NotInSource).map(Uid),
                shutdown: option(row.shutdown, Reason::NotInSource),
                memory: row.memory,
                ..bare(netns, kind)
            });
        }
    })
}

fn packet(request: &Request, netns: NetnsId, sockets: &mut Rows<'_>) -> Result<(), DumpError> {
    dump(&encode_packet_request(packet_diag::SHOW), |payload| {
        let Some(row) = decode_packet_diag(payload) else {
            return;
        };
        let kind = if row.kind == PacketDiag::RAW {
            Kind::PacketRaw
        } else {
            Kind::PacketDgram
        };
        if request.kinds.contains(&kind) {
            sockets.push(Socket {
                cookie: option(row.cookie, Reason::NotInSource).map(Cookie),
                inode: known(row.inode.into(), Reason::NotInSource).map(Inode),
                local: End::Packet {
                    protocol: row.protocol,
                },
                interface: row.interface.unwrap_or(0),
                recv_q: option(row.recv_q.map(Into::into), Reason::NotInSource),
                uid: option(row.uid, Reason::NotInSource).map(Uid),
                memory: row.memory,
                ..bare(netns, kind)
            });
        }
    })
}

fn netlink(netns: NetnsId, sockets: &mut Rows<'_>) -> Result<(), DumpError> {
    dump(&encode_netlink_request(netlink_diag::SHOW), |payload| {
        let Some(row) = decode_netlink_diag(payload) else {
            return;
        };
        sockets.push(netlink_socket(netns, &row));
    })
}

fn netlink_socket(netns: NetnsId, row: &NetlinkDiag<'_>) -> Socket {
    let end = |port_id: i64| End::Netlink {
        protocol: row.protocol,
        port_id,
    };
    Socket {
        cookie: option(row.cookie, Reason::NotInSource).map(Cookie),
        inode: known(row.inode.unwrap_or(0).into(), Reason::KernelOwned).map(Inode),
        state: row.state.map_or(CLOSE, |state| SocketState(state.into())),
        local: end(row.port_id.into()),
        peer: row.peer.map_or(End::None, |peer| end(peer.port_id.into())),
        memory: row.memory,
        ..bare(netns, Kind::Netlink)
    }
}

fn vsock(request: &Request, netns: NetnsId, sockets: &mut Rows<'_>) -> Result<(), DumpError> {
    dump(&encode_vsock_request(request.states), |payload| {
        let Some(row) = decode_vsock_diag(payload) else {
            return;
        };
        let kind = if row.kind == VsockDiag::STREAM {
            Kind::VsockStream
        } else {
            Kind::VsockDgram
        };
        let end = |end: VsockEndpoint| End::Vsock {
            cid: end.cid,
            port: end.port,
        };
        if request.kinds.contains(&kind) {
            sockets.push(Socket {
                cookie: Known::Known(Cookie(row.cookie)),
                inode: known(row.inode.into(), Reason::NotInSource).map(Inode),
                state: SocketState(row.state.into()),
                local: end(row.local),
                peer: end(row.peer),
                shutdown: Known::Known(row.shutdown),
                ..bare(netns, kind)
            });
        }
    })
}

/// A socket of which nothing was told.
fn bare(netns: NetnsId, kind: Kind) -> Socket {
    Socket {
        netns,
        cookie: Known::Unknown(Reason::NotInSource),
        inode: Known::Unknown(Reason::NotInSource),
        kind,
        state: CLOSE,
        local: End::None,
        peer: End::None,
        interface: 0,
        recv_q: Known::Unknown(Reason::NotInSource),
        send_q: Known::Unknown(Reason::NotInSource),
        uid: Known::Unknown(Reason::NotInSource),
        cgroup: Known::Unknown(Reason::NotInSource),
        mark: Known::Unknown(Reason::NotInSource),
        timer: plumb_model::diag::inet::DiagTimer::default(),
        v6only: false,
        shutdown: Known::Unknown(Reason::NotInSource),
        memory: None,
        tcp: None,
    }
}

fn dump(request: &[u8], mut each: impl FnMut(&[u8])) -> Result<(), DumpError> {
    Dump::send(request)
        .map_err(DumpError::Refused)?
        .read(|step| {
            if let Step::Message(message) = step {
                each(message);
            }
        })
        .map(drop)
}

/// Zero is what the kernel writes where it has nothing to say.
fn known(value: u64, reason: Reason) -> Known<u64> {
    if value == 0 {
        Known::Unknown(reason)
    } else {
        Known::Known(value)
    }
}

fn option<T>(value: Option<T>, reason: Reason) -> Known<T> {
    value.map_or(Known::Unknown(reason), Known::Known)
}
