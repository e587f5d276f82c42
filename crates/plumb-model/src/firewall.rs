//! Rules of the local firewall that throw packets away, and how often they did.

use crate::known::Known;

/// A rule of nftables whose verdict is to drop or to reject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refuser {
    /// Family of its table: `ip`, `ip6`, `inet`, `arp`, `bridge`, `netdev`.
    pub family: &'static str,
    /// Its table.
    pub table: Vec<u8>,
    /// Its chain.
    pub chain: Vec<u8>,
    /// Its handle in the table, as `nft -a list ruleset` shows; 0 for the policy of the chain.
    pub handle: u64,
    /// What it does.
    pub verdict: Verdict,
    /// Packets that its counter saw; unknown where it has no counter.
    pub packets: Known<u64>,
    /// Whether a number decides that says nothing of the packet (`numgen`, the `statistic` match of iptables): such a rule
    /// stands for a way that loses packets.
    pub by_chance: bool,
    /// Where packets pass its chain: `NF_INET_*`; `None` for a chain that others jump to, and where that is not known.
    pub hook: Option<u32>,
    /// What it asks for, as far as that is known.
    pub wants: Wants,
}

/// What a rule asks for of a packet; `None` where it takes any, or may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wants {
    /// `IPPROTO_*`.
    pub protocol: Option<u8>,
    /// The port it goes to.
    pub port: Option<u16>,
}

/// How a packet ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Without a word.
    Drop,
    /// With an ICMP error or a reset.
    Reject,
}

impl Verdict {
    /// Gives the word of nftables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Reject => "reject",
        }
    }
}
