//! Addresses and ports of Internet sockets.

use std::net::IpAddr;

use plumb_model::diag::inet::{AF_INET, AF_INET6, DiagEndpoint, InetDiag};

use super::lookup::{Lookup, PortKind};
use super::view::View;
use crate::ip_text::{write_ipv4, write_ipv6};
use crate::text::{Decimal, put};

/// `AF_PACKET`: the one other family whose addresses have a text.
const AF_PACKET: u8 = 17;

/// Appends the name of an address with -r, else its text.
pub fn write_host(out: &mut Vec<u8>, ip: IpAddr, view: &View, lookup: &mut dyn Lookup) {
    if view.resolve {
        let asked = match ip {
            IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(ip, IpAddr::V4),
            IpAddr::V4(_) => ip,
        };
        if let Some(name) = lookup.host(asked) {
            return out.extend_from_slice(name);
        }
    }
    match ip {
        IpAddr::V4(v4) => write_ipv4(out, v4),
        IpAddr::V6(v6) => write_ipv6(out, v6),
    }
}

/// Appends the address of one end, in brackets when it has colons, without its delimiter.
#[inline]
pub fn write_address(
    out: &mut Vec<u8>,
    row: &InetDiag<'_>,
    end: &DiagEndpoint,
    view: &View,
    lookup: &mut dyn Lookup,
) {
    if row.family == AF_INET {
        return write_host(out, end.ip(AF_INET), view, lookup);
    }
    if end.octets == [0; 16] {
        let v6only =
            row.family == AF_INET6 && row.extensions.v6only.is_some_and(|v6only| v6only != 0);
        return out.extend_from_slice(if v6only { b"[::]" } else { b"*" });
    }
    let start = out.len();
    out.push(b'[');
    match row.family {
        AF_INET6 => write_host(out, end.ip(AF_INET6), view, lookup),
        AF_PACKET => {
            for (index, octet) in end.octets.iter().enumerate() {
                let colon = if index > 0 { ":" } else { "" };
                put(out, format_args!("{colon}{octet:02x}"));
            }
        }
        _ => out.extend_from_slice(b"???"),
    }
    if out.iter().skip(start).any(|&b| b == b':') {
        out.push(b']');
    } else {
        out.remove(start);
    }
}

/// Appends a port: its service without -n, `*` for none.
#[inline]
pub fn write_port(
    out: &mut Vec<u8>,
    kind: PortKind,
    port: u32,
    view: &View,
    lookup: &mut dyn Lookup,
) {
    if port == 0 {
        return out.push(b'*');
    }
    if !view.numeric
        && let Some(name) = lookup.port(kind, port)
    {
        return out.extend_from_slice(name);
    }
    out.extend_from_slice(Decimal::new(u64::from(port)).as_bytes());
}
