//! `/proc/net/dev`: one line of counters per interface, behind two lines of heads.
//!
//! The second line of heads tells which of three layouts follows; kernels since 2.2 have the
//! longest one. A line is read as far as its numbers go.

use plumb_model::interface::{InterfaceStatistics, Receive, Transmit};

use crate::lines::{before_nul, pieces};
use crate::scan::Scanner;

/// Bytes of a line that are read at a time; a longer line is read as several.
const LINE_BYTES: usize = 511;
/// Longest name the kernel has room for.
const NAME_BYTES: usize = 15;

/// One interface and its counters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DevLine {
    /// Its name, raw bytes.
    pub name: Vec<u8>,
    /// Its counters; 0 where the line has no number.
    pub statistics: InterfaceStatistics,
}

/// Which numbers a line holds, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// Packets only.
    Packets,
    /// Bytes and packets.
    Bytes,
    /// Bytes, packets, compressed and multicast packets.
    Full,
}

/// Decodes the file, in its order; a name that comes twice keeps its place and its last numbers.
pub fn decode_dev(content: &[u8]) -> Vec<DevLine> {
    let mut found: Vec<DevLine> = Vec::new();
    let mut layout = Layout::Packets;
    for (index, line) in pieces(content, LINE_BYTES).map(before_nul).enumerate() {
        match index {
            0 => {}
            1 => layout = layout_of(line),
            _ => {
                let (name, numbers) = split_name(line);
                let known = found.iter().position(|line| line.name == name);
                let at = known.unwrap_or_else(|| {
                    found.push(DevLine {
                        name: name.to_vec(),
                        statistics: InterfaceStatistics::default(),
                    });
                    found.len() - 1
                });
                if let Some(line) = found.get_mut(at) {
                    read_numbers(numbers, layout, &mut line.statistics);
                }
            }
        }
    }
    found
}

fn layout_of(heads: &[u8]) -> Layout {
    let has = |word: &[u8]| heads.windows(word.len()).any(|window| window == word);
    match (has(b"compressed"), has(b"bytes")) {
        (true, _) => Layout::Full,
        (false, true) => Layout::Bytes,
        (false, false) => Layout::Packets,
    }
}

/// Splits a line behind the colon of its name; `eth0:1:` is a name with an alias number.
fn split_name(line: &[u8]) -> (&[u8], &[u8]) {
    let line = line.trim_ascii_start();
    let end = line
        .iter()
        .position(|&b| b == b':' || is_space(b))
        .unwrap_or(line.len());
    if end >= NAME_BYTES {
        return cut_name(line);
    }
    let (name, after) = line.split_at(end);
    let Some(rest) = after.strip_prefix(b":") else {
        return (name, after);
    };
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let alias_end = end + 1 + digits;
    match rest.get(digits..).and_then(|rest| rest.strip_prefix(b":")) {
        Some(_) if alias_end > NAME_BYTES => cut_name(line),
        Some(numbers) => (line.get(..alias_end).unwrap_or(name), numbers),
        None => (name, rest),
    }
}

/// Ends a name where the kernel's room for it ends.
fn cut_name(line: &[u8]) -> (&[u8], &[u8]) {
    let (name, rest) = line.split_at(line.len().min(NAME_BYTES));
    (name, rest.strip_prefix(b":").unwrap_or(rest))
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | 0x09..=0x0d)
}

/// Fills in as many numbers as the line has, in the order of the layout.
fn read_numbers(line: &[u8], layout: Layout, statistics: &mut InterfaceStatistics) {
    let InterfaceStatistics { rx, tx } = statistics;
    if layout == Layout::Packets {
        rx.bytes = 0;
        tx.bytes = 0;
    }
    let mut scanner = Scanner::new(line);
    for slot in receive_slots(rx, layout)
        .into_iter()
        .chain(transmit_slots(tx, layout))
    {
        match scanner.decimal() {
            Some(number) => *slot = number,
            None => return,
        }
    }
}

fn receive_slots(rx: &mut Receive, layout: Layout) -> Vec<&mut u64> {
    let mut slots = Vec::with_capacity(8);
    if layout != Layout::Packets {
        slots.push(&mut rx.bytes);
    }
    slots.extend([
        &mut rx.packets,
        &mut rx.errors,
        &mut rx.dropped,
        &mut rx.fifo,
        &mut rx.frame,
    ]);
    if layout == Layout::Full {
        slots.extend([&mut rx.compressed, &mut rx.multicast]);
    }
    slots
}

fn transmit_slots(tx: &mut Transmit, layout: Layout) -> Vec<&mut u64> {
    let mut slots = Vec::with_capacity(8);
    if layout != Layout::Packets {
        slots.push(&mut tx.bytes);
    }
    slots.extend([
        &mut tx.packets,
        &mut tx.errors,
        &mut tx.dropped,
        &mut tx.fifo,
        &mut tx.collisions,
        &mut tx.carrier,
    ]);
    if layout == Layout::Full {
        slots.push(&mut tx.compressed);
    }
    slots
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The heads of Linux 6.18.
    const HEADS: &str = "\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
";

    fn decode(lines: &str) -> Vec<DevLine> {
        decode_dev(format!("{HEADS}{lines}").as_bytes())
    }

    #[test]
    fn a_line_of_the_kernel_is_read() {
        let found = decode(
            "    lo:    3193      29    1    2    3     4          5         6     3194      30    7    8    9      10      11         12\n",
        );
        let [line] = &found[..] else {
            panic!("one line")
        };
        assert_eq!(line.name, b"lo");
        assert_eq!(line.statistics.rx.bytes, 3193);
        assert_eq!(line.statistics.rx.multicast, 6);
        assert_eq!(line.statistics.tx.packets, 30);
        assert_eq!(line.statistics.tx.collisions, 10);
        assert_eq!(line.statistics.tx.compressed, 12);
    }

    #[test]
    fn names_end_at_their_colon_and_keep_an_alias_number() {
        let names = |lines| {
            decode(lines)
                .into_iter()
                .map(|l| l.name)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            names("lo:1\n eth0:1: 1\neth1:2 3\n"),
            [&b"lo"[..], b"eth0:1", b"eth1"]
        );
        assert_eq!(names("lo\nveth0:: 1\n"), [&b"lo"[..], b"veth0:"]);
        assert_eq!(
            names("averyveryverylongname: 1\n\n"),
            [&b"averyveryverylo"[..], b""]
        );
    }

    #[test]
    fn damaged_lines_keep_what_was_read() {
        let found = decode("lo: 1 2 3 x 5\nlo: 9\n");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].statistics.rx.bytes, 9);
        assert_eq!(found[0].statistics.rx.errors, 3);
        assert_eq!(found[0].statistics.rx.dropped, 0);
    }

    #[test]
    fn older_layouts_have_fewer_numbers() {
        let old = decode_dev(b"heads\nheads\nlo: 1 2 3 4 5 6 7 8 9 10 11\n");
        assert_eq!(old[0].statistics.rx.packets, 1);
        assert_eq!(old[0].statistics.tx.packets, 6);
        let newer = decode_dev(b"heads\nbytes\nlo: 1 2 3 4 5 6 7 8 9 10 11 12 13\n");
        assert_eq!(newer[0].statistics.tx.packets, 8);
    }
}
