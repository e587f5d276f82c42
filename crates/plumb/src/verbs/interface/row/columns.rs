//! What of an interface a table shows, and how people read it.

use plumb_present::report::{Cell, Column, Tone, value};

use super::{Row, Sum};

/// Above this share of its speed a link is nearly full.
const NEARLY_FULL: f64 = 0.9;

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
    fn speeds_are_written_as_people_do() {
        assert_eq!(speed_text(100), "100 Mbit/s");
        assert_eq!(speed_text(1000), "1 Gbit/s");
        assert_eq!(speed_text(2500), "2.5 Gbit/s");
    }
}
