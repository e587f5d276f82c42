//! A machine that is always the same: names, services and interfaces for the tests of the filter.

use std::borrow::Cow;
use std::net::IpAddr;
use std::ops::RangeInclusive;

use plumb_filter::{
    Attribute, Context, End, Fact, Family, Owner, Owners, Parsed, Piece, Resolve, Row, Side, Texts,
    Transport,
};
use plumb_model::{Known, Reason};

/// Knows the hosts `two` and `six`, a few services and the interface `lo`.
pub struct Machine;

impl Resolve for Machine {
    fn host(&mut self, name: &[u8], family: Option<Family>) -> Vec<IpAddr> {
        let all: &[&str] = match name {
            b"two" => &["10.0.0.1", "10.0.0.3", "fd00::2"],
            b"six" => &["fd00::6"],
            _ => &[],
        };
        let wanted = |address: &IpAddr| match family {
            Some(Family::Inet) => address.is_ipv4(),
            Some(Family::Inet6) => address.is_ipv6(),
            _ => true,
        };
        all.iter()
            .filter_map(|text| text.parse().ok())
            .filter(wanted)
            .collect()
    }

    fn service(&mut self, name: &[u8], transport: Transport) -> Option<u16> {
        match (name, transport) {
            (b"ssh", Transport::Tcp) => Some(22),
            (b"domain", _) => Some(53),
            (b"syslog", Transport::Udp) => Some(514),
            _ => None,
        }
    }

    fn interface(&mut self, name: &[u8]) -> Option<u32> {
        (name == b"lo").then_some(1)
    }

    fn netlink_protocol(&mut self, name: &[u8]) -> Option<u32> {
        (name == b"rtnl").then_some(0)
    }

    fn cgroup(&mut self, path: &[u8]) -> Result<u64, Vec<u8>> {
        if path == b"/found" {
            Ok(42)
        } else {
            Err(b"Invalid cgroup2 path".to_vec())
        }
    }

    fn cgroup_filter_supported(&mut self) -> bool {
        true
    }

    fn user(&mut self, name: &[u8]) -> Option<u32> {
        name.starts_with(b"www").then_some(33)
    }

    fn netns_of_process(&mut self, pid: u64) -> Option<u64> {
        (pid == 42).then_some(4_026_531_840)
    }
}

/// tcp and udp selected, no family preferred.
pub fn context(extended: bool) -> Context {
    Context {
        preferred: None,
        tcp: true,
        udp: true,
        extended,
        strict: false,
        wide_ports: false,
    }
}

/// Reads one operand.
pub fn parse(text: &str, extended: bool) -> Result<Parsed, plumb_filter::Error> {
    plumb_filter::parse(&Piece::arguments([text]), &context(extended), &mut Machine)
}

/// A socket of one's own making.
#[derive(Debug, Clone)]
pub struct Socket {
    pub family: Family,
    pub local: (Vec<u8>, i64),
    pub peer: (Vec<u8>, i64),
    pub name: Option<Vec<u8>>,
    pub device: u32,
    pub mark: u32,
    pub recv_q: Option<u64>,
    pub age_us: Option<u64>,
    pub state: u8,
    /// Other numbers that are known.
    pub numbers: Vec<(Fact, u64)>,
    /// Attributes of which all texts are known.
    pub texts: Vec<(Attribute, Vec<&'static str>)>,
    /// Process ids of the holders, and whether there can be no others.
    pub pids: (Vec<u32>, bool),
}

impl Socket {
    /// An unremarkable connection.
    pub fn tcp() -> Self {
        Self {
            family: Family::Inet,
            local: (vec![10, 0, 0, 1], 22),
            peer: (vec![10, 0, 0, 2], 40_000),
            name: None,
            device: 0,
            mark: 0,
            recv_q: Some(0),
            age_us: None,
            state: 1,
            numbers: Vec::new(),
            texts: Vec::new(),
            pids: (Vec::new(), true),
        }
    }
}

/// What this machine hands out by itself.
pub const EPHEMERAL: RangeInclusive<i64> = 32_768..=60_999;

impl Row for Socket {
    fn family(&self) -> Family {
        self.family
    }
    fn end(&self, side: Side) -> End<'_> {
        let (end, name) = match side {
            Side::Local => (&self.local, self.name.as_deref()),
            Side::Peer => (&self.peer, None),
        };
        End {
            address: &end.0,
            port: end.1,
            name,
        }
    }
    fn device(&self) -> u32 {
        self.device
    }
    fn mark(&self) -> u32 {
        self.mark
    }
    fn cgroup(&self) -> u64 {
        42
    }
    fn ephemeral_ports(&self) -> RangeInclusive<i64> {
        EPHEMERAL
    }
    fn state(&self) -> Known<u8> {
        Known::Known(self.state)
    }
    fn number(&self, fact: Fact) -> Known<u64> {
        let number = match fact {
            Fact::RecvQ => self.recv_q,
            Fact::AgeUs => self.age_us,
            other => {
                let told = self.numbers.iter().find(|(fact, _)| *fact == other);
                told.map(|(_, number)| *number)
            }
        };
        number.map_or(Known::Unknown(Reason::NotInSource), Known::Known)
    }
    fn texts(&self, attribute: Attribute) -> Texts<'_> {
        let told = self.texts.iter().find(|(of, _)| *of == attribute);
        told.map_or_else(Texts::default, |(_, texts)| {
            Texts::all(
                texts
                    .iter()
                    .map(|text| Cow::Borrowed(text.as_bytes()))
                    .collect(),
            )
        })
    }
    fn owners(&self) -> Owners<'_> {
        let found = self
            .pids
            .0
            .iter()
            .map(|pid| Owner {
                pid: *pid,
                comm: b"sshd",
                fd: Some(3),
            })
            .collect();
        Owners {
            found,
            complete: self.pids.1,
        }
    }
}
