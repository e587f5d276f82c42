//! The looks at several network namespaces together: begun, joined by those that a command goes to, ended.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use plumb_analyze::diagnose::Focus;
use plumb_model::NetnsId;
use plumb_model::id::Pid;

use super::look::{Look, Looked, Refused};
use super::other_ends::OtherEnds;
use super::places::Places;
use crate::verbs::place;

/// Looks that have begun.
pub(super) struct Looks {
    places: Places,
    begun: Vec<Look>,
    missed: BTreeSet<String>,
}

impl Looks {
    /// Begins; `probed` is what is tried as well.
    pub fn begin(places: Places, probed: Option<&Focus>) -> Self {
        let mut begun = Vec::new();
        let missed = places.visit(|place| begun.push(Look::begin(place, probed)));
        Self {
            places,
            begun,
            missed: missed.into_iter().collect(),
        }
    }

    /// Says how long they should last at least.
    pub fn patience(&self) -> Duration {
        self.begun
            .iter()
            .map(Look::patience)
            .max()
            .unwrap_or_default()
    }

    /// Begins also at those of `wanted` that nobody looks at.
    pub fn join(&mut self, wanted: &BTreeSet<NetnsId>) {
        let known: BTreeSet<NetnsId> = self.begun.iter().filter_map(Look::id).collect();
        let new: BTreeSet<NetnsId> = wanted.difference(&known).copied().collect();
        if new.is_empty() || self.places == Places::Every {
            return;
        }
        self.places = Places::Those(known.union(&new).copied().collect());
        let begun = &mut self.begun;
        let missed = Places::Those(new).visit(|place| begun.push(Look::begin(place, None)));
        self.missed.extend(missed);
    }

    /// Begins also where the other ends of processes are, or those that are asked about, or the UNIX listeners at which the
    /// processes wait: what is wrong with those is their trouble. Namespaces that may not be entered are passed over.
    pub fn join_other_ends(&mut self, pids: &BTreeSet<Pid>, asked: &[SocketAddr]) {
        let known: Option<BTreeSet<NetnsId>> = self.begun.iter().map(Look::id).collect();
        let Some(mut known) = known.filter(|_| self.places != Places::Every) else {
            return;
        };
        let wanted = OtherEnds::of(&self.begun, pids, asked);
        if wanted.is_empty() {
            return;
        }
        let new = wanted.namespaces(&known);
        if new.is_empty() {
            return;
        }
        known.extend(&new);
        let begun = &mut self.begun;
        Places::Those(new).visit(|place| {
            begun.push(Look::begin(place, None).asked_from_afar(wanted.connections.clone()));
        });
        self.places = Places::Those(known);
    }

    /// Takes a sample at each between the two.
    pub fn again(&mut self) {
        let begun = &mut self.begun;
        // Who cannot be entered any more is missed at the end, if he has not been seen at all.
        self.places.visit(|place| {
            if let Some(look) = begun.iter_mut().find(|look| look.is_at(&place)) {
                look.again();
            }
        });
    }

    /// Ends them; gives what each saw, and what none could see.
    pub fn end(self, focus: &Focus, refused: &Refused) -> (Vec<Looked>, Vec<String>) {
        let Self {
            places,
            mut begun,
            mut missed,
        } = self;
        let mut looked = Vec::new();
        // Those that came meanwhile have no first sample; who cannot be entered was said already.
        places.visit(|place| {
            if let Some(at) = begun.iter().position(|look| look.is_at(&place)) {
                looked.push(begun.remove(at).end(focus, refused));
            }
        });
        let mut gone = Vec::new();
        for look in begun {
            let label = look.label().map(str::to_owned);
            match (look.end_outside(focus, refused), label) {
                (Some(seen), _) => looked.push(seen),
                (None, label) => gone.extend(label),
            }
        }
        if !gone.is_empty() {
            let gone = BTreeMap::from([("it is gone".to_owned(), gone)]);
            missed.extend(place::folded(gone));
        }
        let missed = missed.iter().map(|what| format!("not seen: {what}"));
        let gaps = missed.collect();
        (looked, gaps)
    }
}
