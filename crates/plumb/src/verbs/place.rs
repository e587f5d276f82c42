//! `--netns`: a verb that looks at another network namespace enters it first. `--all-netns`: it enters one
//! after the other.

use std::collections::BTreeSet;

use plumb_collect::netns::{self, Namespaces};
use plumb_model::NetnsId;
use plumb_present::json;

use super::status;

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
        let text = format!("cannot enter network namespace {text}: {errno}");
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
    let mut gaps = Vec::new();
    for place in found.all {
        let label = json::text(&place.label());
        // Our own needs no privilege: an ordinary user sees at least that one.
        let is_own = found.own == Some(place.id);
        if !is_own && let Err(errno) = netns::enter(&place) {
            gaps.push(format!("network namespace {label}: {errno}"));
            continue;
        }
        look(place.id, &label);
        if !is_own && let Err(errno) = home.go() {
            // We would read a wrong namespace from here on.
            gaps.push(format!("the way back from a network namespace: {errno}"));
            return gaps;
        }
    }
    gaps
}
