//! `/proc/net/route`, `/proc/net/rt_cache` and `/proc/net/ipv6_route`.
//!
//! The original reads rows into variables that it never clears, so what a damaged row does not
//! give is what the row before gave. The decoders keep that memory; on a kernel's own output it
//! never shows.

use std::net::{Ipv4Addr, Ipv6Addr};

use plumb_model::route::{CachedRoute4, Route4, Route6, RouteCommon, RouteFlags, RouteMetrics};

use super::columns::{Column, HEADER_BYTES, HeaderError, Kind, Layout, ROW_BYTES, Value};
use crate::lines::{before_nul, pieces};
use crate::scan::{Scanner, low32};

/// Longest interface name taken.
const INTERFACE_BYTES: usize = 15;
/// Longest address word taken.
const ADDRESS_BYTES: usize = 127;
/// A row of `/proc/net/route` needs so many values: all but the round-trip time.
const ROUTE_VALUES: usize = 10;
/// A row of `/proc/net/rt_cache` needs so many: up to the type of service.
const CACHE_VALUES: usize = 12;

const fn word(name: &'static str, width: usize) -> Column {
    Column {
        name,
        kind: Kind::Word(width),
    }
}

const fn decimal(name: &'static str) -> Column {
    Column {
        name,
        kind: Kind::Decimal,
    }
}

const FLAGS: Column = Column {
    name: "Flags",
    kind: Kind::Hex,
};

const ROUTE_COLUMNS: &[Column] = &[
    word("Iface", INTERFACE_BYTES),
    word("Destination", ADDRESS_BYTES),
    word("Gateway", ADDRESS_BYTES),
    FLAGS,
    decimal("RefCnt"),
    decimal("Use"),
    decimal("Metric"),
    word("Mask", ADDRESS_BYTES),
    decimal("MTU"),
    decimal("Window"),
    decimal("IRTT"),
];

const CACHE_COLUMNS: &[Column] = &[
    word("Iface", INTERFACE_BYTES),
    word("Destination", ADDRESS_BYTES),
    word("Gateway", ADDRESS_BYTES),
    FLAGS,
    decimal("RefCnt"),
    decimal("Use"),
    decimal("Metric"),
    word("Source", ADDRESS_BYTES),
    decimal("MTU"),
    decimal("Window"),
    decimal("IRTT"),
    decimal("TOS"),
    decimal("HHRef"),
    decimal("HHUptod"),
    word("SpecDst", ADDRESS_BYTES),
];

/// The columns of Linux 2.0: those of today up to the round-trip time, and two more.
const OLD_CACHE_COLUMNS: [Column; 2] = [decimal("HH"), decimal("ARP")];

/// What the decoder of `/proc/net/route` remembers from row to row, and from listing to listing.
#[derive(Debug, Clone)]
pub struct RouteMemory {
    destination: Ipv4Addr,
    gateway: Ipv4Addr,
    mask: Ipv4Addr,
    initial_rtt_ms: u32,
}

impl Default for RouteMemory {
    fn default() -> Self {
        Self {
            destination: Ipv4Addr::UNSPECIFIED,
            gateway: Ipv4Addr::UNSPECIFIED,
            mask: Ipv4Addr::UNSPECIFIED,
            initial_rtt_ms: 0,
        }
    }
}

/// Decodes `/proc/net/route`: the usable routes of the main table.
pub fn decode_routes(text: &[u8], memory: &mut RouteMemory) -> Result<Vec<Route4>, HeaderError> {
    let (header, rows) = split_header(text);
    let layout = Layout::from_header(header, ROUTE_COLUMNS)?;
    Ok(pieces(rows, ROW_BYTES)
        .filter_map(|row| decode_route(&layout.values(row), memory))
        .collect())
}

fn decode_route(values: &[Value<'_>], memory: &mut RouteMemory) -> Option<Route4> {
    if let Some(rtt) = values.get(ROUTE_VALUES) {
        memory.initial_rtt_ms = number(*rtt);
    }
    let common = common(values)?;
    if values.len() < ROUTE_VALUES || !common.flags.contains(RouteFlags::UP) {
        return None;
    }
    let address = |index: usize, last: &mut Ipv4Addr| {
        if let Some(addr) = values.get(index).copied().and_then(ipv4) {
            *last = addr;
        }
        *last
    };
    Some(Route4 {
        destination: address(1, &mut memory.destination),
        gateway: address(2, &mut memory.gateway),
        mask: address(7, &mut memory.mask),
        common,
        metrics: RouteMetrics {
            mtu_bytes: number(*values.get(8)?),
            window_bytes: number(*values.get(9)?),
            initial_rtt_ms: memory.initial_rtt_ms,
        },
    })
}

/// The layouts of `/proc/net/rt_cache` that kernels have had, told by the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheLayout {
    /// Up to the last kernels with a cache.
    Current,
    /// Linux 2.0: with columns `HH` and `ARP`.
    Old,
    /// Neither.
    Unknown,
}

/// What a header of `/proc/net/rt_cache` gives away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheHeader {
    /// Bit mask of the tell-tale heads found, from bit 0 on: `IRTT`, `TOS`, `HHRef`, `HHUptod`,
    /// `SpecDst`, `HH`, `ARP`.
    pub found: u8,
    /// The layout read from then on.
    pub layout: CacheLayout,
    /// The header is exactly one of the known ones.
    pub is_exact: bool,
}

/// Looks at the header of `/proc/net/rt_cache`; `None` for an empty file.
pub fn inspect_cache_header(text: &[u8]) -> Option<CacheHeader> {
    const HEADS: [&[u8]; 7] = [
        b"IRTT", b"TOS", b"HHRef", b"HHUptod", b"SpecDst", b"HH", b"ARP",
    ];
    if text.is_empty() {
        return None;
    }
    let header = before_nul(split_header(text).0);
    let mut found = 0;
    for (bit, head) in HEADS.into_iter().enumerate() {
        if header.windows(head.len()).any(|window| window == head) {
            found |= 1 << bit;
        }
    }
    Some(CacheHeader {
        found,
        layout: match found {
            2 | 63 => CacheLayout::Current,
            1 | 97 => CacheLayout::Old,
            _ => CacheLayout::Unknown,
        },
        is_exact: matches!(found, 63 | 97),
    })
}

/// Decodes `/proc/net/rt_cache` of the current layout.
pub fn decode_route_cache(text: &[u8]) -> Result<Vec<CachedRoute4>, HeaderError> {
    let (header, rows) = split_header(text);
    let layout = Layout::from_header(header, CACHE_COLUMNS)?;
    let mut memory = CacheMemory {
        address: Ipv4Addr::UNSPECIFIED,
        header_references: 0,
        header_up_to_date: 0,
    };
    Ok(pieces(rows, ROW_BYTES)
        .filter_map(|row| decode_cached_route(&layout.values(row), &mut memory))
        .collect())
}

/// Checks the header of a `/proc/net/rt_cache` of Linux 2.0, whose rows are not decoded.
pub fn check_old_cache_header(text: &[u8]) -> Result<(), HeaderError> {
    let shared = CACHE_COLUMNS
        .iter()
        .take_while(|column| column.name != "TOS");
    let wanted: Vec<Column> = shared.chain(&OLD_CACHE_COLUMNS).copied().collect();
    Layout::from_header(split_header(text).0, &wanted).map(drop)
}

/// What is remembered from row to row of the cache; all addresses share one variable.
struct CacheMemory {
    address: Ipv4Addr,
    header_references: u32,
    header_up_to_date: u32,
}

fn decode_cached_route(values: &[Value<'_>], memory: &mut CacheMemory) -> Option<CachedRoute4> {
    if let Some(references) = values.get(12) {
        memory.header_references = number(*references);
    }
    if let Some(up_to_date) = values.get(13) {
        memory.header_up_to_date = number(*up_to_date);
    }
    if values.len() < CACHE_VALUES {
        return None;
    }
    let mut address = |index: usize| {
        if let Some(addr) = values.get(index).copied().and_then(ipv4) {
            memory.address = addr;
        }
        memory.address
    };
    Some(CachedRoute4 {
        destination: address(1),
        gateway: address(2),
        source: address(7),
        specific_destination: address(14),
        common: common(values)?,
        metrics: RouteMetrics {
            mtu_bytes: number(*values.get(8)?),
            window_bytes: number(*values.get(9)?),
            initial_rtt_ms: number(*values.get(10)?),
        },
        tos: number(*values.get(11)?),
        header_references: memory.header_references,
        header_up_to_date: memory.header_up_to_date,
    })
}

/// Splits off the header line, as much of it as counts; what is left of a longer one is a row.
fn split_header(text: &[u8]) -> (&[u8], &[u8]) {
    let header = pieces(text, HEADER_BYTES).next().unwrap_or_default();
    (header, text.get(header.len()..).unwrap_or_default())
}

/// Reads the columns that both IPv4 tables begin with.
fn common(values: &[Value<'_>]) -> Option<RouteCommon> {
    let Value::Word(interface) = values.first()? else {
        return None;
    };
    Some(RouteCommon {
        interface: interface.to_vec(),
        flags: RouteFlags(number(*values.get(3)?)),
        references: number(*values.get(4)?),
        uses: number(*values.get(5)?),
        metric: number(*values.get(6)?),
    })
}

fn number(value: Value<'_>) -> u32 {
    match value {
        Value::Number(number) => number,
        Value::Word(_) => 0,
    }
}

/// Reads an address written as eight hexadecimal digits, the first byte last.
fn ipv4(value: Value<'_>) -> Option<Ipv4Addr> {
    let Value::Word(word) = value else {
        return None;
    };
    let digits = word
        .get(..8)
        .filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
    let bits = Scanner::new(digits).hex()?;
    Some(Ipv4Addr::from(low32(bits).swap_bytes()))
}

/// The two tables that share `/proc/net/ipv6_route`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table6 {
    /// Routes.
    Routes,
    /// Entries of the route cache, of kernels before 4.2.
    Cache,
}

/// Decodes one table of `/proc/net/ipv6_route`; every line is a row, whatever is in it.
pub fn decode_routes6(text: &[u8], table: Table6) -> Vec<Route6> {
    let mut memory = Memory6::default();
    pieces(text, ROW_BYTES)
        .filter_map(|row| {
            // A row may end anywhere; what was read so far counts.
            let _ = memory.read(&mut Scanner::new(row));
            let is_cached = memory.common.flags.contains(RouteFlags::CACHE);
            (is_cached == (table == Table6::Cache)).then(|| memory.route())
        })
        .collect()
}

/// The groups of an address as the row has them, four digits each.
type Groups = [Vec<u8>; 8];

/// The variables that a row of `/proc/net/ipv6_route` is read into.
#[derive(Debug, Default)]
struct Memory6 {
    destination_groups: Groups,
    destination: Option<Ipv6Addr>,
    prefix_length: u32,
    next_hop_groups: Groups,
    next_hop: Option<Ipv6Addr>,
    common: RouteCommon,
}

impl Memory6 {
    fn read(&mut self, row: &mut Scanner<'_>) -> Option<()> {
        read_groups(row, &mut self.destination_groups)?;
        self.prefix_length = hex(row, 2)?;
        // The source prefix is not shown.
        read_groups(row, &mut Groups::default())?;
        hex(row, 2)?;
        read_groups(row, &mut self.next_hop_groups)?;
        self.common.metric = hex(row, 8)?;
        self.common.references = hex(row, 8)?;
        self.common.uses = hex(row, 8)?;
        self.common.flags = RouteFlags(hex(row, 8)?);
        self.common.interface = row.word(INTERFACE_BYTES)?.to_vec();
        Some(())
    }

    fn route(&mut self) -> Route6 {
        self.destination = ipv6(&self.destination_groups).or(self.destination);
        self.next_hop = ipv6(&self.next_hop_groups).or(self.next_hop);
        Route6 {
            destination: self.destination.unwrap_or(Ipv6Addr::UNSPECIFIED),
            prefix_length: self.prefix_length,
            next_hop: self.next_hop.unwrap_or(Ipv6Addr::UNSPECIFIED),
            common: self.common.clone(),
        }
    }
}

fn read_groups(row: &mut Scanner<'_>, groups: &mut Groups) -> Option<()> {
    for group in groups {
        *group = row.word(4)?.to_vec();
    }
    Some(())
}

/// `%8x` and `%2x`: a hexadecimal number of at most `width` bytes, sign and `0x` included.
fn hex(row: &mut Scanner<'_>, width: usize) -> Option<u32> {
    row.skip_space();
    let field = row.rest().get(..width).unwrap_or(row.rest());
    let mut field_scanner = Scanner::new(field);
    let value = field_scanner.hex()?;
    let used = field.len() - field_scanner.rest().len();
    row.take_while(used, |_| true)?;
    Some(low32(value))
}

fn ipv6(groups: &Groups) -> Option<Ipv6Addr> {
    let text = groups.join(&b':');
    std::str::from_utf8(&text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests;
