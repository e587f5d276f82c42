//! `/proc/net/igmp` and `/proc/net/igmp6`: multicast group memberships.
//!
//! Both files go through one reader, as in the original: a first line that names a `Device` makes
//! a file the IPv4 table (device lines, then group lines that begin with a tab), anything else
//! makes it the IPv6 table (one line per membership).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use plumb_model::group::Membership;

use crate::lines::{before_nul, pieces};
use crate::scan::{Scanner, low32};

/// Longest piece of a line.
const PIECE_BYTES: usize = 8191;
/// Longest interface name.
const INTERFACE_BYTES: usize = 15;
/// Longest run of digits taken for an IPv6 group.
const GROUP6_DIGITS: usize = 64;

/// One line's worth of a group file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupItem {
    /// A membership.
    Member(Membership),
    /// A line that is none, of the table `igmp` or `igmp6`.
    Bogus {
        /// The table.
        table: &'static str,
        /// Number of the line, from 0.
        line: usize,
    },
}

/// What a good line is.
enum Line {
    /// The head of a device's memberships.
    Device,
    /// A membership.
    Member(Membership),
}

/// How the lines of a file are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// IPv4, device lines begin with the interface index.
    Indexed,
    /// IPv4, device lines begin with the name (Linux 2.0).
    Named,
    /// IPv6.
    Flat,
}

/// Decodes `/proc/net/igmp` or `/proc/net/igmp6`.
pub fn decode_groups(text: &[u8]) -> Vec<GroupItem> {
    let mut lines = pieces(text, PIECE_BYTES).enumerate().peekable();
    let Some((_, first)) = lines.peek() else {
        return Vec::new();
    };
    let layout = layout(before_nul(first));
    let mut state = State::default();
    let skipped = usize::from(layout != Layout::Flat);
    lines
        .skip(skipped)
        .filter_map(|(number, line)| {
            let (table, outcome) = match layout {
                Layout::Flat => ("igmp6", state.member6(line).map(Line::Member)),
                Layout::Indexed | Layout::Named => ("igmp", state.line4(line, layout)),
            };
            match outcome {
                Some(Line::Member(member)) => Some(GroupItem::Member(member)),
                Some(Line::Device) => None,
                None => Some(GroupItem::Bogus {
                    table,
                    line: number,
                }),
            }
        })
        .collect()
}

fn layout(first: &[u8]) -> Layout {
    const DEVICE: &[u8] = b"Device";
    if !first.windows(DEVICE.len()).any(|window| window == DEVICE) {
        Layout::Flat
    } else if first.starts_with(b"Idx") {
        Layout::Indexed
    } else {
        Layout::Named
    }
}

/// What lasts from line to line.
#[derive(Debug, Default)]
struct State {
    /// The device's name with whatever longer names left behind it; a NUL ends it.
    device: [u8; INTERFACE_BYTES],
    /// The words of the last IPv6 group, in memory order.
    group6: [u32; 4],
}

impl State {
    /// Reads a line of the IPv4 table; `None` if it is bogus.
    fn line4(&mut self, line: &[u8], layout: Layout) -> Option<Line> {
        let mut scanner = Scanner::new(line);
        if line.first() == Some(&b'\t') {
            scanner.skip_space();
            let digits = scanner.hex_digits(8)?;
            let users = signed32(&mut scanner)?;
            let group = low32(Scanner::new(digits).hex()?);
            return Some(Line::Member(Membership {
                interface: before_nul(&self.device).to_vec(),
                users,
                group: IpAddr::V4(Ipv4Addr::from(group.swap_bytes())),
            }));
        }
        if layout == Layout::Indexed {
            scanner.decimal()?;
            scanner.skip_space();
        }
        // Up to 15 bytes of any kind replace as many of the old name; the last colon ends it.
        let name = scanner.take_while(INTERFACE_BYTES, |_| true)?;
        for (old, new) in self.device.iter_mut().zip(name) {
            *old = *new;
        }
        let colon = before_nul(&self.device).iter().rposition(|&b| b == b':');
        if let Some(end) = colon.and_then(|at| self.device.get_mut(at)) {
            *end = 0;
        }
        Some(Line::Device)
    }

    /// Reads a line of the IPv6 table.
    fn member6(&mut self, line: &[u8]) -> Option<Membership> {
        let mut scanner = Scanner::new(line);
        scanner.decimal()?;
        let interface = scanner.word(INTERFACE_BYTES)?;
        scanner.skip_space();
        let digits = scanner.hex_digits(GROUP6_DIGITS)?;
        let users = signed32(&mut scanner)?;
        let mut digits = digits.chunks(8);
        for word in &mut self.group6 {
            // A word that is not given stays, and is turned to memory order once more.
            let given = digits.next().and_then(|digits| Scanner::new(digits).hex());
            *word = given.map_or(word.swap_bytes(), low32);
        }
        let [a, b, c, d] = self.group6.map(u128::from);
        Some(Membership {
            interface: interface.to_vec(),
            users,
            group: IpAddr::V6(Ipv6Addr::from(a << 96 | b << 64 | c << 32 | d)),
        })
    }
}

fn signed32(scanner: &mut Scanner<'_>) -> Option<i32> {
    Some(low32(scanner.signed()?.cast_unsigned()).cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Linux 6.18: `cat /proc/net/igmp` with one interface.
    const IGMP: &str = "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n\
                        1\tlo        :     1      V3\n\
                        \t\t\t\t010000E0     1 0:00000000\t\t0\n";
    /// Linux 6.18: a line of `/proc/net/igmp6`.
    const IGMP6: &str = "1    lo              ff020000000000000000000000000001     1 0000000C 0\n";

    fn shown(text: &str) -> String {
        decode_groups(text.as_bytes())
            .iter()
            .map(|item| match item {
                GroupItem::Member(member) => {
                    let interface = String::from_utf8_lossy(&member.interface);
                    format!("{interface}|{}|{};", member.users, member.group)
                }
                GroupItem::Bogus { table, line } => format!("bogus {table} {line};"),
            })
            .collect()
    }

    #[test]
    fn both_files_of_a_kernel_decode() {
        assert_eq!(shown(IGMP), "lo        |1|224.0.0.1;");
        assert_eq!(shown(IGMP6), "lo|1|ff02::1;");
        assert_eq!(shown(""), "");
    }

    #[test]
    fn bogus_lines_are_counted_from_the_header_on() {
        assert_eq!(
            shown(&format!("{IGMP}\n\t\n")),
            "lo        |1|224.0.0.1;bogus igmp 3;bogus igmp 4;"
        );
        assert_eq!(shown(&format!("x\n{IGMP6}")), "bogus igmp6 0;lo|1|ff02::1;");
    }

    #[test]
    fn a_short_device_name_keeps_the_end_of_the_old_one() {
        let text = format!("{IGMP}2\tabcdefghijkl :\n\t010000E0 1\n2\txy\0\n\t010000E0 1\n");
        assert_eq!(
            shown(&text),
            "lo        |1|224.0.0.1;abcdefghijkl |1|224.0.0.1;xycdefghijkl |1|224.0.0.1;"
        );
    }

    #[test]
    fn a_short_group_keeps_the_words_of_the_old_one() {
        assert_eq!(
            shown(&format!("{IGMP6}1 lo 1 5\n")),
            "lo|1|ff02::1;lo|5|0:1::100:0;"
        );
    }
}
