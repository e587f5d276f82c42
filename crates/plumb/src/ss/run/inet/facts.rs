//! What a filter may ask of an Internet socket.

use std::ops::RangeInclusive;

use plumb_filter::{Attribute, End, Fact, Family, Needs, Owners, Row, Side, Texts};
use plumb_model::diag::inet::{AF_INET, InetDiag, Info, Protocol};
use plumb_model::snapshot::Kind;
use plumb_model::{Known, Reason};

use crate::facts;
use crate::ss::lookup::Names;

/// `TCP_LISTEN`.
const LISTEN: u32 = 10;

/// A row, and what was looked up for it.
pub struct Facts<'r> {
    row: &'r InetDiag<'r>,
    ephemeral_ports: RangeInclusive<i64>,
    owners: Owners<'r>,
}

impl<'r> Facts<'r> {
    /// Looks at a row; its owners are looked up only if the filter needs them.
    pub fn new(row: &'r InetDiag<'r>, names: &'r mut Names, needs: Needs) -> Self {
        Self {
            row,
            ephemeral_ports: names.ephemeral_ports(),
            owners: if needs.owners {
                names.owners(row.inode)
            } else {
                Owners {
                    found: Vec::new(),
                    complete: false,
                }
            },
        }
    }

    fn kind(&self) -> Option<Kind> {
        Some(match self.row.protocol {
            Protocol::TCP => Kind::Tcp,
            Protocol::UDP => Kind::Udp,
            Protocol::UDPLITE => Kind::UdpLite,
            Protocol::RAW | Protocol::IPPROTO_RAW => Kind::Raw,
            Protocol::SCTP => Kind::Sctp,
            Protocol::DCCP => Kind::Dccp,
            Protocol::MPTCP => Kind::Mptcp,
            _ => return None,
        })
    }

    fn tcp_number(&self, fact: Fact) -> Option<Known<u64>> {
        let Some(Info::Tcp(info)) = &self.row.extensions.info else {
            return None;
        };
        facts::tcp_number(info, self.row.state, fact)
    }

    fn memory_number(&self, fact: Fact) -> Option<Known<u64>> {
        facts::memory_number(self.row.extensions.skmeminfo.as_ref()?, fact)
    }
}

impl Row for Facts<'_> {
    fn family(&self) -> Family {
        if self.row.family == AF_INET {
            Family::Inet
        } else {
            Family::Inet6
        }
    }

    fn end(&self, side: Side) -> End<'_> {
        let end = match side {
            Side::Local => &self.row.local,
            Side::Peer => &self.row.peer,
        };
        let len = if self.row.family == AF_INET { 4 } else { 16 };
        End {
            address: end.octets.get(..len).unwrap_or(&[]),
            port: i64::from(end.port),
            name: None,
        }
    }

    fn device(&self) -> u32 {
        self.row.interface
    }

    fn mark(&self) -> u32 {
        self.row.extensions.mark.unwrap_or(0)
    }

    fn cgroup(&self) -> u64 {
        self.row.extensions.cgroup_id.unwrap_or(0)
    }

    fn ephemeral_ports(&self) -> RangeInclusive<i64> {
        self.ephemeral_ports.clone()
    }

    fn state(&self) -> Known<u8> {
        u8::try_from(self.row.state).map_or(Known::Unknown(Reason::NotSupported), Known::Known)
    }

    fn number(&self, fact: Fact) -> Known<u64> {
        match fact {
            Fact::RecvQ => Known::Known(self.row.recv_q.into()),
            Fact::SendQ => Known::Known(self.row.send_q.into()),
            Fact::Unread if self.row.state != LISTEN => Known::Known(self.row.recv_q.into()),
            Fact::Uid => Known::Known(self.row.uid.into()),
            Fact::Inode => Known::Known(self.row.inode),
            Fact::Cookie if self.row.cookie != 0 => Known::Known(self.row.cookie),
            _ => self
                .tcp_number(fact)
                .or_else(|| self.memory_number(fact))
                .unwrap_or(Known::Unknown(Reason::NotInSource)),
        }
    }

    fn texts(&self, attribute: Attribute) -> Texts<'_> {
        match (attribute, self.kind()) {
            (Attribute::Kind, Some(kind)) => facts::all(facts::kind_words(kind).iter().copied()),
            (Attribute::Timer, _) => facts::all([facts::timer_word(self.row.timer)]),
            _ => Texts::default(),
        }
    }

    fn owners(&self) -> Owners<'_> {
        self.owners.clone()
    }
}
