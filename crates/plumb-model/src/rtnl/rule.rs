//! A routing rule (`struct fib_rule_hdr`): which packets look into which table.

use std::net::IpAddr;

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rule {
    /// `AF_INET` or `AF_INET6`.
    pub family: u8,
    /// Rules are asked from the lowest.
    pub priority: u32,
    /// What it does.
    pub action: RuleAction,
    /// The table to look into.
    pub table: u32,
    /// The rule holds where its tests do not (`FIB_RULE_INVERT`).
    pub inverted: bool,
    /// Sources it is for.
    pub source: Option<Prefix>,
    /// Destinations it is for.
    pub destination: Option<Prefix>,
    /// The interface packets came in by.
    pub incoming: Option<Vec<u8>>,
    /// The interface a socket is bound to.
    pub outgoing: Option<Vec<u8>>,
    /// Mark of the packet and the bits of it that count.
    pub mark: Option<(u32, u32)>,
    /// Users it is for, the first and the last.
    pub users: Option<(u32, u32)>,
    /// IP protocol it is for.
    pub protocol: Option<u8>,
    /// Source ports it is for.
    pub source_ports: Option<(u16, u16)>,
    /// Destination ports it is for.
    pub destination_ports: Option<(u16, u16)>,
    /// The rule is for packets of VRF devices, each with the table of its device.
    pub l3mdev: bool,
    /// Routes with a prefix of so many bits or fewer are passed over.
    pub suppress_prefix_len: Option<u32>,
    /// Type of service it is for; 0 for any.
    pub tos: u8,
    /// The part of the type of service that it is for (`dscp`, Linux 6.13).
    pub dscp: Option<Dscp>,
    /// Where `goto` leads: the first rule of this priority.
    pub target: Option<u32>,
    /// Further tests, by the kernel's number of the attribute (`FRA_*`), which nobody here can make.
    pub other_tests: Vec<u16>,
}

impl Rule {
    /// Gives the word of a test from [`Rule::other_tests`]; `None` for one that a younger kernel has.
    pub fn test_word(kind: u16) -> Option<&'static str> {
        Some(match kind {
            12 => "tun_id",
            13 => "suppress_ifgroup",
            26 => "flowlabel",
            28 => "sport with a mask",
            29 => "dport with a mask",
            _ => return None,
        })
    }
}

/// The upper six bits of the type of service (RFC 2474), and which of them count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dscp {
    /// The bits, 0 to 63; 0 is a value like others.
    pub value: u8,
    /// Those that count.
    pub mask: u8,
}

impl Dscp {
    /// All of them count.
    pub const ALL_BITS: u8 = 63;

    /// Says whether a type of service has them.
    pub fn is_of(self, tos: u8) -> bool {
        (tos >> 2) & self.mask == self.value & self.mask
    }
}

/// A network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefix {
    /// An address of it.
    pub ip: IpAddr,
    /// Bits that count.
    pub len: u8,
}

impl Prefix {
    /// Says whether an address is in it.
    pub fn contains(self, ip: IpAddr) -> bool {
        let differs = match (self.ip, ip) {
            (IpAddr::V4(network), IpAddr::V4(ip)) => {
                u128::from(network.to_bits() ^ ip.to_bits()) << 96
            }
            (IpAddr::V6(network), IpAddr::V6(ip)) => network.to_bits() ^ ip.to_bits(),
            _ => return false,
        };
        differs.leading_zeros() >= u32::from(self.len) || differs == 0
    }
}

/// `FR_ACT_*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct RuleAction(pub u8);

impl RuleAction {
    /// Looks into a table.
    pub const LOOKUP: Self = Self(1);
    /// Goes on at another rule.
    pub const GOTO: Self = Self(2);

    /// Gives the word that `ip rule` has for it; `None` for actions nobody here knows.
    pub fn word(self) -> Option<&'static str> {
        Some(match self.0 {
            1 => "lookup",
            2 => "goto",
            3 => "nop",
            6 => "blackhole",
            7 => "unreachable",
            8 => "prohibit",
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_its_addresses_and_no_others() {
        let prefix = |text: &str, len| Prefix {
            ip: text.parse().expect("an address"),
            len,
        };
        let ip = |text: &str| text.parse::<IpAddr>().expect("an address");
        assert!(prefix("127.0.0.0", 8).contains(ip("127.9.9.9")));
        assert!(!prefix("127.0.0.0", 8).contains(ip("128.0.0.1")));
        assert!(prefix("10.0.0.1", 32).contains(ip("10.0.0.1")));
        assert!(!prefix("10.0.0.1", 32).contains(ip("10.0.0.2")));
        assert!(prefix("::", 0).contains(ip("fe80::1")));
        assert!(!prefix("::", 0).contains(ip("1.2.3.4")));
        assert!(prefix("fe80::", 10).contains(ip("febf::1")));
        assert!(!prefix("fe80::", 10).contains(ip("fec0::1")));
    }
}
