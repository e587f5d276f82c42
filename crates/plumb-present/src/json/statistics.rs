//! JSON rows of the kernel's counters: array `statistics`.

use plumb_model::counter::{Counter, CounterBlock};
use serde::Serialize;

use super::{Netns, text};

/// One counter.
#[derive(Debug, Clone, Serialize)]
pub struct StatisticRow {
    /// The namespace; present only when several are shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub netns: Option<Netns>,
    /// The block: `Tcp`, `TcpExt`, `Ip6` and so on.
    pub protocol: String,
    /// The counter, without the block's name in front.
    pub name: String,
    /// The value; null where the kernel gives none.
    pub value: Option<u64>,
    /// Why `value` is null.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_unknown: Option<&'static str>,
}

impl StatisticRow {
    /// Builds the row of one counter of `block`.
    pub fn from_counter(netns: Option<Netns>, block: &CounterBlock, counter: &Counter) -> Self {
        // The kernel writes -1 where it keeps no limit on connections (RFC 4022).
        let is_unlimited =
            block.name == b"Tcp" && counter.name == b"MaxConn" && counter.value == u64::MAX;
        Self {
            netns,
            protocol: text(&block.name),
            name: text(short_name(block, counter)),
            value: (!is_unlimited).then_some(counter.value),
            value_unknown: is_unlimited.then_some("no-limit"),
        }
    }
}

/// Strips the block's name, which `snmp6` and `sctp/snmp` repeat in every counter.
fn short_name<'a>(block: &CounterBlock, counter: &'a Counter) -> &'a [u8] {
    counter
        .name
        .strip_prefix(&*block.name)
        .filter(|rest| !rest.is_empty())
        .unwrap_or(&counter.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(block: &str, counter: &str, value: u64) -> String {
        let block = CounterBlock {
            name: block.into(),
            counters: Vec::new(),
        };
        let counter = Counter {
            name: counter.into(),
            value,
        };
        let row = StatisticRow::from_counter(None, &block, &counter);
        serde_json::to_string(&row).expect("rows serialise")
    }

    #[test]
    fn names_lose_the_protocol_in_front() {
        assert_eq!(
            row("TcpExt", "ListenOverflows", 3),
            r#"{"protocol":"TcpExt","name":"ListenOverflows","value":3}"#
        );
        assert_eq!(
            row("Ip6", "Ip6InReceives", u64::MAX),
            r#"{"protocol":"Ip6","name":"InReceives","value":18446744073709551615}"#
        );
    }

    #[test]
    fn an_absent_limit_is_null() {
        assert_eq!(
            row("Tcp", "MaxConn", u64::MAX),
            r#"{"protocol":"Tcp","name":"MaxConn","value":null,"value_unknown":"no-limit"}"#
        );
    }
}
