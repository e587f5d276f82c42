//! Readings of the counters of one network namespace or of all.

use std::collections::BTreeSet;

use plumb_collect::counters;
use plumb_model::counters::{self as model, Counters};
use plumb_model::{Known, NetnsId};

use super::row::{Row, is_of_whole_host};
use super::span::Span;
use crate::verbs::place;

/// One reading of everything asked for.
#[derive(Debug)]
pub struct Reading {
    /// The namespaces, our own first.
    pub namespaces: Vec<Namespace>,
    gaps: Vec<String>,
}

/// One namespace.
#[derive(Debug)]
pub struct Namespace {
    /// Which it is; `None` when only one was asked for.
    place: Option<(NetnsId, String)>,
    /// Its counters.
    pub counters: Counters,
    /// For how many seconds they have counted.
    pub age_s: Known<f64>,
}

/// Reads.
pub fn read(everywhere: bool) -> Reading {
    if !everywhere {
        return Reading {
            namespaces: vec![Namespace::read(None)],
            gaps: Vec::new(),
        };
    }
    let mut namespaces: Vec<Namespace> = Vec::new();
    let gaps = place::visit_all(|id, label| {
        namespaces.push(Namespace::read(Some((id, label.to_owned()))));
    });
    tell_once(&mut namespaces);
    Reading { namespaces, gaps }
}

/// Leaves what the whole host counts to the first namespace that shows it.
fn tell_once(namespaces: &mut [Namespace]) {
    let mut told: BTreeSet<String> = BTreeSet::new();
    for namespace in namespaces {
        let readings = &mut namespace.counters.readings;
        readings.retain(|reading| !told.contains(&reading.group));
        let groups = readings.iter().map(|reading| &reading.group);
        let whole = groups.filter(|group| is_of_whole_host(group));
        told.extend(whole.cloned());
    }
}

impl Namespace {
    fn read(place: Option<(NetnsId, String)>) -> Self {
        Self {
            place,
            counters: counters::read(),
            age_s: counters::age_s(),
        }
    }

    fn id(&self) -> Option<NetnsId> {
        self.place.as_ref().map(|(id, _)| *id)
    }

    /// Gives its name, where several were asked for.
    pub fn label(&self) -> Option<String> {
        self.place.as_ref().map(|(_, label)| label.clone())
    }

    /// Writes into a row whose it is.
    pub fn mark(&self, mut row: Row) -> Row {
        if let Some((id, label)) = &self.place
            && !row.whole_host
        {
            row.netns = Some(label.clone());
            row.netns_id = Some(*id);
        }
        row
    }
}

impl Reading {
    /// Says whether there is no counter at all.
    pub fn is_empty(&self) -> bool {
        self.readings().next().is_none()
    }

    /// Goes through the counters of all namespaces.
    pub fn readings(&self) -> impl Iterator<Item = &model::Reading> {
        let namespaces = self.namespaces.iter();
        namespaces.flat_map(|namespace| &namespace.counters.readings)
    }

    /// Finds the same namespace in this reading.
    pub fn same(&self, other: &Namespace) -> Option<&Counters> {
        let mut all = self.namespaces.iter();
        all.find(|namespace| namespace.id() == other.id())
            .map(|namespace| &namespace.counters)
    }

    /// Gives the time that the numbers are about. Totals of several namespaces have no age in common.
    pub fn span(&self, before: Option<&Self>) -> Span {
        let Some(before) = before else {
            let mut ages = self.namespaces.iter().map(|namespace| namespace.age_s);
            let first = ages.next();
            let unknown = ages.find(|age| age.ok().is_none());
            let none = Known::Unknown(plumb_model::Reason::NotInSource);
            return Span::Whole(unknown.or(first).unwrap_or(none));
        };
        let mut pairs = self.namespaces.iter().filter_map(|namespace| {
            let earlier = before.same(namespace)?;
            Some(namespace.counters.seconds_since(earlier))
        });
        Span::Between(pairs.next().unwrap_or(0.0))
    }

    /// Says what could not be observed; with an earlier reading also which namespaces came and went.
    pub fn reasons(&self, before: Option<&Self>) -> Vec<String> {
        let own = self.namespaces.iter().flat_map(|namespace| {
            let place = namespace.place.as_ref();
            let gaps = namespace.counters.gaps.iter();
            gaps.map(move |gap| match place {
                Some((_, label)) => format!("{} in {label}", gap.what),
                None => gap.what.clone(),
            })
        });
        let came = before.map_or_else(Vec::new, |before| {
            self.lacking(before, "is new: nothing to compare its counters with")
        });
        let went = before.map_or_else(Vec::new, |before| {
            before.lacking(self, "is gone: its last counts are unknown")
        });
        let gaps = self.gaps.iter().cloned();
        own.chain(gaps).chain(came).chain(went).collect()
    }

    /// Names the namespaces that another reading does not have, and says what that means.
    fn lacking(&self, other: &Self, meaning: &str) -> Vec<String> {
        let lacking = self
            .namespaces
            .iter()
            .filter(|namespace| other.same(namespace).is_none());
        lacking
            .filter_map(|namespace| namespace.place.as_ref())
            .map(|(_, label)| format!("network namespace {label} {meaning}"))
            .collect()
    }
}
