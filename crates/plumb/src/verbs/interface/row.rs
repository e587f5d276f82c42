//! An interface as a row.

use std::collections::BTreeMap;

use plumb_analyze::traffic::{Cause, Loss, Span, causes, kind, share, speed, state};
use plumb_model::Known;
use plumb_model::link::Link;
use plumb_present::json;
use plumb_present::report::{Cell, Column, Tone, value};
use serde::Serialize;
use serde_json::{Value, json};

use super::read::Namespace;

/// Above this share of its speed a link is nearly full.
const NEARLY_FULL: f64 = 0.9;

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

/// What does not change with every packet.
#[derive(Debug, Serialize)]
struct Nature {
    state: &'static str,
    kind: String,
    mtu: Option<u32>,
    tx_queue_len: Option<u32>,
    mac: Option<String>,
    addresses: Vec<String>,
    master: Option<String>,
    carrier_changes: Option<u32>,
    speed_mbit_s: Option<u32>,
    speed_unknown: Option<&'static str>,
    duplex: Option<&'static str>,
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

impl Nature {
    fn new(span: Span<'_>, link: &Link) -> Self {
        let speeds = &span.after.speeds;
        let duplex = speeds.iter().find(|speed| speed.index == link.base.index);
        let speed = speed(link, speeds);
        let addresses = span.after.addresses.iter();
        let own = addresses.filter(|address| address.interface == link.base.index);
        let master = link.base.master.and_then(|master| {
            let mut links = span.after.links.iter();
            links.find(|link| link.base.index == master)
        });
        Self {
            state: state(link),
            kind: kind(link),
            mtu: link.base.mtu,
            tx_queue_len: link.tx_queue_len.ok(),
            mac: link.address.as_deref().map(hexadecimal),
            addresses: own
                .map(|address| format!("{}/{}", address.ip, address.prefix_len))
                .collect(),
            master: master.map(|master| json::text(&master.base.name)),
            carrier_changes: link.carrier_changes.ok(),
            speed_mbit_s: speed.ok(),
            speed_unknown: speed.reason().map(plumb_model::Reason::word),
            duplex: duplex
                .filter(|_| speed.ok().is_some())
                .and_then(|speed| speed.duplex)
                .map(|duplex| if duplex == 0 { "half" } else { "full" }),
        }
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

fn qdisc(qdisc: &plumb_model::traffic::Qdisc) -> Value {
    let statistics = qdisc.statistics.ok();
    let number =
        |of: fn(&plumb_model::traffic::QdiscStatistics) -> u64| statistics.as_ref().map(of);
    json!({
        "kind": json::text(&qdisc.kind),
        "handle": handle(qdisc.handle),
        "parent": match qdisc.parent {
            plumb_model::traffic::Qdisc::ROOT => "root".to_owned(),
            plumb_model::traffic::Qdisc::INGRESS => "ingress".to_owned(),
            parent => handle(parent),
        },
        "bytes": number(|of| of.bytes),
        "packets": number(|of| of.packets),
        "drops": number(|of| of.drops),
        "overlimits": number(|of| of.overlimits),
        "requeues": number(|of| of.requeues),
        "queue_packets": number(|of| of.queue_packets),
        "queue_bytes": number(|of| of.queue_bytes),
    })
}

/// Writes a handle as tc does: `1:`, `1:2`, in hexadecimal.
fn handle(handle: u32) -> String {
    match (handle >> 16, handle & 0xffff) {
        (major, 0) => format!("{major:x}:"),
        (major, minor) => format!("{major:x}:{minor:x}"),
    }
}

fn hexadecimal(address: &[u8]) -> String {
    let bytes: Vec<String> = address.iter().map(|byte| format!("{byte:02x}")).collect();
    bytes.join(":")
}

/// What a row of `plumb if` can show.
pub const COLUMNS: [Column<Row>; 24] = [
    Column::new("netns", "Netns", |row: &Row| {
        Cell::new(row.netns.as_deref().unwrap_or("-"))
    })
    .shrink_to(8)
    .wide_only()
    .about("network namespace, with --all-netns"),
    Column::new("name", "Name", |row: &Row| {
        Cell::new(row.name.as_str()).with(Tone::Strong)
    })
    .shrink_to(8)
    .about("name of the interface"),
    Column::new("state", "State", |row: &Row| {
        let tone = match row.nature.state {
            "up" => Tone::Good,
            "down" => Tone::Dim,
            _ => Tone::Warning,
        };
        Cell::new(row.nature.state).with(tone)
    })
    .keep(90)
    .about("up, down (switched off), no-carrier, lower-down, dormant, testing, not-present"),
    Column::new("kind", "Kind", |row: &Row| {
        Cell::new(row.nature.kind.as_str())
    })
    .wide_only()
    .about("what made it, or what hardware it is"),
    Column::new("mtu", "MTU", |row: &Row| number(row.nature.mtu))
        .right()
        .keep(25)
        .about("largest packet in bytes"),
    Column::new("rx", "Rx", |row: &Row| bytes(row.rates.rx_bytes_per_s))
        .right()
        .about("received in a second")
        .plain("rx_bytes_per_s", |row| whole(row.rates.rx_bytes_per_s)),
    Column::new("rx-bars", "", |row: &Row| Cell::new(row.bars[0].as_str()))
        .keep(40)
        .about("bars of the last rates received, with --every"),
    Column::new("tx", "Tx", |row: &Row| bytes(row.rates.tx_bytes_per_s))
        .right()
        .about("sent in a second")
        .plain("tx_bytes_per_s", |row| whole(row.rates.tx_bytes_per_s)),
    Column::new("tx-bars", "", |row: &Row| Cell::new(row.bars[1].as_str()))
        .keep(40)
        .about("bars of the last rates sent, with --every"),
    Column::new("rx-packets", "Rx pkts", |row: &Row| {
        packets(row.rates.rx_packets_per_s)
    })
    .right()
    .keep(35)
    .about("packets received in a second")
    .plain("rx_packets_per_s", |row| whole(row.rates.rx_packets_per_s)),
    Column::new("tx-packets", "Tx pkts", |row: &Row| {
        packets(row.rates.tx_packets_per_s)
    })
    .right()
    .keep(34)
    .about("packets sent in a second")
    .plain("tx_packets_per_s", |row| whole(row.rates.tx_packets_per_s)),
    Column::new("rx-total", "Rx in all", |row: &Row| {
        total_bytes(row, "rx_bytes")
    })
    .right()
    .wide_only()
    .about("bytes received since the interface was made")
    .plain("rx_bytes", |row| row.counters.get("rx_bytes").copied()),
    Column::new("tx-total", "Tx in all", |row: &Row| {
        total_bytes(row, "tx_bytes")
    })
    .right()
    .wide_only()
    .about("bytes sent since the interface was made")
    .plain("tx_bytes", |row| row.counters.get("tx_bytes").copied()),
    Column::new("speed", "Speed", |row: &Row| {
        match row.nature.speed_mbit_s {
            Some(mbit_s) => Cell::new(speed_text(mbit_s)),
            None => Cell::new(match row.nature.speed_unknown {
                Some("virtual-link") => "(virtual)",
                Some("no-carrier") => "(no carrier)",
                _ => "(unknown)",
            })
            .with(Tone::Dim),
        }
    })
    .right()
    .keep(30)
    .about("what the link can carry, or why that is unknown")
    .plain("speed_mbit_s", |row| row.nature.speed_mbit_s.map(u64::from)),
    Column::new("use", "Use", |row: &Row| match row.rates.share() {
        Some(share) => {
            let tone = if share > NEARLY_FULL {
                Tone::Warning
            } else {
                Tone::Plain
            };
            Cell::new(format!("{:.1} %", share * 100.0)).with(tone)
        }
        None => Cell::new("-").with(Tone::Dim),
    })
    .right()
    .keep(50)
    .about("share of the speed, of the fuller direction"),
    Column::new("drops", "Drops", |row: &Row| sum(row.drops))
        .right()
        .keep(80)
        .about("packets dropped by the interface and its queue, and how many of them just now")
        .plain("drops", |row| Some(row.drops.total)),
    Column::new("errors", "Errors", |row: &Row| sum(row.errors))
        .right()
        .keep(70)
        .about("packets damaged or not sent, and how many of them just now")
        .plain("errors", |row| Some(row.errors.total)),
    Column::new("queue", "Queue", |row: &Row| number(row.queue_packets))
        .right()
        .keep(28)
        .about("packets that wait to be sent"),
    Column::new("qlen", "Qlen", |row: &Row| number(row.nature.tx_queue_len))
        .right()
        .wide_only()
        .about("length of the transmit queue in packets (txqueuelen)"),
    Column::new("qdisc", "Qdisc", |row: &Row| {
        let kinds = row.qdiscs.iter().filter_map(|qdisc| qdisc["kind"].as_str());
        Cell::new(kinds.collect::<Vec<_>>().join(" "))
    })
    .wide_only()
    .about("its queueing disciplines"),
    Column::new("duplex", "Duplex", |row: &Row| {
        Cell::new(row.nature.duplex.unwrap_or("-"))
    })
    .wide_only()
    .about("full or half"),
    Column::new("master", "Master", |row: &Row| {
        Cell::new(row.nature.master.as_deref().unwrap_or("-"))
    })
    .wide_only()
    .about("the bridge, bond or VRF it belongs to"),
    Column::new("mac", "MAC", |row: &Row| {
        Cell::new(row.nature.mac.as_deref().unwrap_or("-"))
    })
    .wide_only()
    .about("link-layer address"),
    Column::new("addresses", "Addresses", |row: &Row| {
        Cell::new(row.nature.addresses.join(" "))
    })
    .wide_only()
    .about("its IP addresses"),
];

fn number(value: Option<impl ToString>) -> Cell<'static> {
    match value {
        Some(value) => Cell::new(value.to_string()),
        None => Cell::new("-").with(Tone::Dim),
    }
}

/// Whole numbers of a rate, for people and machines alike.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "rates are not negative, and what is beyond 64 bits is no rate"
)]
fn whole(rate: Option<f64>) -> Option<u64> {
    rate.map(|rate| rate.round() as u64)
}

fn bytes(rate: Option<f64>) -> Cell<'static> {
    number(whole(rate).map(|rate| format!("{}/s", value::bytes(rate))))
}

fn packets(rate: Option<f64>) -> Cell<'static> {
    number(whole(rate).map(|rate| format!("{rate}/s")))
}

fn total_bytes(row: &Row, name: &str) -> Cell<'static> {
    number(row.counters.get(name).map(|total| value::bytes(*total)))
}

fn sum(sum: Sum) -> Cell<'static> {
    match sum.delta {
        Some(delta) if delta > 0 => Cell::new(format!("{} (+{delta})", sum.total)).with(Tone::Bad),
        _ => Cell::new(sum.total.to_string()),
    }
}

fn speed_text(mbit_s: u32) -> String {
    match (mbit_s / 1000, mbit_s % 1000) {
        (0, mbit_s) => format!("{mbit_s} Mbit/s"),
        (gbit_s, 0) => format!("{gbit_s} Gbit/s"),
        (gbit_s, rest) => format!("{gbit_s}.{} Gbit/s", rest / 100),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_and_handles_are_written_as_people_and_tc_do() {
        assert_eq!(speed_text(100), "100 Mbit/s");
        assert_eq!(speed_text(1000), "1 Gbit/s");
        assert_eq!(speed_text(2500), "2.5 Gbit/s");
        assert_eq!(handle(0x1_0000), "1:");
        assert_eq!(handle(0x8001_000a), "8001:a");
        assert_eq!(hexadecimal(&[2, 0xfc, 0]), "02:fc:00");
    }

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
