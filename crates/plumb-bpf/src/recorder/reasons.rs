//! This kernel's names of reasons. Their numbers move between kernels, so the names are read from its own
//! description of its types. A kernel without reasons for drops has the functions that dropped instead.

use plumb_model::btf::{Btf, Kind};

use super::places::Places;

/// Where the kernel describes its types.
const TYPES: &str = "/sys/kernel/btf/vmlinux";

/// Names by number.
#[derive(Debug, Default, Clone)]
pub struct Names {
    drops: Vec<(i64, String)>,
    resets: Vec<(i64, String)>,
    /// Functions that drop packets, where there are no reasons.
    pub(super) places: Places,
    /// The number of [`super::casts::FUNCTION`] among this kernel's types; `None` where it has none (below 6.2).
    pub(super) cast: Option<u32>,
}

impl Names {
    /// Gives the name of `enum skb_drop_reason`, without its prefix, as `NO_SOCKET`; below 5.17 the function
    /// of the kernel that dropped, as `tcp_v4_rcv`.
    pub fn drop_reason(&self, number: u32) -> Option<&str> {
        self.places
            .name(number)
            .or_else(|| find(&self.drops, number))
    }

    /// Gives the number of a reason of drops.
    pub fn drop_number(&self, name: &str) -> Option<u32> {
        let found = self.drops.iter().find(|(_, known)| known == name)?;
        u32::try_from(found.0).ok()
    }

    /// Gives the numbers of the reasons that this kernel has of those wanted, first, and zeroes behind them. Zeroes alone
    /// stand for every reason, so where it has none of them the first is a number that no reason has.
    pub(super) fn drop_numbers<const PLACES: usize>(&self, wanted: &[&str]) -> [u32; PLACES] {
        let mut known: Vec<u32> = wanted
            .iter()
            .filter_map(|name| self.drop_number(name))
            .collect();
        if known.is_empty() && !wanted.is_empty() {
            known.push(u32::MAX);
        }
        let mut numbers = [0; PLACES];
        for (place, number) in numbers.iter_mut().zip(known) {
            *place = number;
        }
        numbers
    }

    /// Gives the name of `enum sk_rst_reason`, without its prefix.
    pub fn reset_reason(&self, number: u32) -> Option<&str> {
        find(&self.resets, number)
    }
}

fn find(names: &[(i64, String)], number: u32) -> Option<&str> {
    let at = names.binary_search_by_key(&i64::from(number), |(value, _)| *value);
    at.ok()
        .and_then(|at| names.get(at))
        .map(|(_, name)| name.as_str())
}

/// Reads the names; without any where the kernel does not describe its types.
pub(super) fn read() -> Names {
    let Ok(bytes) = std::fs::read(TYPES) else {
        return Names::default();
    };
    let Some(types) = plumb_wire::btf::decode_btf(&bytes) else {
        return Names::default();
    };
    Names {
        drops: values(&types, b"skb_drop_reason", &["SKB_DROP_REASON_", "SKB_"]),
        resets: values(&types, b"sk_rst_reason", &["SK_RST_REASON_"]),
        places: Places::default(),
        cast: function(&types, super::casts::FUNCTION),
    }
}

fn function(types: &Btf, name: &[u8]) -> Option<u32> {
    let is_it = |found: &plumb_model::btf::Type| {
        found.kind == Kind::Other && types.name(found.name) == name
    };
    let place = types.types.iter().position(is_it)?;
    u32::try_from(place + 1).ok()
}

fn values(types: &Btf, name: &[u8], prefixes: &[&str]) -> Vec<(i64, String)> {
    let is_it = |kind: &&plumb_model::btf::Type| {
        matches!(kind.kind, Kind::Enum { .. }) && types.name(kind.name) == name
    };
    let Some(Kind::Enum { values, .. }) = types.types.iter().find(is_it).map(|found| &found.kind)
    else {
        return Vec::new();
    };
    let mut named: Vec<(i64, String)> = values
        .iter()
        .map(|value| {
            let name = String::from_utf8_lossy(types.name(value.name)).into_owned();
            let short = prefixes.iter().find_map(|prefix| name.strip_prefix(prefix));
            (value.value, short.unwrap_or(&name).to_owned())
        })
        .collect();
    named.sort();
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_without_the_reasons_that_are_wanted_tells_of_no_drop() {
        let names = Names {
            drops: vec![
                (6, "NO_SOCKET".to_owned()),
                (8, "NETFILTER_DROP".to_owned()),
            ],
            ..Names::default()
        };
        assert_eq!(names.drop_numbers(&[]), [0; 3]);
        assert_eq!(
            names.drop_numbers(&["IP_RPFILTER", "NETFILTER_DROP"]),
            [8, 0, 0]
        );
        assert_eq!(names.drop_numbers(&["IP_RPFILTER"]), [u32::MAX, 0, 0]);
    }
}
