//! What interfaces did between two readings: rates, share of the link's speed, what was lost and why.

mod causes;
mod link;

use plumb_model::Known;
use plumb_model::counters::Growth;
use plumb_model::link::Link;
use plumb_model::traffic::{Qdisc, Traffic};

pub use self::causes::{Cause, Loss, Place, causes};
pub use self::link::{kind, share, speed, state};

/// Two readings, or one.
#[derive(Debug, Clone, Copy)]
pub struct Span<'t> {
    /// The earlier, if there is one.
    pub before: Option<&'t Traffic>,
    /// The later.
    pub after: &'t Traffic,
}

impl<'t> Span<'t> {
    /// Gives the seconds between; `None` with one reading.
    pub fn seconds(self) -> Option<f64> {
        let us = self.after.at_us.checked_sub(self.before?.at_us)?;
        let seconds = std::time::Duration::from_micros(us).as_secs_f64();
        Some(seconds).filter(|seconds| *seconds > 0.0)
    }

    /// Finds an interface in the earlier reading, whatever its name was then.
    pub fn earlier(self, link: &Link) -> Option<&'t Link> {
        let mut links = self.before?.links.iter();
        links.find(|earlier| earlier.base.index == link.base.index)
    }

    /// Gives the name an interface had, where it has another now.
    pub fn renamed_from(self, link: &Link) -> Option<&'t [u8]> {
        let name = self.earlier(link)?.base.name.as_slice();
        (name != link.base.name).then_some(name)
    }

    /// Goes through the interfaces that were there and are gone.
    pub fn gone(self) -> impl Iterator<Item = &'t Link> {
        let links = self.before.map_or(&[][..], |before| &before.links);
        links.iter().filter(move |link| {
            let mut now = self.after.links.iter();
            !now.any(|now| now.base.index == link.base.index)
        })
    }

    /// Gives by how much a counter grew; `None` with one reading, for a new interface, and where it was
    /// set back.
    pub fn growth(self, link: &Link, name: &str) -> Option<u64> {
        let before = value(self.earlier(link)?, name)?;
        Growth::between(before, value(link, name)?).known()
    }

    /// Gives how much came in a second.
    pub fn rate(self, link: &Link, name: &str) -> Option<f64> {
        let (growth, seconds) = (self.growth(link, name)?, self.seconds()?);
        #[expect(
            clippy::cast_precision_loss,
            reason = "rates are shown with few digits"
        )]
        let rate = growth as f64 / seconds;
        Some(rate)
    }

    /// Finds a queueing discipline in the earlier reading.
    fn earlier_qdisc(self, qdisc: &Qdisc) -> Option<&'t Qdisc> {
        let mut all = self.before?.qdiscs.iter();
        all.find(|earlier| {
            earlier.index == qdisc.index
                && earlier.handle == qdisc.handle
                && earlier.parent == qdisc.parent
                && earlier.kind == qdisc.kind
        })
    }
}

/// Gives a counter of an interface.
fn value(link: &Link, name: &str) -> Option<u64> {
    match &link.statistics {
        Known::Known(statistics) => statistics.get(name).ok(),
        Known::Unknown(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use plumb_model::link::{LinkStatistics, STATISTICS};
    use plumb_model::traffic::QdiscStatistics;
    use plumb_model::{Reason, rtnl};

    use super::*;

    /// An interface with these counters, all others 0.
    pub(super) fn link(index: u32, name: &str, counters: &[(&str, u64)]) -> Link {
        let value = |name: &&str| counters.iter().find(|(known, _)| known == name);
        let values = STATISTICS
            .iter()
            .map(|name| value(name).map_or(0, |(_, value)| *value));
        Link {
            base: rtnl::Link {
                index,
                name: name.as_bytes().to_vec(),
                hardware: 1,
                // Up, with a carrier.
                flags: 0x1_0001,
                operational_state: Some(6),
                mtu: Some(1500),
                master: None,
                lower: None,
            },
            tx_queue_len: Known::Known(1000),
            address: None,
            kind: None,
            vrf_table: None,
            carrier_changes: Known::Unknown(Reason::NotInSource),
            qdisc: None,
            statistics: Known::Known(LinkStatistics {
                values: values.collect(),
            }),
        }
    }

    pub(super) fn traffic(at_us: u64, links: Vec<Link>, qdiscs: Vec<Qdisc>) -> Traffic {
        Traffic {
            at_us,
            netns: None,
            links,
            addresses: Vec::new(),
            qdiscs,
            speeds: Vec::new(),
            drivers: Vec::new(),
            softnet: Vec::new(),
            gaps: Vec::new(),
        }
    }

    pub(super) fn qdisc(kind: &str, parent: u32, drops: u64) -> Qdisc {
        Qdisc {
            index: 2,
            kind: kind.as_bytes().to_vec(),
            handle: 0x1_0000,
            parent,
            statistics: Known::Known(QdiscStatistics {
                drops,
                ..QdiscStatistics::default()
            }),
        }
    }

    #[test]
    fn rates_follow_an_interface_through_its_renaming() {
        let before = traffic(
            1_000_000,
            vec![link(2, "old", &[("rx_bytes", 100)])],
            vec![],
        );
        let after = traffic(
            3_000_000,
            vec![link(2, "new", &[("rx_bytes", 700)])],
            vec![],
        );
        let span = Span {
            before: Some(&before),
            after: &after,
        };
        let now = &after.links[0];
        assert_eq!(span.rate(now, "rx_bytes"), Some(300.0));
        assert_eq!(span.renamed_from(now), Some(&b"old"[..]));
        assert_eq!(span.gone().count(), 0);
    }

    #[test]
    fn what_is_new_gone_or_set_back_has_no_rate() {
        let before = traffic(
            1_000_000,
            vec![link(2, "a", &[("rx_bytes", 1 << 40)]), link(3, "b", &[])],
            vec![],
        );
        let after = traffic(
            2_000_000,
            vec![
                link(2, "a", &[("rx_bytes", 5)]),
                link(4, "c", &[("rx_bytes", 5)]),
            ],
            vec![],
        );
        let span = Span {
            before: Some(&before),
            after: &after,
        };
        assert_eq!(span.rate(&after.links[0], "rx_bytes"), None);
        assert_eq!(span.rate(&after.links[1], "rx_bytes"), None);
        let gone: Vec<&[u8]> = span.gone().map(|link| &link.base.name[..]).collect();
        assert_eq!(gone, [b"b"]);
        let single = Span {
            before: None,
            after: &after,
        };
        assert_eq!(single.seconds(), None);
    }

    #[test]
    fn a_counter_of_32_bits_that_ran_over_has_grown() {
        let before = traffic(
            0,
            vec![link(2, "a", &[("tx_bytes", u64::from(u32::MAX) - 9)])],
            vec![],
        );
        let after = traffic(1_000_000, vec![link(2, "a", &[("tx_bytes", 90)])], vec![]);
        let span = Span {
            before: Some(&before),
            after: &after,
        };
        assert_eq!(span.growth(&after.links[0], "tx_bytes"), Some(100));
    }
}
