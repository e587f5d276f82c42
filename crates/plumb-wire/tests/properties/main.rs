//! Properties of the decoders: no input ends the program (`survival`), and what the kernel would have
//! written of a value (`kernel`) decodes to that value. `survival` also makes the damaged input.

mod kernel;
mod survival;

use plumb_model::Inode;
use plumb_model::memory::SocketMemory;
use plumb_model::socket::InetProtocol;
use plumb_wire::lines::{before_nul, pieces};
use plumb_wire::netlink::frame::{Frame, Frames, attributes};
use plumb_wire::netlink::inet_diag::{decode_inet_diag, find_attribute};
use plumb_wire::netlink::skmeminfo::decode_skmeminfo;
use plumb_wire::proc::inet::InetRows;
use plumb_wire::proc::process::{decode_number_name, decode_socket_link};
use plumb_wire::scan::Scanner;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use kernel::{attribute, diag_message, diag_sockets, message, proc_line, proc_sockets};
use survival::any_bytes;

const PROTOCOLS: [InetProtocol; 4] = [
    InetProtocol::Tcp,
    InetProtocol::Udp,
    InetProtocol::UdpLite,
    InetProtocol::Raw,
];

/// Messages of any kind, each with what it has to be split into; 2 and 3 are errors and ends.
fn messages() -> impl Strategy<Value = Vec<(u16, bool, Vec<u8>)>> {
    let kinds = prop_oneof![4 => 16..=u16::MAX, 1 => Just(2), 1 => Just(3)];
    vec((kinds, any::<bool>(), vec(any::<u8>(), 4..90)), 0..12)
}

fn expected(kind: u16, interrupted: bool, payload: &[u8]) -> Frame<'_> {
    let number = payload.first_chunk().copied().map_or(0, i32::from_ne_bytes);
    match kind {
        3 if number >= 0 => Frame::Done,
        2 | 3 => Frame::Error(number.saturating_neg()),
        _ => Frame::Data {
            kind,
            interrupted,
            payload,
        },
    }
}

fn config() -> ProptestConfig {
    ProptestConfig {
        // A failure prints its input; a file of seeds beside the sources adds nothing.
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn lines_lose_nothing(bytes in any_bytes(), longest in 1_usize..60) {
        let all: Vec<&[u8]> = pieces(&bytes, longest).collect();
        for piece in &all {
            prop_assert!((1..=longest).contains(&piece.len()));
            let before_last = piece.split_last().map_or(&[][..], |(_, rest)| rest);
            prop_assert!(!before_last.contains(&b'\n'));
            prop_assert!(!before_nul(piece).contains(&0));
        }
        prop_assert_eq!(all.concat(), bytes);
    }

    #[test]
    fn numbers_are_read_as_rust_reads_them(
        unsigned in any::<u64>(),
        signed in any::<i64>(),
        blanks in "[ \t]{0,3}",
    ) {
        let decimal = format!("{blanks}{unsigned} x");
        let mut scanner = Scanner::new(decimal.as_bytes());
        prop_assert_eq!(scanner.decimal(), decimal.split_whitespace().next().and_then(|d| d.parse().ok()));
        prop_assert_eq!(scanner.rest(), b" x");
        let signed_text = format!("{blanks}{signed}:");
        let mut scanner = Scanner::new(signed_text.as_bytes());
        prop_assert_eq!(scanner.signed(), Some(signed));
        prop_assert_eq!(scanner.rest(), b":");
        for hex in [format!("{blanks}{unsigned:X}\n"), format!("{blanks}{unsigned:#018x}\n")] {
            let mut scanner = Scanner::new(hex.as_bytes());
            prop_assert_eq!(scanner.hex(), Some(unsigned));
            prop_assert_eq!(scanner.rest(), b"\n");
        }
    }

    #[test]
    fn numbers_out_of_range_are_the_largest(digits in "[1-9][0-9]{20,40}") {
        prop_assert_eq!(Scanner::new(digits.as_bytes()).decimal(), Some(u64::MAX));
        prop_assert_eq!(Scanner::new(digits.as_bytes()).signed(), Some(i64::MAX));
        let negative = format!("-{digits}");
        prop_assert_eq!(Scanner::new(negative.as_bytes()).signed(), Some(i64::MIN));
        prop_assert_eq!(Scanner::new(digits.as_bytes()).hex(), Some(u64::MAX));
    }

    #[test]
    fn rows_of_proc_decode_to_their_sockets(sockets in vec(proc_sockets(), 1..6)) {
        for protocol in PROTOCOLS {
            let mut rows = InetRows::new(protocol);
            for (slot, socket) in (0..).zip(&sockets) {
                let line = proc_line(slot, socket);
                prop_assert_eq!(rows.decode(line.as_bytes()), Some(*socket), "{}", line);
            }
        }
    }

    #[test]
    fn rows_of_proc_do_not_depend_on_the_row_before(
        before in any_bytes(),
        socket in proc_sockets(),
    ) {
        let mut rows = InetRows::new(InetProtocol::Tcp);
        for line in before.split(|&b| b == b'\n') {
            let _ = rows.decode(line);
        }
        prop_assert_eq!(rows.decode(proc_line(0, &socket).as_bytes()), Some(socket));
    }

    #[test]
    fn messages_of_sock_diag_decode_to_their_sockets(
        socket in diag_sockets(),
        limit in any::<u32>(),
        left_ms in 0..10_u32,
    ) {
        let bytes = diag_message(&socket, limit, left_ms);
        prop_assert_eq!(decode_inet_diag(&bytes), Some(socket));
        prop_assert_eq!(find_attribute(&bytes, 5), Some(&b"cubic\0"[..]));
        prop_assert_eq!(decode_inet_diag(&bytes[..71]), None);
    }

    #[test]
    fn datagrams_split_into_their_messages(messages in messages(), cut in any::<Index>()) {
        let mut datagram = Vec::new();
        for (kind, interrupted, payload) in &messages {
            datagram.extend(message(*kind, *interrupted, payload));
        }
        let wanted: Vec<Frame<'_>> = messages.iter().map(|(k, i, p)| expected(*k, *i, p)).collect();
        let frames: Vec<Frame<'_>> = Frames::new(&datagram).collect();
        prop_assert_eq!(&frames, &wanted);
        // A datagram that was cut gives its first messages, and says that it is broken.
        let mut part: Vec<Frame<'_>> = Frames::new(&datagram[..cut.index(datagram.len() + 1)]).collect();
        part.pop_if(|last| *last == Frame::Malformed);
        prop_assert!(wanted.starts_with(&part));
    }

    #[test]
    fn attributes_split_as_they_were_joined(
        all in vec((0..0x4000_u16, vec(any::<u8>(), 0..40)), 0..10),
    ) {
        let bytes: Vec<u8> = all.iter().flat_map(|(kind, payload)| attribute(*kind, payload)).collect();
        let found: Vec<(u16, Vec<u8>)> =
            attributes(&bytes).map(|(kind, payload)| (kind, payload.to_vec())).collect();
        prop_assert_eq!(found, all);
    }

    #[test]
    fn memory_counters_keep_their_places(words in any::<[u32; 9]>(), longer in vec(any::<u8>(), 0..9)) {
        let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        bytes.extend(longer);
        let [rmem_alloc_bytes, rcvbuf_bytes, wmem_alloc_bytes, sndbuf_bytes, forward, ..] = words;
        let [.., wmem_queued_bytes, optmem_bytes, backlog_bytes, drops] = words;
        let wanted = SocketMemory {
            rmem_alloc_bytes,
            rcvbuf_bytes,
            wmem_alloc_bytes,
            sndbuf_bytes,
            forward_alloc_bytes: forward.cast_signed(),
            wmem_queued_bytes,
            optmem_bytes,
            backlog_bytes,
            drops,
        };
        prop_assert_eq!(decode_skmeminfo(&bytes), Some(wanted));
    }

    #[test]
    fn links_to_sockets_give_their_inode(inode in 10_u64..u64::MAX) {
        let link = format!("socket:[{inode}]");
        prop_assert_eq!(decode_socket_link(link.as_bytes()), Some(Inode(inode)));
    }

    #[test]
    fn names_of_folders_are_numbers_or_not(number in any::<u32>(), other in "[0-9]*[a-z][0-9]*") {
        prop_assert_eq!(decode_number_name(number.to_string().as_bytes()), Some(number));
        prop_assert_eq!(decode_number_name(other.as_bytes()), None);
    }
}
