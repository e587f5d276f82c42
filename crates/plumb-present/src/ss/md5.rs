//! Keys of RFC 2385, which only CAP_NET_ADMIN sees: ` md5keys:ADDRESS/LENGTH=KEY,…`.
//!
//! Before 6.8 the key itself escapes the table: it is on standard output before anything else.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use plumb_model::diag::inet::Md5Key;

use super::address::write_host;
use super::lookup::Lookup;
use super::view::View;
use crate::text::put;

/// Appends the keys; in releases that let a key escape it goes to `escaped` instead.
pub fn write_md5_keys(
    out: &mut Vec<u8>,
    escaped: &mut Vec<u8>,
    keys: &[Md5Key<'_>],
    view: &View,
    lookup: &mut dyn Lookup,
) {
    for (index, key) in keys.iter().enumerate() {
        out.extend_from_slice(if index == 0 { b" md5keys:" } else { b"," });
        match key.family {
            2 => {
                let [a, b, c, d, ..] = key.address;
                write_host(out, IpAddr::V4(Ipv4Addr::new(a, b, c, d)), view, lookup);
            }
            10 => write_host(out, IpAddr::V6(Ipv6Addr::from(key.address)), view, lookup),
            _ => out.extend_from_slice(b"???"),
        }
        put(out, format_args!("/{}=", key.prefix_len));
        if view.release.since(6, 8) {
            write_key(out, key.key);
        } else {
            write_key(escaped, key.key);
        }
    }
}

/// Appends a key; what is not a visible character, or separates keys, is `\ooo`.
fn write_key(out: &mut Vec<u8>, key: &[u8]) {
    for &byte in key {
        if byte.is_ascii_graphic() && !matches!(byte, b',' | b'\\') {
            out.push(byte);
        } else {
            put(out, format_args!("\\{byte:03o}"));
        }
    }
}
