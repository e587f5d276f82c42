//! Readings of one namespace or of all.

use plumb_collect::traffic;
use plumb_filter::glob::{Case, fits_glob};
use plumb_model::traffic::Traffic;
use plumb_present::json;

use crate::verbs::place;

/// So many interfaces are named where one was not found.
const MOST_NAMED: usize = 10;

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
    /// What it is called; `None` when only one was asked for.
    pub label: Option<String>,
    /// Its interfaces.
    pub traffic: Traffic,
}

/// Reads; `Err` says why there is nothing at all.
pub fn read(everywhere: bool) -> Result<Reading, String> {
    let mut reading = Reading {
        namespaces: Vec::new(),
        gaps: Vec::new(),
    };
    if everywhere {
        read_all(&mut reading);
        if reading.namespaces.is_empty() {
            return Err("no network namespace can be read".to_owned());
        }
        return Ok(reading);
    }
    let traffic = traffic::read().map_err(|error| format!("cannot list interfaces: {error}"))?;
    reading.namespaces.push(Namespace {
        label: None,
        traffic,
    });
    Ok(reading)
}

fn read_all(reading: &mut Reading) {
    let Reading { namespaces, gaps } = reading;
    let mut unread = Vec::new();
    let missed = place::visit_all(|_, label| match traffic::read() {
        Ok(traffic) => namespaces.push(Namespace {
            label: Some(label.to_owned()),
            traffic,
        }),
        Err(error) => unread.push(format!("interfaces of {label}: {error}")),
    });
    gaps.extend(missed.into_iter().chain(unread));
}

/// Says whether a name fits one of the patterns, or there are none.
pub fn is_named(patterns: &[String], name: &[u8]) -> bool {
    let fits = |pattern: &String| fits_glob(pattern.as_bytes(), name, Case::Counts);
    patterns.is_empty() || patterns.iter().any(fits)
}

impl Reading {
    /// Finds the same namespace in this reading.
    pub fn same(&self, other: &Namespace) -> Option<&Traffic> {
        let mut all = self.namespaces.iter().map(|namespace| &namespace.traffic);
        all.find(|traffic| traffic.netns == other.traffic.netns)
    }

    /// Gives the first pattern that no interface fits.
    pub fn missing<'p>(&self, patterns: &'p [String]) -> Option<&'p str> {
        let found = |pattern: &String| {
            let names = self
                .links()
                .any(|name| fits_glob(pattern.as_bytes(), name, Case::Counts));
            !names
        };
        patterns
            .iter()
            .find(|pattern| found(pattern))
            .map(String::as_str)
    }

    /// Names interfaces, for people; of many the first.
    pub fn names(&self) -> String {
        let names: Vec<String> = self.links().take(MOST_NAMED).map(json::text).collect();
        let names = names.join(", ");
        match self.links().count().saturating_sub(MOST_NAMED) {
            0 => names,
            more => format!("{names} and {more} more"),
        }
    }

    fn links(&self) -> impl Iterator<Item = &[u8]> {
        let links = self
            .namespaces
            .iter()
            .flat_map(|namespace| &namespace.traffic.links);
        links.map(|link| link.base.name.as_slice())
    }

    /// Says what could not be observed.
    pub fn reasons(&self) -> Vec<String> {
        let own = self.namespaces.iter().flat_map(|namespace| {
            let place = namespace.label.as_deref();
            namespace.traffic.gaps.iter().map(move |gap| match place {
                Some(place) => format!("{} in {place}", gap.what),
                None => gap.what.clone(),
            })
        });
        own.chain(self.gaps.iter().cloned()).collect()
    }
}
