//! Reads the interfaces of the current network namespace, labels included.
//!
//! Names come from `/proc/net/dev` and `SIOCGIFCONF`, everything else from one ioctl each. Between
//! the two an interface may vanish; then the list ends there and says so.

use std::cmp::Ordering;

use plumb_model::interface::{Interface, InterfaceStatistics, Ipv4Config, Ipv6Assignment};
use plumb_wire::proc::dev::decode_dev;
use plumb_wire::proc::if_inet6::decode_if_inet6;
use rustix::io::Errno;

use crate::proc;
use crate::sys::ioctl::{AddressKind, InterfaceSocket};

/// Where counters come from.
const DEV: &str = "/proc/net/dev";
/// Where IPv6 addresses come from.
const IF_INET6: &str = "/proc/net/if_inet6";

/// A name, with its counters if `/proc/net/dev` has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The name, raw bytes.
    pub name: Vec<u8>,
    /// Its counters.
    pub statistics: Option<InterfaceStatistics>,
}

/// The names of a namespace, in the order in which they are shown.
#[derive(Debug)]
pub struct Names {
    /// Interfaces and labels.
    pub all: Vec<Named>,
    /// Why `/proc/net/dev` could not be read: then only addressed interfaces are in `all`.
    pub without_counters: Option<Errno>,
    socket: InterfaceSocket,
}

impl Names {
    /// Reads all names. Fails when no socket can be opened, or addressed names cannot be listed.
    pub fn read() -> Result<Self, Errno> {
        let socket = InterfaceSocket::open()?;
        let (lines, without_counters) = match proc::read_file(DEV) {
            Ok(content) => (decode_dev(&content), None),
            // A directory can be opened and then gives nothing, as an empty file would.
            Err(Errno::ISDIR) => (Vec::new(), None),
            Err(errno) => (Vec::new(), Some(errno)),
        };
        let mut all: Vec<Named> = lines
            .into_iter()
            .map(|line| Named {
                name: line.name,
                statistics: Some(line.statistics),
            })
            .collect();
        for name in socket.addressed_names()? {
            if !all.iter().any(|known| known.name == name) {
                all.push(Named {
                    name,
                    statistics: None,
                });
            }
        }
        all.sort_by(|a, b| natural_order(&a.name, &b.name));
        Ok(Self {
            all,
            without_counters,
            socket,
        })
    }

    /// Asks the kernel about one of the names; fails when its flags cannot be had.
    pub fn interface(&self, named: &Named) -> Result<Interface, Errno> {
        let socket = &self.socket;
        let name = &named.name;
        Ok(Interface {
            name: name.clone(),
            flags: socket.flags(name)?,
            mtu: socket.mtu(name).unwrap_or(0),
            hardware: socket.hardware(name).ok(),
            tx_queue_len: socket.tx_queue_len(name).ok().filter(|&len| len != -1),
            map: socket.map(name).unwrap_or_default(),
            ipv4: self.ipv4(name),
            statistics: named.statistics,
        })
    }

    fn ipv4(&self, name: &[u8]) -> Option<Ipv4Config> {
        let ask = |kind| self.socket.address(name, kind).ok().flatten();
        Some(Ipv4Config {
            address: ask(AddressKind::Own)?,
            netmask: ask(AddressKind::Netmask),
            broadcast: ask(AddressKind::Broadcast),
            destination: ask(AddressKind::Destination),
        })
    }
}

/// Reads the IPv6 addresses of all interfaces; without IPv6 there are none.
pub fn read_ipv6() -> Vec<Ipv6Assignment> {
    proc::read_file(IF_INET6).map_or_else(|_| Vec::new(), |content| decode_if_inet6(&content))
}

/// Orders names as people count: `eth9` before `eth10`, `eth0` before `eth0:1` before `eth1`.
pub fn natural_order(a: &[u8], b: &[u8]) -> Ordering {
    let (a, b) = (NaturalKey::new(a), NaturalKey::new(b));
    let shared = a.letters.len().min(b.letters.len());
    a.letters
        .get(..shared)
        .cmp(&b.letters.get(..shared))
        .then(a.letters.len().cmp(&b.letters.len()))
        .then(a.number.cmp(&b.number))
        .then_with(|| a.base.cmp(b.base))
        .then(a.alias_number.cmp(&b.alias_number))
        .then_with(|| a.alias.cmp(b.alias))
}

/// A name taken apart: `eth10:3` is letters `eth`, number 10, base `eth10`, alias `3`.
struct NaturalKey<'a> {
    base: &'a [u8],
    letters: &'a [u8],
    number: u64,
    alias: &'a [u8],
    alias_number: Option<u64>,
}

impl<'a> NaturalKey<'a> {
    fn new(name: &'a [u8]) -> Self {
        let (base, alias) = match split_digits(name) {
            (head, digits) if !digits.is_empty() && head.ends_with(b":") => {
                (head.strip_suffix(b":").unwrap_or(head), digits)
            }
            _ => (name, &b""[..]),
        };
        let (letters, digits) = split_digits(base);
        Self {
            base,
            letters,
            number: value(digits),
            alias,
            alias_number: (!alias.is_empty()).then(|| value(alias)),
        }
    }
}

/// Splits the digits off the end of a name.
fn split_digits(name: &[u8]) -> (&[u8], &[u8]) {
    let head = name
        .iter()
        .rposition(|b| !b.is_ascii_digit())
        .map_or(0, |at| at + 1);
    name.split_at(head)
}

fn value(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |value: u64, digit| {
        value
            .saturating_mul(10)
            .saturating_add(u64::from(digit.saturating_sub(b'0')))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_as_people_count() {
        let sorted = [
            "br0", "br-long1", "eth0", "eth0:1", "eth0:2", "eth0:10", "eth1", "lo", "lo:alias",
            "tap9", "tap10",
        ];
        let mut names = sorted;
        names.reverse();
        names.sort_by(|a, b| natural_order(a.as_bytes(), b.as_bytes()));
        assert_eq!(names, sorted);
    }
}
