//! The configuration files that names come from: `/etc/nsswitch.conf` and iproute2's tables of
//! names such as `nl_protos`.

use crate::lines::{before_nul, pieces};
use crate::scan::{Scanner, low32};

/// Longest piece of a line of a name table that is read at once.
const LINE_BYTES: usize = 511;

/// Gives the sources that `nsswitch.conf` names for a database, actions such as `[NOTFOUND=return]`
/// included; `None` when it does not mention the database.
///
/// ```
/// use plumb_wire::config::decode_sources;
///
/// let content = b"hosts: files dns\nservices:\tdb files # usual\n";
/// let sources: Vec<_> = decode_sources(content, b"services").unwrap().collect();
/// assert_eq!(sources, [&b"db"[..], b"files"]);
/// assert!(decode_sources(content, b"rpc").is_none());
/// ```
pub fn decode_sources<'a>(
    content: &'a [u8],
    database: &[u8],
) -> Option<impl Iterator<Item = &'a [u8]>> {
    content.split(|&b| b == b'\n').find_map(|line| {
        let line = line.split(|&b| b == b'#').next()?.trim_ascii();
        let sources = line.strip_prefix(database)?.trim_ascii_start();
        let sources = sources.strip_prefix(b":")?;
        Some(
            sources
                .split(u8::is_ascii_whitespace)
                .filter(|source| !source.is_empty()),
        )
    })
}

/// A table of names by number, as far as it could be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NameTable<'a> {
    /// Numbers and names in the order of the file; a later entry replaces an earlier one.
    pub entries: Vec<(u8, &'a [u8])>,
    /// The line that is none, with its line end: the file counts only up to there.
    pub corrupted: Option<&'a [u8]>,
}

/// Decodes a table of `NUMBER NAME` lines: decimal or `0x` numbers, `#` comments, more words ignored.
///
/// ```
/// use plumb_wire::config::decode_name_table;
///
/// let table = decode_name_table(b"# protocols\n0 rtnl\n0x10\tgenl\n");
/// assert_eq!(table.entries, [(0, &b"rtnl"[..]), (16, b"genl")]);
/// assert_eq!(decode_name_table(b"7\n").corrupted, Some(&b"7\n"[..]));
/// ```
pub fn decode_name_table(content: &[u8]) -> NameTable<'_> {
    let mut table = NameTable::default();
    for line in pieces(content, LINE_BYTES) {
        let blanks = line
            .iter()
            .take_while(|&&b| b == b' ' || b == b'\t')
            .count();
        let text = line.get(blanks..).unwrap_or(&[]);
        if matches!(text.first(), None | Some(b'#' | b'\n' | 0)) {
            continue;
        }
        let Some((number, name)) = decode_hexadecimal(text).or_else(|| decode_decimal(text)) else {
            table.corrupted = Some(before_nul(text));
            break;
        };
        if let Ok(number) = u8::try_from(number) {
            table.entries.push((number, name));
        }
    }
    table
}

/// `0x%x %s`.
fn decode_hexadecimal(text: &[u8]) -> Option<(u32, &[u8])> {
    let mut scanner = Scanner::new(text);
    scanner.literal(b'0')?;
    scanner.literal(b'x')?;
    let number = scanner.hex()?;
    Some((low32(number), scanner.word(usize::MAX)?))
}

/// `%d %s`.
fn decode_decimal(text: &[u8]) -> Option<(u32, &[u8])> {
    let mut scanner = Scanner::new(text);
    let number = scanner.decimal()?;
    Some((low32(number), scanner.word(usize::MAX)?))
}

/// Decodes `ip_local_port_range`: the lowest and the highest port for ephemeral use, as ss reads
/// them; `None` when they are not two numbers.
///
/// ```
/// use plumb_wire::config::decode_port_range;
///
/// assert_eq!(decode_port_range(b"32768\t60999\n"), Some((32768, 60999)));
/// assert_eq!(decode_port_range(b"32768"), None);
/// ```
pub fn decode_port_range(content: &[u8]) -> Option<(i32, i32)> {
    let mut scanner = Scanner::new(content);
    let lowest = low32(scanner.decimal()?).cast_signed();
    let highest = low32(scanner.decimal()?).cast_signed();
    Some((lowest, highest))
}

/// Decodes `ip_local_reserved_ports`: ports and ranges between commas, as first and last; `None` when one of
/// them is neither.
///
/// ```
/// use plumb_wire::config::decode_port_list;
///
/// assert_eq!(decode_port_list(b"8080,9000-9010\n"), Some(vec![(8080, 8080), (9000, 9010)]));
/// assert_eq!(decode_port_list(b"\n"), Some(vec![]));
/// assert_eq!(decode_port_list(b"80,x"), None);
/// ```
pub fn decode_port_list(content: &[u8]) -> Option<Vec<(u16, u16)>> {
    let text = std::str::from_utf8(content).ok()?.trim();
    if text.is_empty() {
        return Some(Vec::new());
    }
    let range = |piece: &str| {
        let (first, last) = piece.split_once('-').unwrap_or((piece, piece));
        Some((first.parse().ok()?, last.parse().ok()?))
    };
    text.split(',').map(range).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strange_lines_are_read_as_the_original_reads_them() {
        // Each seen of iproute2 6.1, by the name of protocol 0.
        for (content, name) in [
            (&b"\t0 tab\n"[..], "tab"),
            (b"0X1 hx\n", "X1"),
            (b"0xzz n\n", "xzz"),
            (b"0x 5\n", "x"),
            (b"0x 0 sp\n", "sp"),
            (b"0x-0 neg\n", "neg"),
            (b"+0 p\n", "p"),
            (b"4294967296 w\n", "w"),
            (b"0x0", "x0"),
            (b"0zz k\n", "zz"),
            (b"0 a\0b\n", "a"),
            (b"0 a b c\n", "a"),
            (b"\x0b0 vt\n", "vt"),
        ] {
            let table = decode_name_table(content);
            assert_eq!(table.entries, [(0, name.as_bytes())], "{content:?}");
            assert_eq!(table.corrupted, None);
        }
    }

    #[test]
    fn numbers_out_of_range_are_left_out_and_bad_lines_end_the_table() {
        let table = decode_name_table(b"-1 n\n256 m\n255 max\n0\n1 later\n");
        assert_eq!(table.entries, [(255, &b"max"[..])]);
        assert_eq!(table.corrupted, Some(&b"0\n"[..]));
        assert_eq!(decode_name_table(b"\r\n").corrupted, Some(&b"\r\n"[..]));
    }

    #[test]
    fn port_ranges_are_two_ints() {
        // Seen of iproute2 6.1 with PROC_IP_LOCAL_PORT_RANGE; what is `None` means 1024 to 4999.
        for (content, range) in [
            (&b"1\n80"[..], Some((1, 80))),
            (b"22-53", Some((22, -53))),
            (b"4294967318 4294967349", Some((22, 53))),
            (b"1 2049 7", Some((1, 2049))),
            (b"1,80", None),
            (b"0x16 53", None),
            (b"", None),
        ] {
            assert_eq!(decode_port_range(content), range);
        }
    }
}
