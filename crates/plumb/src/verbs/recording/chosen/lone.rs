//! Decides an event, by itself or with what its socket's events told before.

use std::ops::RangeInclusive;

use plumb_collect::port_range::PortRange;
use plumb_filter::{Expr, Parsed, Verdict};
use plumb_model::event::Event;

use super::asks;
use super::people::People;
use super::seen::{Seen, View};

/// A filter, and what deciding takes.
pub struct Lone {
    expr: Expr,
    /// It asks of holders alone, so that events without a socket can be decided.
    of_holders: bool,
    people: People,
    ports: RangeInclusive<i64>,
}

impl Lone {
    /// Takes a filter; `None` for one without tests.
    pub fn new(filter: Parsed) -> Option<Self> {
        let expr = filter.expr?;
        let range = PortRange::read();
        Some(Self {
            of_holders: asks::is_of_holders(&expr),
            people: People::new(filter.needs, asks::names_namespaces(&expr)),
            expr,
            ports: i64::from(range.lowest)..=i64::from(range.highest),
        })
    }

    /// Says whether an event is wanted, as far as it tells itself.
    pub fn wants(&mut self, event: &Event) -> bool {
        if event.ends.is_none() && !self.of_holders {
            return false;
        }
        let mut seen = Seen::default();
        seen.note(event);
        self.decide(&seen, event) == Verdict::Match
    }

    /// Decides a socket, of which this is the latest event.
    pub(super) fn decide(&mut self, seen: &Seen, event: &Event) -> Verdict {
        self.people.meet(event);
        self.expr.evaluate(&View {
            seen,
            people: &self.people,
            ports: &self.ports,
        })
    }
}
