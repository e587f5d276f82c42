//! Every scenario, one file for each finding or for those that are made alike.

mod accept_queue_overflow;
mod answers;
mod backlog;
mod behind;
mod bound;
mod close_wait_leak;
mod closing;
mod commands;
mod datagrams;
mod elsewhere;
mod ephemeral_port_exhaustion;
mod fd_limit;
mod firewall;
mod half_open_peer;
mod hosts;
mod interface_errors;
mod links;
mod machine;
mod memory;
mod middle;
pub(super) mod names;
mod no_listener;
mod one_way;
mod path;
mod port_in_use;
mod queues;
mod received;
mod refused_sends;
mod resets;
mod reuseport_imbalance;
mod routed;
mod segments;
pub(super) mod sides;
mod slow;
mod syn_queue_overflow;
mod thrown_away;
mod traffic;
mod turned_away;
mod unix_backlog;
mod unread;

use super::{Place, Scenario};

/// Gives all scenarios in the order of findings.md.
pub fn all() -> impl Iterator<Item = &'static Scenario> {
    [
        accept_queue_overflow::SCENARIOS,
        syn_queue_overflow::SCENARIOS,
        no_listener::SCENARIOS,
        port_in_use::SCENARIOS,
        fd_limit::SCENARIOS,
        reuseport_imbalance::SCENARIOS,
        close_wait_leak::SCENARIOS,
        ephemeral_port_exhaustion::SCENARIOS,
        closing::SCENARIOS,
        resets::SCENARIOS,
        half_open_peer::SCENARIOS,
        path::SCENARIOS,
        firewall::SCENARIOS,
        thrown_away::SCENARIOS,
        turned_away::SCENARIOS,
        segments::SCENARIOS,
        one_way::SCENARIOS,
        answers::SCENARIOS,
        queues::SCENARIOS,
        received::SCENARIOS,
        refused_sends::SCENARIOS,
        bound::SCENARIOS,
        routed::SCENARIOS,
        slow::SCENARIOS,
        datagrams::SCENARIOS,
        unix_backlog::SCENARIOS,
        unread::SCENARIOS,
        hosts::SCENARIOS,
        names::SCENARIOS,
        memory::SCENARIOS,
        interface_errors::SCENARIOS,
        backlog::SCENARIOS,
        commands::SCENARIOS,
        sides::SCENARIOS,
        behind::SCENARIOS,
        elsewhere::SCENARIOS,
        links::SCENARIOS,
        middle::SCENARIOS,
        machine::SCENARIOS,
    ]
    .into_iter()
    .flatten()
}

/// Says what a scenario takes.
pub fn place_of(scenario: &Scenario) -> Place {
    let alike = |other: &Scenario| other.name == scenario.name;
    if machine::SCENARIOS.iter().any(alike) {
        Place::Machine
    } else {
        Place::Namespaces
    }
}
