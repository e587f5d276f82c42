//! IP addresses as the C library writes them (`inet_ntop`), without its detour through a string.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Appends dotted-quad text.
pub fn write_ipv4(out: &mut Vec<u8>, addr: Ipv4Addr) {
    for (index, octet) in addr.octets().into_iter().enumerate() {
        if index > 0 {
            out.push(b'.');
        }
        if octet >= 100 {
            out.push(b'0' + octet / 100);
        }
        if octet >= 10 {
            out.push(b'0' + octet / 10 % 10);
        }
        out.push(b'0' + octet % 10);
    }
}

/// Appends the text of an IPv6 address in the C library's form: the first longest run of two or
/// more zero groups compressed, and IPv4 notation for IPv4-compatible and IPv4-mapped addresses.
pub fn write_ipv6(out: &mut Vec<u8>, addr: Ipv6Addr) {
    let groups = addr.segments();
    let zeros = longest_zero_run(&groups);
    let embeds_ipv4 =
        zeros.start == 0 && (zeros.len() == 6 || (zeros.len() == 5 && groups[5] == 0xffff));
    let mut index = 0;
    while index < groups.len() {
        if zeros.len() >= 2 && index == zeros.start {
            out.extend_from_slice(b"::");
            index = zeros.end;
            continue;
        }
        let behind_zeros = zeros.len() >= 2 && index == zeros.end;
        if index > 0 && !behind_zeros {
            out.push(b':');
        }
        if embeds_ipv4 && index == 6 {
            let [.., a, b, c, d] = addr.octets();
            return write_ipv4(out, Ipv4Addr::new(a, b, c, d));
        }
        write_hex_group(out, groups[index]);
        index += 1;
    }
}

fn longest_zero_run(groups: &[u16; 8]) -> std::ops::Range<usize> {
    let mut best = 0..0;
    let mut start = 0;
    for end in 0..=groups.len() {
        if groups.get(end).is_none_or(|&group| group != 0) {
            if end - start > best.len() {
                best = start..end;
            }
            start = end + 1;
        }
    }
    best
}

fn write_hex_group(out: &mut Vec<u8>, group: u16) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let digits = [group >> 12, group >> 8 & 15, group >> 4 & 15, group & 15];
    let first = digits.iter().position(|&d| d != 0).unwrap_or(3);
    out.extend(digits.iter().skip(first).map(|&d| HEX[usize::from(d)]));
}
