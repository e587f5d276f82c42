//! Which counters are shown: by pattern, by group, by whether they should worry.

use plumb_analyze::counters::{self as meanings, Nature, Period};
use plumb_filter::glob::{Case, fits_glob};
use plumb_model::counters::Reading;

use super::row::Row;
use super::span::Span;
use super::{Arguments, read};

/// Groups with as many rows as there are interfaces or protocols, shown when asked for.
const LARGE: [&str; 2] = ["interface", "protocols"];

/// What was asked for.
#[derive(Debug)]
pub struct Selection {
    patterns: Vec<String>,
    shown: Shown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// What is not 0, or has changed.
    Moving,
    /// Everything.
    All,
    /// What should worry.
    Bad,
    /// What was named, in full.
    Explained,
}

/// Reads the command line; `Err` says which name fits nothing, and what may have been meant.
pub fn selection(arguments: &Arguments, first: &read::Reading) -> Result<Selection, String> {
    let patterns: Vec<String> = arguments
        .names
        .iter()
        .chain(&arguments.explain)
        .cloned()
        .collect();
    for pattern in &patterns {
        let fits = |reading: &Reading| fits(pattern, reading);
        if !first.readings().any(fits) {
            return Err(complaint(pattern, first));
        }
    }
    let shown = match arguments {
        _ if !arguments.explain.is_empty() => Shown::Explained,
        _ if arguments.bad => Shown::Bad,
        _ if arguments.all => Shown::All,
        _ => Shown::Moving,
    };
    Ok(Selection { patterns, shown })
}

fn complaint(pattern: &str, first: &read::Reading) -> String {
    let names = names(first);
    let explained = names.iter().find(|name| {
        let name = name.to_ascii_lowercase();
        let pattern = pattern.to_ascii_lowercase();
        name == pattern || name.rsplit('.').next() == Some(pattern.as_str())
    });
    if let Some(name) = explained
        && let Some((group, counter)) = name.split_once('.')
        && let Some(entry) = meanings::explain(group, counter)
    {
        return format!("this kernel does not count {name}: {}", entry.meaning);
    }
    let near = meanings::near(pattern, names.iter().map(String::as_str));
    if near.is_empty() {
        format!("no counter {pattern}; plumb stats --all lists them")
    } else {
        format!("no counter {pattern}; did you mean {}", near.join(", "))
    }
}

/// Names all counters there are and all that are explained, for suggestions.
fn names(first: &read::Reading) -> Vec<String> {
    let known = meanings::all().map(|(group, entry)| format!("{group}.{}", entry.name));
    let read = first.readings().map(|reading| match &reading.instance {
        // All interfaces have the same counters.
        Some(_) => format!("{}.{}", reading.group, reading.name),
        None => reading.full_name(),
    });
    let mut names: Vec<String> = known.chain(read).collect();
    names.sort();
    names.dedup();
    names
}

/// Says whether a pattern chooses a counter: by its own names, its group, one of a kind, or the file it stands in.
fn fits(pattern: &str, reading: &Reading) -> bool {
    let instance = reading
        .instance
        .as_ref()
        .map(|instance| format!("{}.{instance}", reading.group));
    let file = reading.source.strip_prefix("/proc/net/");
    let several = [Some(reading.group.as_str()), instance.as_deref(), file];
    let several = several.into_iter().flatten();
    let own = own_names(reading);
    several
        .chain(own.iter().map(String::as_str))
        .any(|text| fits_glob(pattern.as_bytes(), text.as_bytes(), Case::Ignored))
}

/// Gives the names that are one counter's: its own, with its group, as nstat writes it, and in full.
fn own_names(reading: &Reading) -> [String; 4] {
    [
        reading.name.clone(),
        format!("{}{}", reading.group, reading.name),
        format!("{}.{}", reading.group, reading.name),
        reading.full_name(),
    ]
}

/// Says whether a word is the name of this counter, not one of a group and no pattern.
fn names_it(word: &str, reading: &Reading) -> bool {
    let own = own_names(reading);
    own.iter().any(|name| name.eq_ignore_ascii_case(word))
}

impl Selection {
    /// Says whether sockets are to be looked for.
    pub fn wants_sockets(&self) -> bool {
        matches!(self.shown, Shown::Bad | Shown::Explained)
    }

    /// Says what nothing to show means, where several counters were chosen and none is told.
    pub fn nothing(&self) -> Option<&'static str> {
        let leaves_out = self.shown == Shown::Moving && !self.patterns.is_empty();
        leaves_out.then_some("All of them are 0; --all shows them.")
    }

    /// Says whether counters are to be explained whatever they did.
    pub fn is_explaining(&self) -> bool {
        self.shown == Shown::Explained
    }

    /// Makes the row of a reading, if it is to be shown.
    pub fn row(&self, reading: &Reading, period: &Period<'_>, span: Span) -> Option<Row> {
        let is_named = self.patterns.iter().any(|pattern| fits(pattern, reading));
        if !self.patterns.is_empty() && !is_named {
            return None;
        }
        let is_wanted = match self.shown {
            Shown::All | Shown::Explained => true,
            Shown::Bad => reading.value > 0,
            Shown::Moving => {
                let by_name = self.patterns.iter().any(|word| names_it(word, reading));
                by_name || is_moving(reading, period, is_named)
            }
        };
        let row = is_wanted.then(|| Row::new(reading, period, span))?;
        (self.shown != Shown::Bad || row.worrying).then_some(row)
    }
}

/// Says whether a counter is worth a line where nothing else was asked for.
fn is_moving(reading: &Reading, period: &Period<'_>, is_named: bool) -> bool {
    if is_named {
        return reading.value > 0;
    }
    if LARGE.contains(&reading.group.as_str()) {
        return false;
    }
    let nature = meanings::explain(&reading.group, &reading.name).map(|entry| entry.nature);
    match nature {
        Some(Nature::Setting) => false,
        Some(Nature::Gauge) if period.has_begin() => period.before(reading) != Some(reading.value),
        Some(Nature::Gauge) => reading.value > 0,
        Some(Nature::Counter) | None => period.growth(reading) != Some(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_asked_for_by_name_is_shown_although_it_is_0_and_a_file_is_a_choice() {
        let reading = Reading {
            group: "TcpExt".to_owned(),
            instance: None,
            name: "ListenOverflows".to_owned(),
            value: 0,
            source: "/proc/net/netstat",
        };
        for word in [
            "listenoverflows",
            "TcpExtListenOverflows",
            "tcpext.ListenOverflows",
        ] {
            assert!(names_it(word, &reading), "{word}");
        }
        for word in ["TcpExt", "Listen*", "netstat"] {
            assert!(fits(word, &reading) && !names_it(word, &reading), "{word}");
        }
        assert!(!fits("snmp", &reading));
    }
}
