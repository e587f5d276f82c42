//! `--netns`: a verb that looks at another network namespace enters it first. `--all-netns`: it enters one
//! after the other.

use std::collections::{BTreeMap, BTreeSet};

use plumb_collect::netns::{self, Namespaces};
use plumb_model::NetnsId;
use plumb_present::json;

use super::status;
use crate::errno;

/// Enters the namespace asked for, for the rest of this process; `Err` is the exit status.
pub fn enter(verb: &str, netns: Option<&str>) -> Result<(), u8> {
    let Some(text) = netns else {
        return Ok(());
    };
    let Some(netns) = netns::find(text) else {
        let text = format!("no network namespace {text}: a name, a pid, net:[INODE] or a path");
        return Err(status::complain(verb, &text, status::USAGE));
    };
    netns::enter(&netns).map_err(|errno| {
        let text = format!(
            "cannot enter network namespace {text}: {}",
            errno::words(errno)
        );
        status::complain(verb, &text, status::BLIND)
    })
}

/// Calls `look` inside every network namespace of this host that may be entered, our own first, with its
/// identity and what it is called; says why others are missing.
pub fn visit_all(look: impl FnMut(NetnsId, &str)) -> Vec<String> {
    let found = netns::list();
    let hidden = found.hidden_processes;
    let gap = format!("network namespaces of {hidden} processes: permission denied");
    let mut gaps = visit(found, look);
    if hidden > 0 {
        gaps.insert(0, gap);
    }
    gaps
}

/// Does the same with those that are wanted.
pub fn visit_those(wanted: &BTreeSet<NetnsId>, look: impl FnMut(NetnsId, &str)) -> Vec<String> {
    let mut found = netns::list();
    found.all.retain(|place| wanted.contains(&place.id));
    visit(found, look)
}

fn visit(found: Namespaces, mut look: impl FnMut(NetnsId, &str)) -> Vec<String> {
    let Ok(home) = netns::Home::remember() else {
        return vec!["the way back from a network namespace".to_owned()];
    };
    let mut refused: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for place in found.all {
        let label = json::text(&place.label());
        // Our own needs no privilege: an ordinary user sees at least that one.
        let is_own = found.own == Some(place.id);
        if !is_own && let Err(refusal) = netns::enter(&place) {
            refused
                .entry(errno::words(refusal))
                .or_default()
                .push(label);
            continue;
        }
        look(place.id, &label);
        if !is_own && let Err(errno) = home.go() {
            // We would read a wrong namespace from here on.
            let mut gaps = folded(refused);
            gaps.push(format!(
                "the way back from a network namespace: {}",
                errno::words(errno)
            ));
            return gaps;
        }
    }
    folded(refused)
}

/// Makes a line of all namespaces that are missing for the same reason: how many, and some of them.
pub fn folded(missing: BTreeMap<String, Vec<String>>) -> Vec<String> {
    const SHOWN: usize = 3;
    let line = |(why, labels): (String, Vec<String>)| match labels.as_slice() {
        [label] => format!("network namespace {label}: {why}"),
        all => {
            let shown: Vec<&str> = all.iter().take(SHOWN).map(String::as_str).collect();
            let more = if all.len() > SHOWN { ", …" } else { "" };
            format!(
                "{} network namespaces ({}{more}): {why}",
                all.len(),
                shown.join(", ")
            )
        }
    };
    missing.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespaces_that_are_missing_for_one_reason_are_one_line() {
        let missing = |count: usize| {
            let labels = (0..count).map(|number| format!("net{number}")).collect();
            folded(BTreeMap::from([("permission denied".to_owned(), labels)]))
        };
        assert_eq!(missing(1), ["network namespace net0: permission denied"]);
        assert_eq!(
            missing(2),
            ["2 network namespaces (net0, net1): permission denied"]
        );
        let many = ["40 network namespaces (net0, net1, net2, …): permission denied"];
        assert_eq!(missing(40), many);
    }
}
