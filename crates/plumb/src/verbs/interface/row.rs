//! An interface as a row: what it carried, lost and holds back between two readings.

mod columns;
mod nature;
mod qdisc;

use std::collections::BTreeMap;

use plumb_analyze::traffic::{Cause, Loss, Span, causes, share};
use plumb_model::Known;
use plumb_model::link::Link;
use plumb_present::json;
use serde::Serialize;
use serde_json::{Value, json};

pub use self::columns::COLUMNS;
use self::nature::Nature;
use self::qdisc::qdisc;
use super::read::Namespace;

/// A total, and how much of it came between two readings.
#[derive(Debug, Clone, Copy, Default, Serialize)]
struct Sum {
    total: u64,
    delta: Option<u64>,
}

/// Rates between two readings; `null` with one, for a new interface, and where counters were set back.
#[derive(Debug, Clone, Copy, Serialize)]
struct Rates {
    rx_bytes_per_s: Option<f64>,
    tx_bytes_per_s: Option<f64>,
    rx_packets_per_s: Option<f64>,
    tx_packets_per_s: Option<f64>,
    rx_share: Option<f64>,
    tx_share: Option<f64>,
}

/// One interface.
#[derive(Debug, Serialize)]
pub struct Row {
    netns: Option<String>,
    index: u32,
    name: String,
    renamed_from: Option<String>,
    #[serde(flatten)]
    nature: Nature,
    #[serde(flatten)]
    rates: Rates,
    drops: Sum,
    errors: Sum,
    queue_packets: Option<u64>,
    queue_bytes: Option<u64>,
    causes: Vec<Value>,
    qdiscs: Vec<Value>,
    counters: BTreeMap<String, u64>,
    driver: BTreeMap<String, u64>,
    /// Bars of the last rates, received and sent.
    #[serde(skip)]
    pub bars: [String; 2],
    #[serde(skip)]
    found: Vec<Cause>,
}

impl Row {
    /// Says which name it had before, where that has just changed.
    pub fn renamed(&self) -> Option<String> {
        let before = self.renamed_from.as_ref()?;
        Some(format!("{} was {before} before", self.name))
    }

    /// Makes the row of an interface.
    pub fn new(namespace: &Namespace, span: Span<'_>, link: &Link) -> Self {
        let nature = Nature::new(span, link);
        let found = causes(span, link);
        let qdiscs: Vec<_> = span
            .after
            .qdiscs
            .iter()
            .filter(|qdisc| qdisc.index == link.base.index)
            .collect();
        // What is sent waits in the outermost discipline, which counts what those inside it hold.
        let outermost = qdiscs.iter().filter(|qdisc| qdisc.is_outermost());
        let waiting: Vec<_> = outermost
            .filter_map(|qdisc| qdisc.statistics.ok())
            .collect();
        let sum = |of: fn(&plumb_model::traffic::QdiscStatistics) -> u64| {
            (!waiting.is_empty()).then(|| waiting.iter().map(of).sum())
        };
        let driver = span
            .after
            .drivers
            .iter()
            .find(|driver| driver.index == link.base.index);
        Self {
            netns: namespace.label.clone(),
            index: link.base.index,
            name: json::text(&link.base.name),
            renamed_from: span.renamed_from(link).map(json::text),
            rates: Rates::new(span, link, nature.speed_mbit_s),
            nature,
            drops: total(&found, Loss::Drop, span),
            errors: total(&found, Loss::Error, span),
            queue_packets: sum(|statistics| statistics.queue_packets),
            queue_bytes: sum(|statistics| statistics.queue_bytes),
            causes: found.iter().map(cause).collect(),
            qdiscs: qdiscs.into_iter().map(qdisc).collect(),
            counters: match &link.statistics {
                Known::Known(statistics) => statistics.named().collect(),
                Known::Unknown(_) => BTreeMap::new(),
            },
            driver: driver.map_or_else(BTreeMap::new, |driver| by_name(&driver.numbers)),
            bars: [String::new(), String::new()],
            found,
        }
    }

    /// Gives what it is remembered by.
    pub fn key(&self) -> (Option<String>, u32) {
        (self.netns.clone(), self.index)
    }

    /// Gives received and sent bytes per second.
    pub fn rates(&self) -> [Option<f64>; 2] {
        [self.rates.rx_bytes_per_s, self.rates.tx_bytes_per_s]
    }

    /// Gives the bytes per second that the link can carry.
    pub fn full_rate(&self) -> Option<f64> {
        let mbit_s = self.nature.speed_mbit_s?;
        Some(f64::from(mbit_s) * 1e6 / 8.0)
    }

    /// Tells what was lost and why, a line for each cause: between two readings, or in all.
    pub fn losses(&self, sampled: bool) -> Vec<String> {
        let lost = self.found.iter().filter(|cause| cause.loss != Loss::Wait);
        lost.filter_map(|cause| {
            let count = if sampled { cause.delta? } else { cause.total };
            let text = match cause.meaning {
                "" => format!("{}: {} {count}", self.name, cause.name),
                meaning => format!("{}: {} {count}: {meaning}", self.name, cause.name),
            };
            (count > 0).then_some(text)
        })
        .collect()
    }
}

impl Rates {
    fn new(span: Span<'_>, link: &Link, mbit_s: Option<u32>) -> Self {
        let rate = |name| span.rate(link, name);
        let (rx, tx) = (rate("rx_bytes"), rate("tx_bytes"));
        let part = |bytes: Option<f64>| Some(share(bytes?, mbit_s?));
        Self {
            rx_bytes_per_s: rx,
            tx_bytes_per_s: tx,
            rx_packets_per_s: rate("rx_packets"),
            tx_packets_per_s: rate("tx_packets"),
            rx_share: part(rx),
            tx_share: part(tx),
        }
    }

    /// The fuller of both directions, as links are full duplex.
    fn share(&self) -> Option<f64> {
        match (self.rx_share, self.tx_share) {
            (Some(rx), Some(tx)) => Some(rx.max(tx)),
            (one, other) => one.or(other),
        }
    }
}

/// Gives a driver's numbers by name. Some drivers use one name for several; the later ones get a number.
fn by_name(numbers: &[(String, u64)]) -> BTreeMap<String, u64> {
    let mut named = BTreeMap::new();
    for (name, number) in numbers {
        let mut key = name.clone();
        let mut place = 1;
        while named.contains_key(&key) {
            place += 1;
            key = format!("{name}#{place}");
        }
        named.insert(key, *number);
    }
    named
}

fn total(causes: &[Cause], loss: Loss, span: Span<'_>) -> Sum {
    let counted = || {
        causes
            .iter()
            .filter(|cause| cause.is_counted && cause.loss == loss)
    };
    let known: Option<u64> = counted().map(|cause| cause.delta).sum();
    Sum {
        total: counted().map(|cause| cause.total).sum(),
        delta: known.filter(|_| span.seconds().is_some()),
    }
}

fn cause(cause: &Cause) -> Value {
    json!({
        "place": cause.place.word(),
        "name": cause.name,
        "loss": cause.loss.word(),
        "total": cause.total,
        "delta": cause.delta,
        "counted": cause.is_counted,
        "meaning": Some(cause.meaning).filter(|meaning| !meaning.is_empty()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_one_name_are_all_kept() {
        let numbers = [("a", 1), ("b", 2), ("a", 3), ("a", 4)];
        let numbers = numbers.map(|(name, number)| (name.to_owned(), number));
        let shown: Vec<(String, u64)> = by_name(&numbers).into_iter().collect();
        let expected = [("a", 1), ("a#2", 3), ("a#3", 4), ("b", 2)];
        assert_eq!(
            shown,
            expected.map(|(name, number)| (name.to_owned(), number))
        );
    }
}
