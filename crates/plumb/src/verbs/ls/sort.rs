//! The order of rows: by columns that were named, else one that people look for.

use std::cmp::Ordering;

use plumb_model::snapshot::End;

use super::columns::{Order, Spec};
use super::row::Row;

/// A key of `--sort`.
#[derive(Clone, Copy)]
pub struct Key {
    /// Place among the columns.
    column: usize,
    descending: bool,
}

/// Reads the words of `--sort`: column words, with `-` in front for the greatest first. `Err` is the first
/// that is none.
pub fn keys<'w>(words: &'w [String], columns: &[Spec<'_>]) -> Result<Vec<Key>, &'w str> {
    let key = |word: &'w String| {
        let (name, descending) = match word.strip_prefix('-') {
            Some(name) => (name, true),
            None => (word.as_str(), false),
        };
        let column = columns.iter().position(|spec| spec.column.key == name);
        let column = column.ok_or(word.as_str())?;
        Ok(Key { column, descending })
    };
    words.iter().map(key).collect()
}

impl Key {
    /// Gives the column it sorts by.
    pub fn spec<'c, 's>(&self, columns: &'c [Spec<'s>]) -> Option<&'c Spec<'s>> {
        columns.get(self.column)
    }
}

/// Sorts rows by the keys; equal ones, and all without keys, by kind, listeners first, by port and address.
pub fn sort<'s>(rows: &mut [Row<'s>], keys: &[Key], columns: &[Spec<'s>]) {
    rows.sort_by_cached_key(usual);
    let specs: Vec<(&Spec<'s>, bool)> = keys
        .iter()
        .filter_map(|key| Some((key.spec(columns)?, key.descending)))
        .collect();
    if specs.is_empty() {
        return;
    }
    rows.sort_by_cached_key(|row| {
        let orders = specs.iter();
        let ranked = orders.map(|(spec, descending)| Ranked {
            order: (spec.order)(row),
            descending: *descending,
        });
        ranked.collect::<Vec<_>>()
    });
}

/// A value and the direction it is sorted in.
#[derive(PartialEq, Eq)]
struct Ranked<'s> {
    order: Order<'s>,
    descending: bool,
}

impl Ord for Ranked<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let order = self.order.cmp(&other.order);
        let unknown = self.order == Order::Unknown || other.order == Order::Unknown;
        // What is not known stands last in either direction.
        if self.descending && !unknown {
            order.reverse()
        } else {
            order
        }
    }
}

impl PartialOrd for Ranked<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

type Usual = (plumb_model::snapshot::Kind, bool, u64, u128, u16, u64);

fn usual(row: &Row<'_>) -> Usual {
    let socket = row.socket;
    let (port, address) = match &socket.local {
        End::Inet(end) => (u64::from(end.port()), number(end.ip())),
        End::Unix { inode, .. } => (inode.0, 0),
        End::Netlink { protocol, port_id } => (
            u64::from(protocol.cast_unsigned()),
            u128::from(port_id.cast_unsigned()),
        ),
        End::Vsock { cid, port } => (u64::from(*port), u128::from(*cid)),
        End::Packet { protocol } => (u64::from(*protocol), 0),
        End::None => (0, 0),
    };
    let peer_port = socket.peer.port().unwrap_or(0);
    let cookie = socket.cookie.ok().map_or(0, |cookie| cookie.0);
    (
        socket.kind,
        !socket.is_listener(),
        port,
        address,
        peer_port,
        cookie,
    )
}

fn number(ip: std::net::IpAddr) -> u128 {
    match ip {
        std::net::IpAddr::V4(ip) => u128::from(ip.to_bits()),
        std::net::IpAddr::V6(ip) => ip.to_bits(),
    }
}
