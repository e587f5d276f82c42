//! Which sockets: kinds, states and families, from options and from what the filter can rule out.

use std::ops::RangeInclusive;

use clap::Args;
use plumb_collect::snapshot::Scope;
use plumb_filter::{
    Attribute, End, Expr, Family, Node, Predicate, Row as FilterRow, Side, Test, Texts,
};
use plumb_model::snapshot::{Kind, Socket};
use plumb_model::socket::SocketState;
use plumb_model::{Known, Reason};

use crate::facts;

/// Options that select, by the letters of ss and netstat.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Which sockets")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub struct Selection {
    /// TCP.
    #[arg(short = 't', long)]
    tcp: bool,
    /// UDP, and UDP-Lite.
    #[arg(short = 'u', long)]
    udp: bool,
    /// RAW.
    #[arg(short = 'w', long)]
    raw: bool,
    /// UNIX domain sockets.
    #[arg(short = 'x', long)]
    unix: bool,
    /// SCTP.
    #[arg(short = 'S', long)]
    sctp: bool,
    /// MPTCP.
    #[arg(short = 'M', long)]
    mptcp: bool,
    /// Packet sockets.
    #[arg(short = '0', long)]
    packet: bool,
    /// Netlink.
    #[arg(long)]
    netlink: bool,
    /// vsock.
    #[arg(long)]
    vsock: bool,
    /// Every kind, where none is named, and namespaces that nothing but an open descriptor or a socket holds.
    #[arg(short = 'a', long)]
    all: bool,
    /// Only IPv4.
    #[arg(short = '4', long, conflicts_with = "ipv6")]
    ipv4: bool,
    /// Only IPv6.
    #[arg(short = '6', long)]
    ipv6: bool,
    /// Only those that wait: listeners, and datagram sockets without a peer.
    #[arg(short = 'l', long)]
    listening: bool,
    /// Only the network namespace of this process, not every one of the host.
    #[arg(long)]
    here: bool,
}

/// Kinds shown where none is named. Asking for others may load kernel modules.
const USUAL: [Kind; 3] = [Kind::Tcp, Kind::Udp, Kind::Raw];
/// What `-l` asks of the kernel: LISTEN and CLOSE.
const WAITING: u32 = 1 << 10 | 1 << 7;
/// States there are, and those to come.
const STATES: u8 = 32;

impl Selection {
    /// Gives the namespaces to read.
    pub fn scope(&self) -> Scope {
        match (self.here, self.all) {
            (true, _) => Scope::Own,
            (false, true) => Scope::All,
            (false, false) => Scope::Inhabited,
        }
    }

    /// Gives the kinds to read.
    pub fn kinds(&self, expr: Option<&Expr>, family: Option<Family>) -> Vec<Kind> {
        let named: Vec<Kind> = Kind::ALL
            .into_iter()
            .filter(|kind| self.names(*kind))
            .collect();
        let all = || Kind::ALL.to_vec();
        let kinds = match (named.is_empty(), expr) {
            (false, _) => named,
            (true, _) if self.all => all(),
            (true, Some(expr)) if asks_for_kind(expr) => all(),
            (true, _) => match family {
                Some(family) => of_family(family),
                None => USUAL.to_vec(),
            },
        };
        let possible = |kind: &Kind| {
            let probe = Probe {
                kind: Some(*kind),
                state: None,
            };
            expr.is_none_or(|expr| expr.could_match(&probe))
        };
        kinds.into_iter().filter(possible).collect()
    }

    fn names(&self, kind: Kind) -> bool {
        match kind {
            Kind::Tcp => self.tcp,
            Kind::Udp | Kind::UdpLite => self.udp,
            Kind::Raw => self.raw,
            Kind::Sctp => self.sctp,
            Kind::Mptcp => self.mptcp,
            Kind::Dccp => false,
            Kind::UnixStream | Kind::UnixDgram | Kind::UnixSeqpacket => self.unix,
            Kind::PacketRaw | Kind::PacketDgram => self.packet,
            Kind::Netlink => self.netlink,
            Kind::VsockStream | Kind::VsockDgram => self.vsock,
        }
    }

    /// Gives the states to ask the kernel for, a bit each.
    pub fn states(&self, expr: Option<&Expr>) -> u32 {
        let wanted = if self.listening { WAITING } else { u32::MAX };
        let Some(expr) = expr else { return wanted };
        let impossible = (0..STATES).filter(|state| {
            let probe = Probe {
                kind: None,
                state: Some(*state),
            };
            !expr.could_match(&probe)
        });
        impossible.fold(wanted, |states, state| states & !(1 << state))
    }

    /// Says whether a socket is selected, beyond what was asked of the kernel.
    pub fn takes(&self, socket: &Socket) -> bool {
        (!self.listening || waits(socket)) && self.takes_family(socket)
    }

    fn takes_family(&self, socket: &Socket) -> bool {
        match socket.local.inet() {
            Some(end) if end.is_ipv4() => !self.ipv6,
            Some(_) => !self.ipv4,
            None => !self.ipv4 && !self.ipv6,
        }
    }
}

/// Whether a socket waits for others to come: a listener, or one that takes datagrams from anybody.
fn waits(socket: &Socket) -> bool {
    match socket.kind {
        Kind::Udp | Kind::UdpLite | Kind::Raw | Kind::UnixDgram | Kind::VsockDgram => {
            socket.state == SocketState::CLOSE
        }
        Kind::Netlink | Kind::PacketRaw | Kind::PacketDgram => true,
        _ => socket.is_listener(),
    }
}

/// Whether the filter wants certain kinds, rather than some not.
fn asks_for_kind(expr: &Expr) -> bool {
    expr.nodes().iter().any(|node| {
        matches!(
            node,
            Node::Test {
                test: Test::Extended(Predicate::Text {
                    attribute: Attribute::Kind,
                    ..
                }),
                negated: false,
                ..
            }
        )
    })
}

fn of_family(family: Family) -> Vec<Kind> {
    let wanted: fn(Kind) -> bool = match family {
        Family::Unix => Kind::is_unix,
        Family::Netlink => |kind| kind == Kind::Netlink,
        Family::Link => |kind| matches!(kind, Kind::PacketRaw | Kind::PacketDgram),
        Family::Vsock => |kind| matches!(kind, Kind::VsockStream | Kind::VsockDgram),
        _ => |kind| USUAL.contains(&kind),
    };
    Kind::ALL.into_iter().filter(|kind| wanted(*kind)).collect()
}

/// A socket of which only the kind or only the state is known, to ask a filter what it rules out.
struct Probe {
    kind: Option<Kind>,
    state: Option<u8>,
}

impl FilterRow for Probe {
    fn family(&self) -> Family {
        Family::Inet
    }

    fn end(&self, _side: Side) -> End<'_> {
        End {
            address: &[],
            port: 0,
            name: None,
        }
    }

    fn device(&self) -> u32 {
        0
    }

    fn mark(&self) -> u32 {
        0
    }

    fn cgroup(&self) -> u64 {
        0
    }

    fn ephemeral_ports(&self) -> RangeInclusive<i64> {
        0..=0
    }

    fn state(&self) -> Known<u8> {
        self.state
            .map_or(Known::Unknown(Reason::NotInSource), Known::Known)
    }

    fn texts(&self, attribute: Attribute) -> Texts<'_> {
        match (attribute, self.kind) {
            (Attribute::Kind, Some(kind)) => facts::all(facts::kind_words(kind).iter().copied()),
            _ => Texts::default(),
        }
    }
}
