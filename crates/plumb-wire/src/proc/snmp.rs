//! Counter files: `/proc/net/snmp` and `/proc/net/netstat` (a line of names, a line of values),
//! `/proc/net/snmp6` and `/proc/net/sctp/snmp` (one `name value` per line).
//!
//! Names and values are matched by position. What a damaged line yields follows the original:
//! some of its readers check every conversion, others none.

use plumb_model::counter::{Counter, CounterBlock};

use crate::lines::{before_nul, pieces};
use crate::scan::Scanner;

/// Longest piece of a line of `snmp6` and `sctp/snmp`.
const PIECE_BYTES: usize = 1023;
/// The name of the block that `/proc/net/sctp/snmp` is.
const SCTP: &[u8] = b"Sctp";

/// What a file of paired lines holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PairedCounters {
    /// The blocks read.
    pub blocks: Vec<CounterBlock>,
    /// A line without a colon ended the reading early.
    pub is_damaged: bool,
}

/// Decodes `/proc/net/snmp` or `/proc/net/netstat`.
pub fn decode_paired_counters(text: &[u8]) -> PairedCounters {
    let mut decoded = PairedCounters::default();
    let mut lines = text.split_inclusive(|&b| b == b'\n');
    while let Some(names) = lines.next() {
        if names.first() == Some(&b'\n') {
            continue;
        }
        let Some(values) = lines.next() else { break };
        let (Some((title, names)), Some((_, values))) = (at_colon(names), at_colon(values)) else {
            decoded.is_damaged = true;
            break;
        };
        decoded.blocks.push(CounterBlock {
            name: title.to_vec(),
            counters: pair(names, values),
        });
    }
    decoded
}

/// Splits a line at its first colon.
fn at_colon(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let line = before_nul(line);
    let colon = line.iter().position(|&b| b == b':')?;
    Some((line.get(..colon)?, line.get(colon + 1..)?))
}

/// Pairs names with values; from the first value that is missing or no number on, they are 0.
fn pair(names: &[u8], values: &[u8]) -> Vec<Counter> {
    let mut values = Scanner::new(values);
    names
        .split(|b| is_separator(*b))
        .filter(|name| !name.is_empty())
        .map(|name| counter(name, values.decimal().unwrap_or(0)))
        .collect()
}

/// Decodes `/proc/net/snmp6`. A block is named by its first counter up to the digit 6 and lasts as
/// long as the counters contain that name.
///
/// The original checks no conversion here: what a line does not give is what the line before gave.
pub fn decode_snmp6(text: &[u8]) -> Vec<CounterBlock> {
    let mut blocks: Vec<CounterBlock> = Vec::new();
    let mut name: &[u8] = b"";
    let mut value = 0;
    for line in pieces(text, PIECE_BYTES) {
        let mut scanner = Scanner::new(line);
        if let Some(word) = scanner.word(usize::MAX) {
            name = word;
            value = scanner.decimal().unwrap_or(value);
        }
        if !blocks
            .last()
            .is_some_and(|block| contains(name, &block.name))
        {
            let end = name
                .iter()
                .position(|&b| b == b'6')
                .map_or(name.len(), |at| at + 1);
            blocks.push(CounterBlock {
                name: name.get(..end).unwrap_or(name).to_vec(),
                counters: Vec::new(),
            });
        }
        if let Some(block) = blocks.last_mut() {
            block.counters.push(counter(name, value));
        }
    }
    blocks
}

/// Decodes `/proc/net/sctp/snmp`, which is one block.
///
/// The original steps over whatever ends a name, be it the end of the line; what it then reads is
/// the line before, as far as that was longer. So the lines share a buffer here as well.
pub fn decode_sctp_counters(text: &[u8]) -> CounterBlock {
    let mut buffer = [0; PIECE_BYTES + 1];
    let counters = pieces(text, PIECE_BYTES).filter_map(|line| {
        buffer.get_mut(..line.len())?.copy_from_slice(line);
        *buffer.get_mut(line.len())? = 0;
        let end = buffer.iter().position(|&b| b == 0 || is_separator(b))?;
        *buffer.get_mut(end)? = 0;
        let rest = before_nul(buffer.get(end + 1..)?);
        if rest.iter().all(|&b| is_separator(b)) {
            return None;
        }
        let value = Scanner::new(rest).decimal().unwrap_or(0);
        Some(counter(buffer.get(..end)?, value))
    });
    CounterBlock {
        name: SCTP.to_vec(),
        counters: counters.collect(),
    }
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n')
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    part.is_empty() || text.windows(part.len()).any(|window| window == part)
}

fn counter(name: &[u8], value: u64) -> Counter {
    Counter {
        name: name.to_vec(),
        value,
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn shown(blocks: &[CounterBlock]) -> String {
        let mut text = String::new();
        for block in blocks {
            text += &String::from_utf8_lossy(&block.name);
            for counter in &block.counters {
                let name = String::from_utf8_lossy(&counter.name);
                let _ = write!(text, " {name}={}", counter.value);
            }
            text += ";";
        }
        text
    }

    fn paired(text: &str) -> (String, bool) {
        let decoded = decode_paired_counters(text.as_bytes());
        (shown(&decoded.blocks), decoded.is_damaged)
    }

    #[test]
    fn names_and_values_are_paired_by_position() {
        // Linux 6.18 /proc/net/snmp, shortened.
        let text = "Tcp: RtoAlgorithm MaxConn InSegs\nTcp: 1 -1 5151\nUdp: InDatagrams\nUdp: 87\n";
        let expected = "Tcp RtoAlgorithm=1 MaxConn=18446744073709551615 InSegs=5151;\
                        Udp InDatagrams=87;";
        assert_eq!(paired(text), (expected.into(), false));
    }

    #[test]
    fn values_that_are_missing_are_zero() {
        assert_eq!(
            paired("Ip: A B C\nIp: 1 2\n"),
            ("Ip A=1 B=2 C=0;".into(), false)
        );
        assert_eq!(paired("Ip: A\nIp: 1 2"), ("Ip A=1;".into(), false));
        assert_eq!(
            paired("Ip: A B C\nIp: 1x 2 3\n"),
            ("Ip A=1 B=0 C=0;".into(), false)
        );
        assert_eq!(paired("Ip: A\nIp: 0x10\n"), ("Ip A=0;".into(), false));
        assert_eq!(
            paired("\n\nIp: A\nIp: 1\nUdp: A\n"),
            ("Ip A=1;".into(), false)
        );
    }

    #[test]
    fn a_line_without_colon_abandons_the_file() {
        assert_eq!(
            paired("Ip: A\nIp 1\nUdp: A\nUdp: 1\n"),
            (String::new(), true)
        );
        assert_eq!(paired("Ip: A\n\nIp: 1\n"), (String::new(), true));
        assert_eq!(paired("Ip"), (String::new(), false));
    }

    #[test]
    fn snmp6_blocks_follow_the_names() {
        let text = b"Ip6InReceives 5\nIp6OutRequests 6\nIcmp6InMsgs 7\nFoo 8\nFoobar 9\n";
        let expected =
            "Ip6 Ip6InReceives=5 Ip6OutRequests=6;Icmp6 Icmp6InMsgs=7;Foo Foo=8 Foobar=9;";
        assert_eq!(shown(&decode_snmp6(text)), expected);
    }

    #[test]
    fn snmp6_keeps_what_a_line_does_not_give() {
        assert_eq!(
            shown(&decode_snmp6(b"Ip6A 1\n\nIp6B x\n")),
            "Ip6 Ip6A=1 Ip6A=1 Ip6B=1;"
        );
        assert_eq!(shown(&decode_snmp6(b"\nIp6A 1\n")), " =0 Ip6A=1;");
    }

    #[test]
    fn sctp_lines_need_something_behind_the_name() {
        let text = b"SctpAborteds 5\nX\n\nY x\nZ \n 7\nQ 6";
        let blocks = [decode_sctp_counters(text)];
        assert_eq!(shown(&blocks), "Sctp SctpAborteds=5 Y=0 =7 Q=6;");
        let unfinished = [decode_sctp_counters(b"SctpAborteds 5\nSctp")];
        assert_eq!(shown(&unfinished), "Sctp SctpAborteds=5 Sctp=0;");
    }
}
