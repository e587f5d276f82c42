//! The lines of `netstat -s`.
//!
//! The original's layout has a memory: lines are indented by 8 after the title of an ICMP
//! histogram and by 4 after the next described counter, across blocks that it does not know. The
//! writer keeps that state, so one writer serves all files of one listing.

use plumb_model::counter::{Counter, CounterBlock};

use super::statistics_table::{
    Description, ICMP, ICMP6, IP, IP6, SCTP, TCP, TCPEXT, UDP, UDP6, When, describe,
};
use crate::text::{Decimal, blanks};

/// Indent of lines.
const INDENT: usize = 4;
/// Indent of the lines of a histogram.
const HISTOGRAM_INDENT: usize = 8;

/// The set of files a listing is made of; each knows its own blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// `snmp`, `netstat`, `sctp/snmp`; also the Tcp blocks of an IPv6 listing.
    Inet,
    /// `snmp6`.
    Inet6,
}

/// Which known blocks are printed; unknown ones always are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Switches {
    /// `Ip`, `Icmp`, `Ip6`, `Icmp6`.
    pub raw: bool,
    /// `Tcp`, `TcpExt`.
    pub tcp: bool,
    /// `Udp`, `Udp6`.
    pub udp: bool,
    /// `Sctp`.
    pub sctp: bool,
}

/// A block that has descriptions.
struct KnownBlock {
    is_on: bool,
    table: &'static [Description],
}

/// Finds what is known of a block.
fn known_block(family: Family, switches: Switches, name: &[u8]) -> Option<KnownBlock> {
    let (is_on, table) = match (family, name) {
        (Family::Inet, b"Ip") => (switches.raw, IP),
        (Family::Inet, b"Icmp") => (switches.raw, ICMP),
        (Family::Inet, b"Tcp") => (switches.tcp, TCP),
        (Family::Inet, b"Udp") => (switches.udp, UDP),
        (Family::Inet, b"TcpExt") => (switches.tcp, TCPEXT),
        (Family::Inet, b"Sctp") => (switches.sctp, SCTP),
        (Family::Inet6, b"Ip6") => (switches.raw, IP6),
        (Family::Inet6, b"Icmp6") => (switches.raw, ICMP6),
        (Family::Inet6, b"Udp6") => (switches.udp, UDP6),
        _ => return None,
    };
    Some(KnownBlock { is_on, table })
}

/// Says whether a block is part of the listing.
pub fn is_listed(family: Family, switches: Switches, name: &[u8]) -> bool {
    known_block(family, switches, name).is_none_or(|block| block.is_on)
}

/// Writes the blocks of one listing, one after the other.
#[derive(Debug)]
pub struct StatisticsWriter {
    switches: Switches,
    indent: usize,
    histogram: Option<When>,
}

impl StatisticsWriter {
    /// Starts a listing.
    pub fn new(switches: Switches) -> Self {
        Self {
            switches,
            indent: INDENT,
            histogram: None,
        }
    }

    /// Appends the lines of one block.
    pub fn write_block(&mut self, out: &mut Vec<u8>, family: Family, block: &CounterBlock) {
        let known = known_block(family, self.switches, &block.name);
        if known.is_some() {
            self.leave_histogram();
        }
        if known.as_ref().is_some_and(|known| !known.is_on) {
            return;
        }
        out.extend_from_slice(&block.name);
        out.extend_from_slice(b":\n");
        let table = known.map_or(&[][..], |known| known.table);
        for counter in &block.counters {
            match describe(table, &counter.name) {
                Some(description) => self.write_described(out, description, counter.value),
                None => self.write_raw(out, counter),
            }
        }
    }

    fn write_described(&mut self, out: &mut Vec<u8>, description: Description, value: u64) {
        match description.when {
            When::Never => return,
            When::Always | When::NonZero => self.leave_histogram(),
            When::Received => self.enter_histogram(out, When::Received, b"ICMP input histogram:\n"),
            When::Sent => self.enter_histogram(out, When::Sent, b"ICMP output histogram:\n"),
        }
        if value == 0 && description.when != When::Always {
            return;
        }
        let (before, after) = description.text.split_once("{}").unwrap_or(("", ""));
        blanks(out, self.indent);
        out.extend_from_slice(before.as_bytes());
        out.extend_from_slice(Decimal::new(value).as_bytes());
        out.extend_from_slice(after.as_bytes());
        out.push(b'\n');
    }

    fn write_raw(&self, out: &mut Vec<u8>, counter: &Counter) {
        if counter.value == 0 {
            return;
        }
        blanks(out, self.indent);
        out.extend_from_slice(&counter.name);
        out.extend_from_slice(b": ");
        out.extend_from_slice(Decimal::new(counter.value).as_bytes());
        out.push(b'\n');
    }

    fn leave_histogram(&mut self) {
        self.indent = INDENT;
        self.histogram = None;
    }

    fn enter_histogram(&mut self, out: &mut Vec<u8>, which: When, title: &[u8]) {
        if self.histogram == Some(which) {
            return;
        }
        blanks(out, self.indent);
        out.extend_from_slice(title);
        self.histogram = Some(which);
        self.indent = HISTOGRAM_INDENT;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Switches = Switches {
        raw: true,
        tcp: true,
        udp: true,
        sctp: true,
    };

    fn block(name: &str, counters: &[(&str, u64)]) -> CounterBlock {
        CounterBlock {
            name: name.into(),
            counters: counters
                .iter()
                .map(|&(name, value)| Counter {
                    name: name.into(),
                    value,
                })
                .collect(),
        }
    }

    fn listing(switches: Switches, family: Family, blocks: &[CounterBlock]) -> String {
        let mut out = Vec::new();
        let mut writer = StatisticsWriter::new(switches);
        for block in blocks {
            writer.write_block(&mut out, family, block);
        }
        String::from_utf8(out).expect("ASCII in, ASCII out")
    }

    #[test]
    fn counters_print_by_their_table() {
        let ip = block(
            "Ip",
            &[("Forwarding", 2), ("DefaultTTL", 64), ("InReceives", 0)],
        );
        let tcp_ext = block(
            "TcpExt",
            &[("DelayedACKLost", 2), ("TW", 0), ("TCPTimeouts", 3)],
        );
        assert_eq!(
            listing(ALL, Family::Inet, &[ip, tcp_ext]),
            "Ip:\n    Forwarding: 2\n    0 total packets received\n\
             TcpExt:\n    Quick ack mode was activated 2 times\n    TCPTimeouts: 3\n"
        );
    }

    #[test]
    fn histograms_indent_even_the_unknown_block_behind_them() {
        let icmp = block("Icmp", &[("InEchos", 1), ("OutMsgs", 0), ("OutEchos", 0)]);
        let message = block("IcmpMsg", &[("InType8", 1)]);
        assert_eq!(
            listing(ALL, Family::Inet, &[icmp.clone(), message.clone()]),
            "Icmp:\n    ICMP input histogram:\n        echo requests: 1\n    \
             0 ICMP messages sent\n    ICMP output histogram:\nIcmpMsg:\n        InType8: 1\n"
        );
        let only_tcp = Switches {
            raw: false,
            tcp: true,
            udp: false,
            sctp: false,
        };
        let text = listing(only_tcp, Family::Inet, &[icmp, message]);
        assert_eq!(text, "IcmpMsg:\n    InType8: 1\n");
    }

    #[test]
    fn blocks_are_known_in_their_own_file_only() {
        let udp6 = block("Udp6", &[("Udp6NoPorts", 5)]);
        let inet = listing(ALL, Family::Inet, std::slice::from_ref(&udp6));
        assert_eq!(inet, "Udp6:\n    Udp6NoPorts: 5\n");
        let inet6 = listing(ALL, Family::Inet6, &[udp6]);
        assert_eq!(inet6, "Udp6:\n    5 packets to unknown port received\n");
        assert!(is_listed(Family::Inet, ALL, b"Made-up"));
    }
}
