//! What an interface lost or held back, cause by cause.
//!
//! Three places count: the interface itself, its outermost queueing disciplines, and its driver, whose
//! names are its own. What one packet makes two of them count is listed under both and summed once: only
//! causes with [`Cause::is_counted`] go into sums.

use plumb_model::Known;
use plumb_model::counters::Growth;
use plumb_model::link::Link;
use plumb_model::traffic::Qdisc;

use super::{Span, value};
use crate::counters::explain;

/// Whether a packet was lost for want of room, damaged, or only had to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Dropped.
    Drop,
    /// Damaged, or it could not be sent.
    Error,
    /// Held back, not lost.
    Wait,
}

impl Loss {
    /// Gives the stable machine word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Error => "error",
            Self::Wait => "wait",
        }
    }
}

/// Who counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The interface (`rtnl_link_stats64`).
    Interface,
    /// A queueing discipline.
    Qdisc,
    /// The driver, by a name of its own.
    Driver,
}

impl Place {
    /// Gives the stable machine word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Interface => "interface",
            Self::Qdisc => "qdisc",
            Self::Driver => "driver",
        }
    }
}

/// One cause and what it came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// Who counts it.
    pub place: Place,
    /// Its name there: `rx_crc_errors`, `tbf drops`, `rx_no_buffer_count`.
    pub name: String,
    /// What became of the packets.
    pub loss: Loss,
    /// How many in all.
    pub total: u64,
    /// How many between two readings; `None` with one, and where it is unknown.
    pub delta: Option<u64>,
    /// What it means, in a sentence; empty where nobody knows.
    pub meaning: &'static str,
    /// Whether sums hold it: details of another counter, and what a driver counts once more, are not.
    pub is_counted: bool,
}

/// Counters of an interface, what they count, and whether sums hold them.
const INTERFACE: [(&str, Loss, bool); 18] = [
    ("rx_dropped", Loss::Drop, true),
    ("tx_dropped", Loss::Drop, true),
    ("rx_missed_errors", Loss::Drop, true),
    ("rx_nohandler", Loss::Drop, false),
    ("rx_errors", Loss::Error, true),
    ("tx_errors", Loss::Error, true),
    // Errors of known kinds are held in the two above.
    ("rx_length_errors", Loss::Error, false),
    ("rx_over_errors", Loss::Error, false),
    ("rx_crc_errors", Loss::Error, false),
    ("rx_frame_errors", Loss::Error, false),
    ("rx_fifo_errors", Loss::Error, false),
    ("tx_aborted_errors", Loss::Error, false),
    ("tx_carrier_errors", Loss::Error, false),
    ("tx_fifo_errors", Loss::Error, false),
    ("tx_heartbeat_errors", Loss::Error, false),
    ("tx_window_errors", Loss::Error, false),
    ("collisions", Loss::Wait, false),
    // A capture that takes what is others' counts here; nothing was lost.
    ("rx_otherhost_dropped", Loss::Wait, false),
];

/// Parts of names by which drivers mean losses.
const DRIVER_WORDS: [&str; 12] = [
    "drop", "discard", "err", "fail", "miss", "no_buf", "nobuf", "alloc", "overrun", "overflow",
    "timeout", "crc",
];

/// Lists the causes that are not 0 for an interface of the later reading.
pub fn causes(span: Span<'_>, link: &Link) -> Vec<Cause> {
    let mut found = of_interface(span, link);
    found.extend(of_qdiscs(span, link));
    found.extend(of_inner_qdiscs(span, link));
    found.extend(of_driver(span, link));
    found
}

fn of_interface(span: Span<'_>, link: &Link) -> Vec<Cause> {
    let cause = |(name, loss, is_counted): (&'static str, Loss, bool)| Cause {
        place: Place::Interface,
        name: name.to_owned(),
        loss,
        total: value(link, name).unwrap_or(0),
        delta: span.growth(link, name),
        meaning: explain("interface", name).map_or("", |entry| entry.meaning),
        is_counted,
    };
    INTERFACE
        .into_iter()
        .map(cause)
        .filter(|cause| cause.total > 0)
        .collect()
}

/// What the outermost disciplines dropped and held back: they count what those inside them do.
fn of_qdiscs(span: Span<'_>, link: &Link) -> Vec<Cause> {
    let outermost = |qdisc: &&Qdisc| qdisc.index == link.base.index && qdisc.is_outermost();
    let mut found = Vec::new();
    for qdisc in span.after.qdiscs.iter().filter(outermost) {
        let Known::Known(now) = qdisc.statistics else {
            continue;
        };
        let before = span
            .earlier_qdisc(qdisc)
            .and_then(|qdisc| qdisc.statistics.ok());
        let kind = String::from_utf8_lossy(&qdisc.kind);
        let kinds = [
            (
                "drops",
                Loss::Drop,
                now.drops,
                before.map(|before| before.drops),
                "Packets that the queueing discipline dropped: its queue was full, or its rules say so.",
            ),
            (
                "overlimits",
                Loss::Wait,
                now.overlimits,
                before.map(|before| before.overlimits),
                "Times the queueing discipline held packets back because of its rate.",
            ),
            (
                "requeues",
                Loss::Wait,
                now.requeues,
                before.map(|before| before.requeues),
                "Packets that the interface gave back to the queue because it had no room.",
            ),
        ];
        found.extend(
            kinds
                .into_iter()
                .map(|(name, loss, total, before, meaning)| Cause {
                    place: Place::Qdisc,
                    name: format!("{kind} {name}"),
                    loss,
                    total,
                    delta: before.and_then(|before| Growth::between(before, total).known()),
                    meaning,
                    is_counted: loss == Loss::Drop,
                }),
        );
    }
    found.retain(|cause| cause.total > 0);
    found
}

/// What the disciplines inside the outermost dropped, which it counts as well: they tell whose queue it was.
fn of_inner_qdiscs(span: Span<'_>, link: &Link) -> Vec<Cause> {
    let inner = |qdisc: &&Qdisc| qdisc.index == link.base.index && !qdisc.is_outermost();
    let cause = |qdisc: &Qdisc| {
        let total = qdisc.statistics.ok()?.drops;
        let earlier = span.earlier_qdisc(qdisc);
        let before = earlier.and_then(|earlier| earlier.statistics.ok());
        let kind = String::from_utf8_lossy(&qdisc.kind);
        let (major, minor) = (qdisc.parent >> 16, qdisc.parent & 0xffff);
        Some(Cause {
            place: Place::Qdisc,
            name: format!("{kind} at {major:x}:{minor:x} drops"),
            loss: Loss::Drop,
            total,
            delta: before.and_then(|before| Growth::between(before.drops, total).known()),
            meaning: "Of these, packets that a queueing discipline inside the outermost dropped.",
            is_counted: false,
        })
    };
    let found = span.after.qdiscs.iter().filter(inner).filter_map(cause);
    found.filter(|cause| cause.total > 0).collect()
}

fn of_driver(span: Span<'_>, link: &Link) -> Vec<Cause> {
    let Some(now) = span
        .after
        .drivers
        .iter()
        .find(|driver| driver.index == link.base.index)
    else {
        return Vec::new();
    };
    let earlier = span.before.and_then(|before| {
        let mut drivers = before.drivers.iter();
        drivers.find(|driver| driver.index == link.base.index)
    });
    let is_loss = |name: &str| {
        let name = name.to_ascii_lowercase();
        DRIVER_WORDS.iter().any(|word| name.contains(word))
    };
    let numbers = now.numbers.iter().enumerate();
    numbers
        .filter(|(_, (name, total))| *total > 0 && is_loss(name))
        .map(|(place, (name, total))| {
            let before = earlier
                .and_then(|earlier| earlier.numbers.get(place))
                .filter(|(earlier, _)| earlier == name);
            Cause {
                place: Place::Driver,
                name: name.clone(),
                loss: Loss::Error,
                total: *total,
                delta: before.and_then(|(_, before)| Growth::between(*before, *total).known()),
                meaning: "",
                is_counted: false,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use plumb_model::traffic::DriverStatistics;

    use super::super::tests::{link, qdisc, traffic};
    use super::*;

    #[test]
    fn every_place_that_counts_is_listed_and_details_are_summed_once() {
        let early = link(2, "eth0", &[("rx_errors", 1), ("rx_crc_errors", 1)]);
        let late = link(2, "eth0", &[("rx_errors", 5), ("rx_crc_errors", 4)]);
        let inner = |drops| qdisc("bfifo", 0x1_0010, drops);
        let mut before = traffic(
            0,
            vec![early],
            vec![qdisc("tbf", Qdisc::ROOT, 10), inner(10)],
        );
        let mut after = traffic(
            1,
            vec![late],
            vec![qdisc("tbf", Qdisc::ROOT, 25), inner(25)],
        );
        let numbers = |drops| {
            vec![DriverStatistics {
                index: 2,
                numbers: vec![("rx_kicks".to_owned(), 9), ("rx_drops".to_owned(), drops)],
            }]
        };
        (before.drivers, after.drivers) = (numbers(1), numbers(3));
        let span = Span {
            before: Some(&before),
            after: &after,
        };
        let found = causes(span, &after.links[0]);
        let shown: Vec<(&str, u64, Option<u64>, bool)> = found
            .iter()
            .map(|cause| (&*cause.name, cause.total, cause.delta, cause.is_counted))
            .collect();
        assert_eq!(
            shown,
            [
                ("rx_errors", 5, Some(4), true),
                ("rx_crc_errors", 4, Some(3), false),
                ("tbf drops", 25, Some(15), true),
                ("bfifo at 1:10 drops", 25, Some(15), false),
                ("rx_drops", 3, Some(2), false),
            ]
        );
        assert!(found[0].meaning.contains("error"));
    }

    #[test]
    fn a_clean_interface_has_no_causes() {
        let after = traffic(1, vec![link(2, "eth0", &[("rx_bytes", 9)])], vec![]);
        let span = Span {
            before: None,
            after: &after,
        };
        assert!(causes(span, &after.links[0]).is_empty());
    }
}
