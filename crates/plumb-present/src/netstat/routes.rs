//! The IPv4 tables of `netstat -r`: routes, and the route cache of old kernels.
//!
//! How often -e was given picks one of three layouts, or none at all. Numbers are printed as the
//! signed 32-bit ones the original has, whatever the kernel meant.

use plumb_model::route::{CachedRoute4, Route4, RouteCommon, RouteFlags, RouteMetrics};

use crate::text::{blanks, left, put, right};

/// Address texts of the route table are cut to so many bytes; those of the cache are not.
const ADDRESS_BYTES: usize = 15;

/// The round-trip time of the cache is padded, because columns follow.
const CACHE_RTT_WIDTH: usize = 5;

/// The layout of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Only the title.
    Bare,
    /// Metric, references and uses.
    Use,
    /// Segment size, window and round-trip time.
    Tcp,
    /// Both.
    Everything,
}

impl Style {
    /// Gives the layout for the number of times -e was given.
    pub fn from_extend(count: u32) -> Self {
        match count {
            0 => Self::Tcp,
            1 => Self::Use,
            more => match more.wrapping_add(1) % 4 {
                0 => Self::Bare,
                1 => Self::Use,
                2 => Self::Tcp,
                _ => Self::Everything,
            },
        }
    }
}

/// The address columns as they are to be shown: numbers, or names.
#[derive(Debug, Clone, Copy)]
pub struct RouteTexts<'a> {
    /// Destination.
    pub destination: &'a [u8],
    /// Next hop; `-` is written in its place for a reject route.
    pub gateway: &'a [u8],
    /// Mask.
    pub mask: &'a [u8],
    /// Interface.
    pub interface: &'a [u8],
}

/// The address columns of a cache entry.
#[derive(Debug, Clone, Copy)]
pub struct CacheTexts<'a> {
    /// Source.
    pub source: &'a [u8],
    /// Destination.
    pub destination: &'a [u8],
    /// Next hop.
    pub gateway: &'a [u8],
    /// Specific destination.
    pub specific_destination: &'a [u8],
    /// Interface.
    pub interface: &'a [u8],
}

/// Title of the route table.
pub const TITLE: &[u8] = b"Kernel IP routing table\n";
/// Title of the route cache.
pub const CACHE_TITLE: &[u8] = b"Kernel IP routing cache\n";

/// Appends the column heads of the route table; none for [`Style::Bare`].
pub fn write_header(out: &mut Vec<u8>, style: Style) {
    let heads = match style {
        Style::Bare => return,
        Style::Use => "Flags Metric Ref    Use Iface",
        Style::Tcp => "Flags   MSS Window  irtt Iface",
        Style::Everything => "Flags Metric Ref    Use Iface    MSS   Window irtt",
    };
    put(
        out,
        format_args!("Destination     Gateway         Genmask         {heads}\n"),
    );
}

/// Appends the column heads of the route cache.
pub fn write_cache_header(out: &mut Vec<u8>, style: Style) {
    let heads = match style {
        Style::Bare => return,
        Style::Use => "Flags Metric Ref    Use Iface",
        Style::Tcp => "Flags   MSS Window  irtt Iface",
        Style::Everything => {
            "Flags Metric Ref    Use Iface    MSS   Window irtt  TOS HHRef HHUptod     SpecDst"
        }
    };
    put(
        out,
        format_args!("Source          Destination     Gateway         {heads}\n"),
    );
}

/// Appends the column heads of the route cache of Linux 2.0.
pub fn write_old_cache_header(out: &mut Vec<u8>, style: Style) {
    if style == Style::Everything {
        out.extend_from_slice(
            b"Source          Destination     Gateway         Flags Metric Ref    Use Iface    \
              MSS   Window irtt  HH  Arp\n",
        );
    } else {
        write_cache_header(out, style);
    }
}

/// Appends one row of the route table; nothing for [`Style::Bare`].
pub fn write_route(out: &mut Vec<u8>, route: &Route4, texts: RouteTexts<'_>, style: Style) {
    if style == Style::Bare {
        return;
    }
    let is_reject = route.common.flags.contains(RouteFlags::REJECT);
    let gateway = if is_reject { &b"-"[..] } else { texts.gateway };
    for text in [texts.destination, gateway, texts.mask] {
        left(
            out,
            text.get(..ADDRESS_BYTES).unwrap_or(text),
            ADDRESS_BYTES,
        );
        out.push(b' ');
    }
    let start = out.len();
    write_flags(out, route.common.flags);
    pad_from(out, start, 5);
    let (metric, uses) = (signed(route.common.metric), signed(route.common.uses));
    match (style, is_reject) {
        (Style::Tcp, true) => out.extend_from_slice(b"     - -          - -"),
        (Style::Use, true) => put(out, format_args!(" {metric:<6} -  {uses:>7} -")),
        (Style::Everything, true) => put(
            out,
            format_args!(" {metric:<6} -  {uses:>7} -        -     -      -"),
        ),
        (_, _) => write_numbers(
            out,
            &route.common,
            route.metrics,
            texts.interface,
            (style, 0),
        ),
    }
    out.push(b'\n');
}

/// Appends one row of the route cache.
pub fn write_cached_route(
    out: &mut Vec<u8>,
    entry: &CachedRoute4,
    texts: CacheTexts<'_>,
    style: Style,
) {
    if style == Style::Bare {
        return;
    }
    for text in [texts.source, texts.destination, texts.gateway] {
        left(out, text, ADDRESS_BYTES);
        out.push(b' ');
    }
    let start = out.len();
    write_cache_flags(out, entry.common.flags);
    pad_from(out, start, 5);
    let layout = (style, CACHE_RTT_WIDTH);
    write_numbers(out, &entry.common, entry.metrics, texts.interface, layout);
    if style == Style::Everything {
        let (tos, references) = (signed(entry.tos), signed(entry.header_references));
        let up_to_date = signed(entry.header_up_to_date);
        put(
            out,
            format_args!(" {tos:<3} {references:<3}   {up_to_date:<3} "),
        );
        right(out, texts.specific_destination, ADDRESS_BYTES);
    }
    out.push(b'\n');
}

/// Appends the columns behind the flags; the last one is padded to `rtt_width`.
fn write_numbers(
    out: &mut Vec<u8>,
    common: &RouteCommon,
    metrics: RouteMetrics,
    interface: &[u8],
    (style, rtt_width): (Style, usize),
) {
    let (metric, references) = (signed(common.metric), signed(common.references));
    let uses = signed(common.uses);
    let (mtu, window) = (signed(metrics.mtu_bytes), signed(metrics.window_bytes));
    let rtt = signed(metrics.initial_rtt_ms);
    match style {
        Style::Bare => {}
        Style::Tcp => {
            put(out, format_args!(" {mtu:>5} {window:<5} {rtt:>6} "));
            out.extend_from_slice(interface);
        }
        Style::Use => {
            put(out, format_args!(" {metric:<6} {references:<2} {uses:>7} "));
            out.extend_from_slice(interface);
        }
        Style::Everything => {
            put(out, format_args!(" {metric:<6} {references:<3} {uses:>6} "));
            left(out, interface.get(..6).unwrap_or(interface), 6);
            put(out, format_args!("   {mtu:<5} {window:<6} "));
            left(out, rtt.to_string().as_bytes(), rtt_width);
        }
    }
}

/// Reads a number as the original prints it.
pub(super) fn signed(value: u32) -> i32 {
    value.cast_signed()
}

fn pad_from(out: &mut Vec<u8>, start: usize, width: usize) {
    let len = out.len() - start;
    blanks(out, width.saturating_sub(len));
}

/// Letters of the flags of a route, in print order. `!` replaces what stands before it.
const LETTERS: &[(RouteFlags, u8)] = &[
    (RouteFlags::UP, b'U'),
    (RouteFlags::GATEWAY, b'G'),
    (RouteFlags::REJECT, b'!'),
    (RouteFlags::HOST, b'H'),
    (RouteFlags::REINSTATE, b'R'),
    (RouteFlags::DYNAMIC, b'D'),
    (RouteFlags::MODIFIED, b'M'),
    (RouteFlags::DEFAULT, b'd'),
    (RouteFlags::ALL_ON_LINK, b'a'),
    (RouteFlags::ADDRCONF, b'c'),
    (RouteFlags::NO_NEXT_HOP, b'o'),
    (RouteFlags::EXPIRES, b'e'),
    (RouteFlags::CACHE, b'c'),
    (RouteFlags::FLOW, b'f'),
    (RouteFlags::POLICY, b'p'),
    (RouteFlags::LOCAL, b'l'),
    (RouteFlags::MTU, b'u'),
    (RouteFlags::WINDOW, b'w'),
    (RouteFlags::IRTT, b'i'),
    (RouteFlags::NOT_CACHED, b'n'),
];

/// Appends the flag letters of a route.
pub fn write_flags(out: &mut Vec<u8>, flags: RouteFlags) {
    let start = out.len();
    for &(flag, letter) in LETTERS {
        if flags.contains(flag) {
            if letter == b'!' {
                out.truncate(start);
            }
            out.push(letter);
        }
    }
}

/// Letters of the flags of a cache entry (`RTF_*` below 0x10000, `RTCF_*` from there on), in print
/// order. `!` replaces what stands before it.
const CACHE_LETTERS: &[(u32, &[u8])] = &[
    (0x0000_0002, b"G"),
    (0x0000_0200, b"!"),
    (0x0000_0008, b"R"),
    (0x0000_0010, b"D"),
    (0x0000_0020, b"M"),
    (0x0000_0001, b"-"),
    (0x0000_0004, b"o"),
    (0x0001_0000, b"n"),
    (0x0002_0000, b"d"),
    (0x0008_0000, b"t"),
    (0x0020_0000, b"f"),
    (0x0040_0000, b"q"),
    (0x0080_0000, b"Ns"),
    (0x0100_0000, b"r"),
    (0x0400_0000, b"i"),
    (0x0800_0000, b"Nd"),
    (0x1000_0000, b"b"),
    (0x2000_0000, b"m"),
    (0x4000_0000, b"#"),
    (0x8000_0000, b"l"),
];

fn write_cache_flags(out: &mut Vec<u8>, flags: RouteFlags) {
    let start = out.len();
    for &(flag, letters) in CACHE_LETTERS {
        if flags.0 & flag != 0 {
            if letters == b"!" {
                out.truncate(start);
            }
            out.extend_from_slice(letters);
        }
    }
}

#[cfg(test)]
mod tests;
