//! One socket as its events tell it, in the terms a filter compares.

use std::borrow::Cow;
use std::net::IpAddr;
use std::ops::RangeInclusive;

use plumb_filter::{Attribute, End, Fact, Family, Owner, Owners, Row, Side, Texts};
use plumb_model::attribution::Process;
use plumb_model::event::{Ends, Event, Totals, What};
use plumb_model::id::{Cookie, NetnsId, Pid};
use plumb_model::socket::SocketState;
use plumb_model::{Known, Reason};

use super::people::People;
use crate::facts;
use crate::verbs::ls::facts::{container_texts, pod_texts, spaced};

/// Processes of one socket that are kept.
const MAX_HOLDERS: usize = 16;

/// What is known of a socket.
#[derive(Debug, Default)]
pub struct Seen {
    cookie: Option<Cookie>,
    netns: Option<NetnsId>,
    ends: Option<Places>,
    /// Who it belongs to and who called, with the name of the thread.
    holders: Vec<(Pid, Vec<u8>)>,
    state: Option<SocketState>,
    begun_ns: Option<u64>,
    /// The last event.
    pub last_ns: u64,
    /// Its end.
    pub closed_ns: Option<u64>,
    retransmits: u64,
    totals: Option<Totals>,
    /// Nobody else will hold it but who inherits it: connected, or accepted.
    taken: bool,
}

/// Both ends, their addresses as bytes.
#[derive(Debug)]
struct Places {
    ends: Ends,
    local: Address,
    peer: Address,
}

#[derive(Debug)]
enum Address {
    Four([u8; 4]),
    Sixteen([u8; 16]),
}

impl Address {
    fn of(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(ip) => Self::Four(ip.octets()),
            IpAddr::V6(ip) => Self::Sixteen(ip.octets()),
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Four(bytes) => bytes,
            Self::Sixteen(bytes) => bytes,
        }
    }
}

impl Seen {
    /// Takes in what an event tells.
    pub fn note(&mut self, event: &Event) {
        self.last_ns = event.time_ns;
        self.cookie = event.cookie.or(self.cookie);
        // A packet that belongs to no device any more has none.
        let netns = event.netns.filter(|netns| netns.0 != 0);
        self.netns = netns.or(self.netns);
        self.note_ends(event.ends);
        if let Some(task) = &event.task {
            self.note_holder(task.pid, &task.comm);
        }
        if let Some(owner) = event.owner {
            self.note_holder(owner, &[]);
        }
        match &event.what {
            What::State(change) => {
                self.state = Some(change.new);
                self.totals = change.totals.or(self.totals);
                if !change.older {
                    self.begun_ns = self.begun_ns.or(Some(event.time_ns));
                }
                // Whoever connects is known from the first moment.
                self.taken |=
                    change.new == SocketState::ESTABLISHED && change.old == SocketState::SYN_SENT;
                if change.new == SocketState::CLOSE {
                    self.closed_ns = Some(event.time_ns);
                }
            }
            What::Made { .. } => self.begun_ns = self.begun_ns.or(Some(event.time_ns)),
            What::Closed { .. } => self.closed_ns = Some(event.time_ns),
            What::Accepted { .. } => self.taken = true,
            What::EndOfFile(totals) => self.totals = Some(*totals),
            What::Retransmitted { .. } => self.retransmits += 1,
            _ => {}
        }
    }

    /// Says whether ends and holder are what they will be.
    pub fn is_settled(&self) -> bool {
        let whole = |places: &Places| places.ends.local.port() != 0 && places.ends.peer.port() != 0;
        self.taken && !self.holders.is_empty() && self.ends.as_ref().is_some_and(whole)
    }

    /// Keeps the fuller of two tellings: a socket may lose its port while it ends.
    fn note_ends(&mut self, told: Option<Ends>) {
        let Some(told) = told else { return };
        let known = self.ends.as_ref().map(|places| places.ends);
        let lost = known.is_some_and(|known| {
            (known.local.port() != 0 && told.local.port() == 0)
                || (known.peer.port() != 0 && told.peer.port() == 0)
        });
        if !lost && known != Some(told) {
            self.ends = Some(Places {
                ends: told,
                local: Address::of(told.local.ip()),
                peer: Address::of(told.peer.ip()),
            });
        }
    }

    fn note_holder(&mut self, pid: Pid, comm: &[u8]) {
        let is_known =
            |(known, name): &(Pid, Vec<u8>)| *known == pid && (comm.is_empty() || name == comm);
        if !self.holders.iter().any(is_known) && self.holders.len() < MAX_HOLDERS {
            self.holders.push((pid, comm.to_vec()));
        }
    }
}

/// A socket and the processes it may belong to, as a filter looks at them.
pub struct View<'s> {
    /// The socket.
    pub seen: &'s Seen,
    /// Processes.
    pub people: &'s People,
    /// The ports the kernel chooses from.
    pub ports: &'s RangeInclusive<i64>,
}

impl View<'_> {
    fn protocol(&self) -> Option<u8> {
        Some(self.seen.ends.as_ref()?.ends.protocol)
    }

    /// The texts of every process it belongs to; `texts` says whether it could tell.
    fn of_holders<'t>(
        &'t self,
        texts: impl Fn(&'t Process, &mut Vec<Cow<'t, [u8]>>) -> bool,
    ) -> Texts<'t> {
        let mut found = Vec::new();
        let mut complete = !self.seen.holders.is_empty();
        for (pid, _) in &self.seen.holders {
            complete &= self
                .people
                .get(*pid)
                .is_some_and(|process| texts(process, &mut found));
        }
        Texts { found, complete }
    }

    fn total(&self, of: impl Fn(&Totals) -> u64) -> Known<u64> {
        match &self.seen.totals {
            Some(totals) => Known::Known(of(totals)),
            None => Known::Unknown(Reason::NotInSource),
        }
    }

    fn retransmits(&self) -> Known<u64> {
        let counted = self.seen.retransmits;
        match &self.seen.totals {
            Some(totals) => Known::Known(counted.max(totals.retransmits.into())),
            None if self.seen.begun_ns.is_some() => Known::Known(counted),
            None => Known::Unknown(Reason::NotInSource),
        }
    }
}

impl Row for View<'_> {
    fn family(&self) -> Family {
        match self.seen.ends.as_ref().map(|places| &places.local) {
            Some(Address::Four(_)) => Family::Inet,
            _ => Family::Inet6,
        }
    }

    fn end(&self, side: Side) -> End<'_> {
        let (address, port) = match (&self.seen.ends, side) {
            (Some(places), Side::Local) => (places.local.bytes(), places.ends.local.port()),
            (Some(places), Side::Peer) => (places.peer.bytes(), places.ends.peer.port()),
            (None, _) => (&[][..], 0),
        };
        End {
            address,
            port: port.into(),
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
        self.ports.clone()
    }

    fn state(&self) -> Known<u8> {
        let state = self.seen.state.and_then(|state| u8::try_from(state.0).ok());
        state.map_or(Known::Unknown(Reason::NotInSource), Known::Known)
    }

    fn number(&self, fact: Fact) -> Known<u64> {
        let known =
            |value: Option<u64>| value.map_or(Known::Unknown(Reason::NotInSource), Known::Known);
        match fact {
            Fact::Unread => self.total(|totals| totals.unread_bytes.into()),
            Fact::BytesSent => self.total(|totals| totals.sent_bytes),
            Fact::BytesReceived => self.total(|totals| totals.received_bytes),
            Fact::Retrans => self.retransmits(),
            Fact::AgeUs => known(
                self.seen
                    .begun_ns
                    .map(|begun| self.seen.last_ns.saturating_sub(begun) / 1000),
            ),
            Fact::Cookie => known(self.seen.cookie.map(|cookie| cookie.0)),
            Fact::Netns => known(self.seen.netns.map(|netns| netns.0)),
            Fact::Uid => {
                let first = self.seen.holders.first();
                let process = first.and_then(|(pid, _)| self.people.get(*pid));
                known(
                    process
                        .and_then(|process| process.uid.ok())
                        .map(|uid| uid.0.into()),
                )
            }
            _ => Known::Unknown(Reason::NotInSource),
        }
    }

    fn texts(&self, attribute: Attribute) -> Texts<'_> {
        match attribute {
            Attribute::Kind => match self.protocol().and_then(kind) {
                Some(kind) => facts::all(facts::kind_words(kind).iter().copied()),
                None => Texts::default(),
            },
            Attribute::Netns => match self.seen.netns {
                Some(netns) => {
                    let names = self.people.names_of(netns);
                    Texts::all(names.iter().map(|name| name.as_slice().into()).collect())
                }
                None => Texts::default(),
            },
            Attribute::Exe => self.of_holders(|process, found| match &process.exe {
                Known::Known(exe) => {
                    found.push(exe.path.as_slice().into());
                    true
                }
                Known::Unknown(_) => false,
            }),
            Attribute::Cmdline => self.of_holders(|process, found| match &process.cmdline {
                Known::Known(line) => {
                    found.push(spaced(line).into());
                    true
                }
                Known::Unknown(_) => false,
            }),
            Attribute::Unit => self.of_holders(|process, found| {
                found.extend(process.workload.unit.as_deref().map(Cow::Borrowed));
                process.cgroup.reason().is_none()
            }),
            Attribute::Container => self.of_holders(|process, found| {
                found.extend(process.workload.container.iter().flat_map(container_texts));
                process.cgroup.reason().is_none()
            }),
            Attribute::Pod => self.of_holders(|process, found| {
                found.extend(process.workload.pod.iter().flat_map(pod_texts));
                process.cgroup.reason().is_none()
            }),
            _ => Texts::default(),
        }
    }

    fn owners(&self) -> Owners<'_> {
        let mut found = Vec::new();
        let mut complete = !self.seen.holders.is_empty();
        for (pid, thread) in &self.seen.holders {
            let owner = |comm| Owner {
                pid: pid.0,
                comm,
                fd: None,
            };
            let process = self.people.get(*pid).map(|process| process.comm.as_slice());
            let names = [process, Some(thread.as_slice())];
            let mut names = names.into_iter().flatten().filter(|name| !name.is_empty());
            let Some(first) = names.next() else {
                // It ended before anybody could look at it.
                complete = false;
                found.push(owner(&[]));
                continue;
            };
            found.extend([first].into_iter().chain(names).map(owner));
        }
        Owners { found, complete }
    }
}

/// Gives the kind of socket of a protocol (`IPPROTO_*`).
fn kind(protocol: u8) -> Option<plumb_model::snapshot::Kind> {
    use plumb_model::snapshot::Kind;
    Some(match protocol {
        6 => Kind::Tcp,
        17 => Kind::Udp,
        33 => Kind::Dccp,
        132 => Kind::Sctp,
        136 => Kind::UdpLite,
        _ => return None,
    })
}
