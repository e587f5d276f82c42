//! `/proc/net/sockstat`, `sockstat6`, `/proc/net/protocols` and the limits under `/proc/sys/net`.

use crate::scan::Scanner;

/// One counter of a `sockstat` file: protocol, name, value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SockstatCounter<'a> {
    /// Protocol as the file spells it: `TCP`, `UDP6`, `FRAG`.
    pub protocol: &'a [u8],
    /// Name: `inuse`, `orphan`, `tw`, `alloc`, `mem`, `memory`.
    pub name: &'a [u8],
    /// Value; per-processor sums may be below 0 for a moment and then read as 0.
    pub value: u64,
}

/// Decodes `/proc/net/sockstat` or `sockstat6`; lines of another shape are left out.
pub fn decode_sockstat(content: &[u8]) -> Vec<SockstatCounter<'_>> {
    let mut counters = Vec::new();
    for line in content.split(|&b| b == b'\n') {
        let Some(colon) = line.iter().position(|&b| b == b':') else {
            continue;
        };
        let (protocol, rest) = line.split_at(colon);
        let mut scanner = Scanner::new(rest.get(1..).unwrap_or(&[]));
        while let Some(name) = scanner.word(usize::MAX) {
            let Some(value) = scanner.signed() else { break };
            counters.push(SockstatCounter {
                protocol,
                name,
                value: u64::try_from(value).unwrap_or(0),
            });
        }
    }
    counters
}

/// Finds a counter of a protocol.
pub fn find_counter(counters: &[SockstatCounter<'_>], protocol: &str, name: &str) -> Option<u64> {
    counters
        .iter()
        .find(|c| c.protocol == protocol.as_bytes() && c.name == name.as_bytes())
        .map(|c| c.value)
}

/// Finds out of `/proc/net/protocols` whether a protocol (`TCP`, `UDP`) is under memory pressure;
/// `None` when the kernel does not track that for it.
pub fn decode_pressure(content: &[u8], protocol: &str) -> Option<bool> {
    let heads = content.split(|&b| b == b'\n').next()?;
    let column = fields(heads).position(|head| head == b"press")?;
    let row = content
        .split(|&b| b == b'\n')
        .find(|line| fields(line).next() == Some(protocol.as_bytes()))?;
    match fields(row).nth(column)? {
        b"yes" => Some(true),
        b"no" => Some(false),
        _ => None,
    }
}

/// Decodes a sysctl of `N` numbers separated by white space (`tcp_mem`, `ipfrag_high_thresh`).
pub fn decode_numbers<const N: usize>(content: &[u8]) -> Option<[u64; N]> {
    let mut scanner = Scanner::new(content);
    let mut numbers = [0; N];
    for number in &mut numbers {
        *number = u64::try_from(scanner.signed()?).ok()?;
    }
    Some(numbers)
}

fn fields(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(u8::is_ascii_whitespace)
        .filter(|field| !field.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Linux 6.18.
    const SOCKSTAT: &[u8] = b"sockets: used 17
TCP: inuse 1 orphan 0 tw 2 alloc 46 mem 6038
UDP: inuse 0 mem 0
UDPLITE: inuse 0
RAW: inuse 0
FRAG: inuse 0 memory 0
";
    const PROTOCOLS: &[u8] = b"\
protocol  size sockets  memory press maxhdr  slab module     cl co di ac io in de sh ss gs se re bi br ha uh gp em
UDP       1344      0       0   NI       0   yes  kernel      y  y  y  n  y  y  y  n  y  y  y  y  n  n  y  y  y  n
TCP       2304      1    6038   no     192   yes  kernel      y  y  y  y  y  y  y  y  y  y  y  y  n  y  y  y  y  y
";

    #[test]
    fn counters_are_found_by_protocol_and_name() {
        let counters = decode_sockstat(SOCKSTAT);
        assert_eq!(find_counter(&counters, "TCP", "mem"), Some(6038));
        assert_eq!(find_counter(&counters, "TCP", "tw"), Some(2));
        assert_eq!(find_counter(&counters, "UDP", "tw"), None);
        assert_eq!(
            find_counter(&decode_sockstat(b"TCP: mem -3\nx\nTCP\n"), "TCP", "mem"),
            Some(0)
        );
    }

    #[test]
    fn pressure_is_said_of_tcp_and_not_of_udp() {
        assert_eq!(decode_pressure(PROTOCOLS, "TCP"), Some(false));
        assert_eq!(decode_pressure(PROTOCOLS, "UDP"), None);
        assert_eq!(decode_pressure(PROTOCOLS, "SCTP"), None);
        assert_eq!(decode_pressure(b"", "TCP"), None);
    }

    #[test]
    fn limits_need_all_their_numbers() {
        assert_eq!(
            decode_numbers(b"287898\t383867\t575796\n"),
            Some([287_898, 383_867, 575_796])
        );
        assert_eq!(decode_numbers::<3>(b"1 2\n"), None);
    }
}
