//! The totals of `ss -s` out of `/proc/net/sockstat`, `sockstat6` and `snmp`, by position and not by
//! name, as the original reads them.

use plumb_model::socket_totals::SocketTotals;

use crate::lines::pieces;
use crate::scan::{Scanner, low32};

/// Longest piece of a line of `sockstat` that is read at once.
const SOCKSTAT_BYTES: usize = 255;
/// Longest piece of a line of `snmp` that is read at once.
const SNMP_BYTES: usize = 1023;
/// What the line of TCP in `snmp` begins with.
const TCP: &[u8] = b"Tcp:";

/// Adds what a `sockstat` or `sockstat6` tells; a later line replaces an earlier one.
///
/// ```
/// use plumb_wire::proc::totals::decode_totals;
///
/// let mut totals = Default::default();
/// decode_totals(b"sockets: used 24\nTCP: inuse 1 orphan 0 tw 2 alloc 7 mem 0\n", &mut totals);
/// assert_eq!(totals.sockets, Some(24));
/// assert_eq!((totals.ipv4.tcp, totals.tcp_allocated), (Some(1), Some(7)));
/// assert_eq!(totals.ipv6.tcp, None);
/// ```
pub fn decode_totals(content: &[u8], totals: &mut SocketTotals) {
    for line in pieces(content, SOCKSTAT_BYTES) {
        let Some(blank) = line.iter().position(|&b| b == b' ') else {
            continue;
        };
        let (kind, values) = line.split_at(blank);
        let slots: &mut [&mut Option<i32>] = match kind {
            b"sockets:" => &mut [&mut totals.sockets],
            b"TCP:" => &mut [
                &mut totals.ipv4.tcp,
                &mut totals.tcp_orphaned,
                &mut totals.tcp_time_wait,
                &mut totals.tcp_allocated,
            ],
            b"UDP:" => &mut [&mut totals.ipv4.udp],
            b"RAW:" => &mut [&mut totals.ipv4.raw],
            b"FRAG:" => &mut [&mut totals.ipv4.frag],
            b"TCP6:" => &mut [&mut totals.ipv6.tcp],
            b"UDP6:" => &mut [&mut totals.ipv6.udp],
            b"RAW6:" => &mut [&mut totals.ipv6.raw],
            b"FRAG6:" => &mut [&mut totals.ipv6.frag],
            _ => continue,
        };
        decode_values(values, slots);
    }
}

/// `%*s %d %*s %d …`: fills slots until a conversion fails.
fn decode_values(values: &[u8], slots: &mut [&mut Option<i32>]) {
    let mut scanner = Scanner::new(values);
    for slot in slots {
        if scanner.word(usize::MAX).is_none() {
            return;
        }
        let Some(value) = scanner.decimal() else {
            return;
        };
        **slot = Some(low32(value).cast_signed());
    }
}

/// What `snmp` tells of `Tcp: CurrEstab`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Established {
    /// The number; none where something else stands in its place.
    Told(Option<i32>),
    /// There are no two lines of TCP, or the second is too short.
    Missing,
}

/// Decodes the number of established connections. Columns are counted by blanks; where no head has
/// the name, the last column counts.
pub fn decode_established(content: &[u8]) -> Established {
    let mut lines = pieces(content, SNMP_BYTES);
    let Some(heads) = lines.find(|line| line.starts_with(TCP)) else {
        return Established::Missing;
    };
    let columns = || heads.split(|&b| b == b' ' || b == b'\n').skip(1);
    let blanks = heads.split(|&b| b == b' ').skip(1).count();
    let place = columns()
        .take(blanks)
        .position(|head| head == b"CurrEstab")
        .map_or(blanks, |before| before + 1);
    let values = lines.next().filter(|line| line.starts_with(TCP));
    let value = values.and_then(|line| behind_blanks(line, place));
    match value {
        Some(value) if place > 0 => {
            let number = Scanner::new(value).decimal();
            Established::Told(number.map(|number| low32(number).cast_signed()))
        }
        _ => Established::Missing,
    }
}

/// Gives what stands behind the `count`th blank.
fn behind_blanks(line: &[u8], count: usize) -> Option<&[u8]> {
    let mut rest = line;
    for _ in 0..count {
        let blank = rest.iter().position(|&b| b == b' ')?;
        rest = rest.get(blank + 1..)?;
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(content: &[u8]) -> Option<i32> {
        let mut totals = SocketTotals::default();
        decode_totals(content, &mut totals);
        totals.ipv4.raw
    }

    #[test]
    fn strange_lines_of_sockstat() {
        // Each seen of iproute2 6.1 with PROC_NET_SOCKSTAT.
        for (content, value) in [
            (&b"RAW: inuse 9\n"[..], Some(9)),
            (b"RAW: \t inuse: +9", Some(9)),
            (b"RAW: inuse 4294967297\n", Some(1)),
            (b"RAW: inuse -6\n", Some(-6)),
            (b"RAW: inuse 0x9\n", Some(0)),
            (b"RAW: inuse 9\nRAW: inuse 8\n", Some(8)),
            (b"RAW: inuse 9\nRAW: inuse x\n", Some(9)),
            (b"RAW:\tinuse 9\n", None),
            (b"RAW:x inuse 9\n", None),
            (b" RAW: inuse 9\n", None),
            (b"RAW: 9\n", None),
            (b"RAW:\n inuse 9\n", None),
        ] {
            assert_eq!(raw(content), value, "{}", content.escape_ascii());
        }
        let long = [&[b'y'; 255][..], b"RAW: inuse 7\n"].concat();
        assert_eq!(raw(&long), Some(7));
        assert_eq!(raw(&[b"y", &long[..]].concat()), None);
    }

    #[test]
    fn values_count_by_their_place() {
        let mut totals = SocketTotals::default();
        decode_totals(b"TCP: inuse 9 alloc 8 tw 7\nRAW6: inuse 5\n", &mut totals);
        assert_eq!(totals.ipv4.tcp, Some(9));
        assert_eq!(totals.tcp_orphaned, Some(8));
        assert_eq!(totals.tcp_time_wait, Some(7));
        assert_eq!(totals.tcp_allocated, None);
        assert_eq!(totals.ipv6.raw, Some(5));
    }

    #[test]
    fn strange_lines_of_snmp() {
        use Established::{Missing, Told};
        // Each seen of iproute2 6.1 with PROC_NET_SNMP.
        for (content, established) in [
            (&b"Tcp: X CurrEstab Y\nTcp: 1 2 3\n"[..], Told(Some(2))),
            (
                b"Ip: CurrEstab\nIp: 4\nTcp: CurrEstab\nTcp: 42",
                Told(Some(42)),
            ),
            (b"Tcp: A B\nTcp: 1 2\n", Told(Some(2))),
            (b"Tcp: CurrEstab\r\nTcp: 4\n", Told(Some(4))),
            (b"Tcp: X CurrEstabX CurrEstab\nTcp: 1 2 3\n", Told(Some(3))),
            (b"Tcp: X CurrEstab\nTcp:  1  7\n", Told(Some(1))),
            (b"Tcp:  CurrEstab\nTcp: 4 5\n", Told(Some(5))),
            (b"Tcp: A CurrEstab \nTcp: 4 5\n", Told(Some(5))),
            (b"Tcp: \nTcp: 5 2\n", Told(Some(5))),
            (
                b"Tcp: X CurrEstab\nTcp: 1 99999999999\n",
                Told(Some(1_215_752_191)),
            ),
            (b"Tcp: X CurrEstab\nTcp: 1 -9\n", Told(Some(-9))),
            (b"Tcp: X CurrEstab\nTcp: 1 x\n", Told(None)),
            (b"Tcp: A B CurrEstab\nTcp: 1 2 \n3", Told(None)),
            (b"Tcp: X CurrEstab\nTcp: 1\n", Missing),
            (b"Tcp: CurrEstab\nUdp: 42\n", Missing),
            (b"Tcp: CurrEstab\n", Missing),
            (b"Tcp:\tX\tCurrEstab\nTcp:\t1\t7\n", Missing),
            (b"Tcp:\nTcp: 1 2\n", Missing),
            (b"TcpExt: CurrEstab\nTcpExt: 5\n", Missing),
            (b" Tcp: CurrEstab\n Tcp: 5\n", Missing),
            (b"", Missing),
        ] {
            let decoded = decode_established(content);
            assert_eq!(decoded, established, "{}", content.escape_ascii());
        }
    }
}
