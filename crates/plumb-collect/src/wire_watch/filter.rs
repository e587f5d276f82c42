//! The filters of the watch, in classic BPF, from the IP header on: TCP with SYN or RST, ICMP and ICMPv6
//! errors, UDP to and from port 53, UDP for multicast groups; and selective acknowledgements that we send.

use super::PACKET_BYTES;
use crate::sys::packet_socket::Instruction;

/// Loads a byte, a half word, the length of the IPv4 header; the same behind that header.
const BYTE: u16 = 0x30;
const HALF: u16 = 0x28;
const HEADER: u16 = 0xb1;
const BYTE_BEHIND: u16 = 0x50;
const HALF_BEHIND: u16 = 0x48;
/// Shifts, compares, tests bits, returns.
const RIGHT: u16 = 0x74;
const EQUAL: u16 = 0x15;
const AT_LEAST: u16 = 0x35;
const BITS: u16 = 0x45;
const RETURN: u16 = 0x06;

/// Where the kernel's own word on a packet stands (`SKF_AD_OFF + SKF_AD_PKTTYPE`), and that we sent it.
const PACKET_TYPE: u32 = 0xffff_f004;
const OUTGOING: u32 = 4;
/// Words of a header with timestamps and one block of a selective acknowledgement; without timestamps its option comes
/// first, behind two bytes of padding.
const WITH_BLOCK: u32 = 11;
const SACK: u32 = 5;

/// Where to go after a question.
#[derive(Clone, Copy)]
enum Go {
    On,
    To(&'static str),
    Take,
    Drop,
}
use Go::{Drop, On, Take, To};

/// One line: its label, its operation with its operand, and where to go when a question is answered
/// with yes or with no.
type Line = (&'static str, u16, u32, Go, Go);

const LINES: &[Line] = &[
    ("", BYTE, 0, On, On),
    ("", RIGHT, 4, On, On),
    ("", EQUAL, 4, On, To("v6")),
    // Of fragments the first alone has a transport header.
    ("", HALF, 6, On, On),
    ("", BITS, 0x1fff, Drop, On),
    ("", HEADER, 0, On, On),
    ("", BYTE, 9, On, On),
    ("", EQUAL, 6, To("v4 tcp"), On),
    ("", EQUAL, 17, To("v4 udp"), On),
    ("", EQUAL, 1, On, Drop),
    ("", BYTE_BEHIND, 0, On, On),
    ("", EQUAL, 3, Take, On),
    ("", EQUAL, 11, Take, Drop),
    ("v4 tcp", BYTE_BEHIND, 13, On, On),
    ("", BITS, 0x06, Take, Drop),
    ("v4 udp", HALF_BEHIND, 0, On, On),
    ("", EQUAL, 53, Take, On),
    ("", HALF_BEHIND, 2, On, On),
    ("", EQUAL, 53, Take, On),
    ("", BYTE, 16, On, On),
    ("", RIGHT, 4, On, On),
    ("", EQUAL, 14, Take, Drop),
    // Extension headers are not followed.
    ("v6", EQUAL, 6, On, Drop),
    ("", BYTE, 6, On, On),
    ("", EQUAL, 6, To("v6 tcp"), On),
    ("", EQUAL, 17, To("v6 udp"), On),
    ("", EQUAL, 58, On, Drop),
    ("", BYTE, 40, On, On),
    ("", EQUAL, 1, Take, On),
    ("", EQUAL, 2, Take, On),
    ("", EQUAL, 3, Take, Drop),
    ("v6 tcp", BYTE, 53, On, On),
    ("", BITS, 0x06, Take, Drop),
    ("v6 udp", HALF, 40, On, On),
    ("", EQUAL, 53, Take, On),
    ("", HALF, 42, On, On),
    ("", EQUAL, 53, Take, On),
    ("", BYTE, 24, On, On),
    ("", EQUAL, 0xff, Take, Drop),
];

const GAPS: &[Line] = &[
    ("", BYTE, PACKET_TYPE, On, On),
    ("", EQUAL, OUTGOING, On, Drop),
    ("", BYTE, 0, On, On),
    ("", RIGHT, 4, On, On),
    ("", EQUAL, 4, On, To("v6")),
    ("", HALF, 6, On, On),
    ("", BITS, 0x1fff, Drop, On),
    ("", BYTE, 9, On, On),
    ("", EQUAL, 6, On, Drop),
    ("", HEADER, 0, On, On),
    ("", BYTE_BEHIND, 12, On, On),
    ("", RIGHT, 4, On, On),
    ("", AT_LEAST, WITH_BLOCK, Take, On),
    ("", BYTE_BEHIND, 22, On, On),
    ("", EQUAL, SACK, Take, Drop),
    ("v6", EQUAL, 6, On, Drop),
    ("", BYTE, 6, On, On),
    ("", EQUAL, 6, On, Drop),
    ("", BYTE, 52, On, On),
    ("", RIGHT, 4, On, On),
    ("", AT_LEAST, WITH_BLOCK, Take, On),
    ("", BYTE, 62, On, On),
    ("", EQUAL, SACK, Take, Drop),
];

/// Gives the filter for packets that tell of trouble.
pub(super) fn trouble() -> Vec<Instruction> {
    program(LINES)
}

/// Gives the filter for selective acknowledgements that we send, and little else.
pub(super) fn gaps() -> Vec<Instruction> {
    program(GAPS)
}

/// Assembles a filter; its last two instructions take and drop a packet.
fn program(lines: &[Line]) -> Vec<Instruction> {
    let take = u32::try_from(PACKET_BYTES).unwrap_or(u32::MAX);
    let jump = |from: usize, go: Go| {
        let target = match go {
            On => from + 1,
            To(label) => lines
                .iter()
                .position(|(known, ..)| *known == label)
                .expect("the label is in the table above"),
            Take => lines.len(),
            Drop => lines.len() + 1,
        };
        u8::try_from(target - from - 1).expect("the table is short")
    };
    let asks = |code: u16| matches!(code, EQUAL | AT_LEAST | BITS);
    let mut program: Vec<Instruction> = lines
        .iter()
        .enumerate()
        .map(|(place, &(_, code, k, yes, no))| Instruction {
            code,
            jt: if asks(code) { jump(place, yes) } else { 0 },
            jf: if asks(code) { jump(place, no) } else { 0 },
            k,
        })
        .collect();
    let verdict = |k| Instruction {
        code: RETURN,
        jt: 0,
        jf: 0,
        k,
    };
    program.extend([verdict(take), verdict(0)]);
    program
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a filter as the kernel would on a packet that leaves; gives whether it takes the packet.
    fn passes(program: &[Instruction], packet: &[u8]) -> bool {
        let (mut place, mut a, mut x) = (0, 0_u32, 0_usize);
        loop {
            let Instruction { code, jt, jf, k } = program[place];
            place += 1;
            let at = usize::try_from(k).expect("small");
            let byte = |at: usize| packet.get(at).copied().map(u32::from);
            let half = |at: usize| Some(byte(at)? << 8 | byte(at + 1)?);
            let loaded = match code {
                BYTE if k == PACKET_TYPE => Some(OUTGOING),
                BYTE => byte(at),
                HALF => half(at),
                BYTE_BEHIND => byte(x + at),
                HALF_BEHIND => half(x + at),
                _ => Some(a),
            };
            // The kernel drops what is too short.
            let Some(loaded) = loaded else { return false };
            a = loaded;
            match code {
                HEADER => x = usize::from(packet[at] & 0x0f) * 4,
                RIGHT => a >>= k,
                EQUAL => place += usize::from(if a == k { jt } else { jf }),
                AT_LEAST => place += usize::from(if a >= k { jt } else { jf }),
                BITS => place += usize::from(if a & k != 0 { jt } else { jf }),
                RETURN => return k > 0,
                _ => {}
            }
        }
    }

    fn takes(packet: &[u8]) -> bool {
        passes(&trouble(), packet)
    }

    fn v4(protocol: u8, destination: [u8; 4], payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, protocol, 0, 0, 10, 0, 0, 1];
        packet.extend(destination);
        packet.extend(payload);
        packet
    }

    #[test]
    fn selective_acknowledgements_pass_and_others_do_not() {
        let segment = |options: &[u8]| {
            let mut segment = vec![0; 12];
            let words = u8::try_from((20 + options.len()) / 4).expect("few");
            segment.extend([words << 4, 0x10, 1, 1, 0, 0, 0, 0]);
            segment.extend(options);
            segment
        };
        let stamp = [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 1];
        let block = [1, 1, 5, 10, 0, 0, 0, 1, 0, 0, 0, 2];
        let both = [stamp, block].concat();
        let v6 = |segment: &[u8]| {
            let mut packet = vec![0x60, 0, 0, 0, 0, 0, 6, 64];
            packet.extend([0; 32]);
            packet.extend(segment);
            packet
        };
        for (options, passing) in [(&both[..], true), (&block, true), (&stamp, false)] {
            let segment = segment(options);
            let to = [10, 0, 0, 2];
            assert_eq!(
                passes(&gaps(), &v4(6, to, &segment)),
                passing,
                "{options:?}"
            );
            assert_eq!(passes(&gaps(), &v6(&segment)), passing, "{options:?}");
            assert!(!passes(&gaps(), &v4(17, to, &segment)));
        }
        assert!(!passes(&gaps(), &v4(6, [10, 0, 0, 2], &segment(&[]))));
    }

    #[test]
    fn what_is_of_interest_passes_and_nothing_else() {
        let tcp = |flags| {
            let mut segment = [0; 20];
            segment[13] = flags;
            takes(&v4(6, [10, 0, 0, 2], &segment))
        };
        assert!(tcp(0x02) && tcp(0x12) && tcp(0x04) && !tcp(0x10) && !tcp(0x18));
        let udp = |port: [u8; 2], to| takes(&v4(17, to, &[9, 9, port[0], port[1], 0, 8, 0, 0]));
        assert!(udp([0, 53], [10, 0, 0, 2]) && !udp([0, 54], [10, 0, 0, 2]));
        assert!(udp([0, 54], [239, 1, 1, 1]));
        let icmp = |kind| takes(&v4(1, [10, 0, 0, 2], &[kind, 0, 0, 0]));
        assert!(icmp(3) && icmp(11) && !icmp(8) && !icmp(0));
        let mut fragment = v4(17, [239, 1, 1, 1], &[0; 8]);
        fragment[7] = 1;
        assert!(!takes(&fragment));
        let v6 = |next: u8, group: u8, payload: &[u8]| {
            let mut packet = vec![0x60, 0, 0, 0, 0, 0, next, 64];
            packet.extend([0; 16]);
            packet.extend([group; 16]);
            packet.extend(payload);
            takes(&packet)
        };
        assert!(v6(58, 1, &[1, 0]) && v6(58, 1, &[3, 0]) && !v6(58, 1, &[128, 0]));
        assert!(v6(17, 0xff, &[0, 9, 0, 9]) && !v6(17, 0x20, &[0, 9, 0, 9]));
        assert!(!takes(&[]) && !takes(&[0x45; 12]));
    }
}
