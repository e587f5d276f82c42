//! The short interface table of -i.

use plumb_model::interface::{Interface, InterfaceFlags, InterfaceStatistics};

use crate::text::{left, left_u64, put, right_u64};

/// Title of both interface tables.
pub const TITLE: &[u8] = b"Kernel Interface table\n";
/// Column heads of the short table.
pub const HEADER: &[u8] =
    b"Iface             MTU    RX-OK RX-ERR RX-DRP RX-OVR    TX-OK TX-ERR TX-DRP TX-OVR Flg\n";

/// Bytes of a name that are shown.
const NAME: usize = 15;
/// Width of all counters together.
const COUNTERS: usize = 56;

/// Letters in the order in which they are shown; point-to-point and promiscuous share theirs.
const LETTERS: [(InterfaceFlags, u8); 14] = [
    (InterfaceFlags::ALL_MULTICAST, b'A'),
    (InterfaceFlags::BROADCAST, b'B'),
    (InterfaceFlags::DEBUG, b'D'),
    (InterfaceFlags::LOOPBACK, b'L'),
    (InterfaceFlags::MULTICAST, b'M'),
    (InterfaceFlags::DYNAMIC, b'd'),
    (InterfaceFlags::PROMISCUOUS, b'P'),
    (InterfaceFlags::NO_TRAILERS, b'N'),
    (InterfaceFlags::NO_ARP, b'O'),
    (InterfaceFlags::POINT_TO_POINT, b'P'),
    (InterfaceFlags::SLAVE, b's'),
    (InterfaceFlags::MASTER, b'm'),
    (InterfaceFlags::RUNNING, b'R'),
    (InterfaceFlags::UP, b'U'),
];

/// Gives the counters that the original shows. It has no room for the colon behind a name that
/// fills all 15 bytes (`br-0123456789ab`), and then reads none of the numbers.
pub fn shown_statistics(interface: &Interface) -> Option<InterfaceStatistics> {
    let loses = interface.name.len() >= NAME && !interface.name.contains(&b':');
    interface.statistics.map(|statistics| {
        if loses {
            InterfaceStatistics::default()
        } else {
            statistics
        }
    })
}

/// Appends the row of an interface; `name` is its name as it is to be shown.
pub fn write_interface(out: &mut Vec<u8>, interface: &Interface, name: &[u8]) {
    left(out, name.get(..NAME).unwrap_or(name), NAME);
    put(out, format_args!(" {:>5} ", interface.mtu));
    match shown_statistics(interface) {
        Some(statistics) => write_counters(out, &statistics),
        None => left(out, b"     - no statistics available -", COUNTERS),
    }
    write_flags(out, interface.flags);
    out.push(b'\n');
}

fn write_counters(out: &mut Vec<u8>, InterfaceStatistics { rx, tx }: &InterfaceStatistics) {
    right_u64(out, rx.packets, 8);
    for counter in [rx.errors, rx.dropped] {
        out.push(b' ');
        right_u64(out, counter, 6);
    }
    out.push(b' ');
    left_u64(out, rx.fifo, 6);
    out.push(b' ');
    right_u64(out, tx.packets, 8);
    for counter in [tx.errors, tx.dropped, tx.fifo] {
        out.push(b' ');
        right_u64(out, counter, 6);
    }
    out.push(b' ');
}

fn write_flags(out: &mut Vec<u8>, flags: InterfaceFlags) {
    if flags.0 == 0 {
        out.extend_from_slice(b"[NO FLAGS]");
    }
    let set = LETTERS.iter().filter(|&&(flag, _)| flags.has(flag));
    out.extend(set.map(|&(_, letter)| letter));
}

#[cfg(test)]
mod tests {
    use plumb_model::interface::{DeviceMap, Receive, Transmit};

    use super::*;

    fn interface(flags: u16, statistics: Option<InterfaceStatistics>) -> Interface {
        Interface {
            name: b"lo".to_vec(),
            flags: InterfaceFlags(flags),
            mtu: 65536,
            hardware: None,
            tx_queue_len: None,
            map: DeviceMap::default(),
            ipv4: None,
            statistics,
        }
    }

    fn text(interface: &Interface) -> String {
        let mut out = Vec::new();
        write_interface(&mut out, interface, &interface.name);
        String::from_utf8(out).expect("ASCII in, ASCII out")
    }

    #[test]
    fn the_overrun_column_alone_is_left_aligned() {
        let statistics = InterfaceStatistics {
            rx: Receive {
                packets: 2,
                errors: 3,
                dropped: 4,
                fifo: 5,
                ..Receive::default()
            },
            tx: Transmit {
                packets: 10,
                errors: 11,
                dropped: 12,
                fifo: 13,
                ..Transmit::default()
            },
        };
        assert_eq!(
            text(&interface(0x49, Some(statistics))),
            "lo              65536        2      3      4 5            10     11     12     13 LRU\n"
        );
    }

    #[test]
    fn a_name_that_fills_its_room_loses_its_counters_as_in_the_original() {
        let mut statistics = InterfaceStatistics::default();
        statistics.rx.packets = 5;
        let mut bridge = interface(1, Some(statistics));
        bridge.name = b"br-0123456789ab".to_vec();
        assert_eq!(
            shown_statistics(&bridge),
            Some(InterfaceStatistics::default())
        );
        bridge.name.pop();
        assert_eq!(shown_statistics(&bridge), Some(statistics));
    }

    #[test]
    fn a_label_has_no_statistics() {
        assert_eq!(
            text(&interface(0, None)),
            "lo              65536      - no statistics available -                        [NO FLAGS]\n"
        );
        assert!(text(&interface(0xffff, None)).ends_with(" ABDLMdPNOPsmRU\n"));
        assert!(text(&interface(0x4000, None)).ends_with("  \n"));
    }
}
