//! The IPv6 tables of `netstat -r`.

use plumb_model::route::{Route6, RouteFlags};

use super::routes::signed;
use crate::text::{blanks, left, put};

/// Title of the route table.
pub const TITLE: &[u8] = b"Kernel IPv6 routing table\n";
/// Title of the route cache.
pub const CACHE_TITLE: &[u8] = b"Kernel IPv6 routing cache\n";
/// Column heads of both.
pub const HEADER: &[u8] =
    b"Destination                    Next Hop                   Flag Met Ref  Use If\n";
/// Title of the neighbour cache, which kernels of the 2.1 series had as a file.
pub const NEIGHBOUR_TITLE: &[u8] = b"Kernel IPv6 Neighbour Cache\n";
/// Column heads of the neighbour cache.
pub const NEIGHBOUR_HEADER: &[u8] = b"Neighbour                                   \
    HW Address        Iface    Flags Ref State\n";

/// Appends one row. The address texts are shown as they are, never cut; the prefix length is
/// added here.
pub fn write_route6(
    out: &mut Vec<u8>,
    route: &Route6,
    destination: &[u8],
    next_hop: &[u8],
    interface: &[u8],
) {
    let start = out.len();
    out.extend_from_slice(destination);
    put(out, format_args!("/{}", signed(route.prefix_length)));
    pad_from(out, start, 30);
    out.push(b' ');
    left(out, next_hop, 26);
    out.push(b' ');
    let start = out.len();
    write_flags6(out, route.common.flags);
    pad_from(out, start, 4);
    let (metric, references) = (signed(route.common.metric), signed(route.common.references));
    let uses = signed(route.common.uses);
    put(out, format_args!(" {metric:<3} {references:<1} {uses:>6} "));
    out.extend_from_slice(interface);
    out.push(b'\n');
}

fn pad_from(out: &mut Vec<u8>, start: usize, width: usize) {
    let len = out.len() - start;
    blanks(out, width.saturating_sub(len));
}

/// Letters of the flags, in print order.
const LETTERS: &[(RouteFlags, u8)] = &[
    (RouteFlags::UP, b'U'),
    (RouteFlags::REJECT, b'!'),
    (RouteFlags::GATEWAY, b'G'),
    (RouteFlags::HOST, b'H'),
    (RouteFlags::DEFAULT, b'D'),
    (RouteFlags::ADDRCONF, b'A'),
    (RouteFlags::CACHE, b'C'),
    (RouteFlags::ALL_ON_LINK, b'a'),
    (RouteFlags::EXPIRES, b'e'),
    (RouteFlags::MODIFIED, b'm'),
    (RouteFlags::NO_NEXT_HOP, b'n'),
    (RouteFlags::FLOW, b'f'),
];

/// Appends the flag letters of an IPv6 route.
pub fn write_flags6(out: &mut Vec<u8>, flags: RouteFlags) {
    out.extend(
        LETTERS
            .iter()
            .filter(|(flag, _)| flags.contains(*flag))
            .map(|(_, letter)| letter),
    );
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use plumb_model::route::RouteCommon;

    use super::*;

    #[test]
    fn rows_are_never_cut() {
        let route = Route6 {
            destination: Ipv6Addr::UNSPECIFIED,
            prefix_length: 0,
            next_hop: Ipv6Addr::UNSPECIFIED,
            common: RouteCommon {
                interface: b"lo".to_vec(),
                flags: RouteFlags(0x0020_0200),
                metric: u32::MAX,
                references: 1,
                uses: 0,
            },
        };
        let mut out = Vec::new();
        write_route6(&mut out, &route, b"::", b"::", b"lo");
        write_route6(&mut out, &route, &[b'a'; 32], b"b", b"lo");
        assert_eq!(
            String::from_utf8_lossy(&out),
            "::/0                           ::                         !n   -1  1      0 lo\n\
             aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/0 b                          !n   -1  1      0 lo\n"
        );
    }

    #[test]
    fn flags_have_the_letters_of_the_original() {
        let mut out = Vec::new();
        write_flags6(&mut out, RouteFlags(u32::MAX));
        assert_eq!(out, b"U!GHDACaemnf");
    }
}
