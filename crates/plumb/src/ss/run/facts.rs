//! What a filter may ask of a socket that is no Internet one.
//!
//! Addresses are native words, as the original compares them: a protocol, a context id, a device.
//! What a family does not have is zero, which the tests of the original then compare with.

use std::ops::RangeInclusive;

use plumb_filter::{Attribute, End, Fact, Family, Needs, Owners, Row, Side, Texts};
use plumb_model::diag::inet::SkMemInfo;
use plumb_model::diag::netlink::NetlinkDiag;
use plumb_model::diag::packet::PacketDiag;
use plumb_model::diag::unix::UnixDiag;
use plumb_model::diag::vsock::{VsockDiag, VsockEndpoint};
use plumb_model::diag::xdp::XdpDiag;
use plumb_model::snapshot::Kind;
use plumb_model::{Known, Reason};
use plumb_present::ss::unix::shown_name;

use crate::facts::{self, kind_words};
use crate::ss::lookup::Names;

/// `TCP_CLOSE`: what sockets without states are listed as.
const CLOSE: u8 = 7;
/// `TCP_LISTEN`.
const LISTEN: u8 = 10;
/// Where the name of a UNIX socket is in memory, which the original takes for its address: nowhere
/// that a user could ask for.
const SOMEWHERE: [u8; 4] = [0xff; 4];

/// One end of a row.
#[derive(Default)]
struct Place {
    address: [u8; 4],
    port: i64,
    name: Option<Vec<u8>>,
}

/// A row as far as a filter looks at it, and what was looked up for it.
pub struct Facts<'n> {
    family: Family,
    local: Place,
    peer: Place,
    device: u32,
    state: Known<u8>,
    recv_q: Known<u64>,
    send_q: Known<u64>,
    uid: Known<u32>,
    inode: Option<u32>,
    cookie: Option<u64>,
    kind: &'static [&'static str],
    memory: Option<SkMemInfo>,
    ephemeral_ports: RangeInclusive<i64>,
    owners: Owners<'n>,
}

impl<'n> Facts<'n> {
    /// Starts with a row that has nothing but owners, which are looked up if they are needed.
    fn new(family: Family, inode: Option<u32>, names: &'n mut Names, needs: Needs) -> Self {
        Self {
            family,
            local: Place::default(),
            peer: Place::default(),
            device: 0,
            state: Known::Known(CLOSE),
            recv_q: unknown(),
            send_q: unknown(),
            uid: unknown(),
            inode,
            cookie: None,
            kind: &[],
            memory: None,
            ephemeral_ports: names.ephemeral_ports(),
            owners: match inode {
                Some(inode) if needs.owners => names.owners(u64::from(inode)),
                _ => Owners {
                    found: Vec::new(),
                    complete: false,
                },
            },
        }
    }

    /// Looks at a UNIX socket: ports are inodes, and the name of the peer is never known.
    pub fn unix(row: &UnixDiag<'_>, names: &'n mut Names, needs: Needs) -> Self {
        Self {
            local: Place {
                address: if row.name.is_some() {
                    SOMEWHERE
                } else {
                    [0; 4]
                },
                port: i64::from(row.inode.cast_signed()),
                name: row.name.map(|name| shown_name(name).collect()),
            },
            peer: Place {
                port: i64::from(row.peer.unwrap_or(0).cast_signed()),
                ..Place::default()
            },
            state: u8::try_from(row.state).map_or(unknown(), Known::Known),
            recv_q: told(row.queues.map(|queues| u64::from(queues.recv))),
            send_q: told(row.queues.map(|queues| u64::from(queues.send))),
            uid: told(row.uid),
            cookie: row.cookie,
            kind: kind_words(match row.kind {
                UnixDiag::DGRAM => Kind::UnixDgram,
                UnixDiag::SEQPACKET => Kind::UnixSeqpacket,
                _ => Kind::UnixStream,
            }),
            memory: row.memory,
            ..Self::new(Family::Unix, Some(row.inode), names, needs)
        }
    }

    fn memory_number(&self, fact: Fact) -> Known<u64> {
        let memory = self.memory.as_ref();
        memory
            .and_then(|memory| facts::memory_number(memory, fact))
            .unwrap_or(unknown())
    }

    /// Forgets the ports: expressions see those of UNIX sockets from /proc as 0.
    pub fn without_ports(mut self) -> Self {
        self.local.port = 0;
        self.peer.port = 0;
        self
    }

    /// Looks at a packet socket: its address is its protocol, its port the interface.
    pub fn packet(row: &PacketDiag<'_>, names: &'n mut Names, needs: Needs) -> Self {
        let device = row.interface.unwrap_or(0);
        Self {
            local: Place {
                address: u32::from(row.protocol).to_ne_bytes(),
                port: i64::from(device.cast_signed()),
                name: None,
            },
            device,
            recv_q: told(row.recv_q.map(u64::from)),
            uid: told(row.uid),
            cookie: row.cookie,
            kind: kind_words(match row.kind {
                PacketDiag::RAW => Kind::PacketRaw,
                _ => Kind::PacketDgram,
            }),
            memory: row.memory,
            ..Self::new(Family::Link, Some(row.inode), names, needs)
        }
    }

    /// Looks at a netlink socket: its address is its protocol; a peer never has a port.
    pub fn netlink(row: &NetlinkDiag<'_>, names: &'n mut Names, needs: Needs) -> Self {
        let queue = |index: usize| {
            let memory = row
                .memory
                .as_ref()
                .and_then(|memory| memory.words.get(index));
            told(memory.copied().map(u64::from))
        };
        Self {
            local: Place {
                address: row.protocol.to_ne_bytes(),
                port: i64::from(row.port_id),
                name: None,
            },
            peer: Place {
                port: -1,
                ..Place::default()
            },
            recv_q: queue(0),
            send_q: queue(2),
            cookie: row.cookie,
            kind: kind_words(Kind::Netlink),
            memory: row.memory,
            ..Self::new(Family::Netlink, row.inode, names, needs)
        }
    }

    /// Looks at a vsock socket: its address is the context id.
    pub fn vsock(row: &VsockDiag, names: &'n mut Names, needs: Needs) -> Self {
        let place = |end: VsockEndpoint| Place {
            address: end.cid.to_ne_bytes(),
            port: i64::from(end.port.cast_signed()),
            name: None,
        };
        Self {
            local: place(row.local),
            peer: place(row.peer),
            state: Known::Known(row.state),
            cookie: Some(row.cookie),
            kind: kind_words(match row.kind {
                VsockDiag::STREAM => Kind::VsockStream,
                _ => Kind::VsockDgram,
            }),
            ..Self::new(Family::Vsock, Some(row.inode), names, needs)
        }
    }

    /// Looks at an XDP socket: it has no address, its port is the queue.
    pub fn xdp(row: &XdpDiag<'_>, names: &'n mut Names, needs: Needs) -> Self {
        let queue = row.binding.map_or(0, |binding| binding.queue);
        Self {
            local: Place {
                port: i64::from(queue.cast_signed()),
                ..Place::default()
            },
            device: row.binding.map_or(0, |binding| binding.interface),
            recv_q: told(row.memory.map(|memory| u64::from(memory.words[0]))),
            uid: told(row.uid),
            kind: &["xdp"],
            ..Self::new(Family::Xdp, Some(row.inode), names, needs)
        }
    }
}

fn unknown<T>() -> Known<T> {
    Known::Unknown(Reason::NotInSource)
}

fn told<T>(value: Option<T>) -> Known<T> {
    value.map_or(unknown(), Known::Known)
}

impl Row for Facts<'_> {
    fn family(&self) -> Family {
        self.family
    }

    fn end(&self, side: Side) -> End<'_> {
        let place = match side {
            Side::Local => &self.local,
            Side::Peer => &self.peer,
        };
        End {
            address: &place.address,
            port: place.port,
            name: place.name.as_deref(),
        }
    }

    fn device(&self) -> u32 {
        self.device
    }

    fn mark(&self) -> u32 {
        0
    }

    fn cgroup(&self) -> u64 {
        0
    }

    fn ephemeral_ports(&self) -> RangeInclusive<i64> {
        self.ephemeral_ports.clone()
    }

    fn state(&self) -> Known<u8> {
        self.state
    }

    fn number(&self, fact: Fact) -> Known<u64> {
        match fact {
            Fact::RecvQ => self.recv_q,
            Fact::Unread if self.state != Known::Known(LISTEN) => self.recv_q,
            Fact::SendQ => self.send_q,
            Fact::Uid => self.uid.map(u64::from),
            Fact::Inode => told(self.inode.map(u64::from)),
            Fact::Cookie => told(self.cookie),
            _ => self.memory_number(fact),
        }
    }

    fn texts(&self, attribute: Attribute) -> Texts<'_> {
        match attribute {
            Attribute::Kind if !self.kind.is_empty() => facts::all(self.kind.iter().copied()),
            _ => Texts::default(),
        }
    }

    fn owners(&self) -> Owners<'_> {
        self.owners.clone()
    }
}
