//! The lab has a fault and a healthy control for everything that is looked for.

use plumb_analyze::diagnose;
use plumb_testkit::lab;

/// Gives the ids of which the lab has no scenario of this sort.
fn without(control: bool) -> Vec<&'static str> {
    let has = |id: &str| {
        lab::all().any(|scenario| scenario.finding() == id && scenario.is_control() == control)
    };
    diagnose::ids().filter(|id| !has(id)).collect()
}

#[test]
fn every_finding_has_a_fault_and_a_control() {
    let none: [&str; 0] = [];
    assert_eq!(without(false), none, "no fault");
    assert_eq!(without(true), none, "no control");
}

#[test]
fn what_a_scenario_is_about_is_looked_for() {
    let unknown = |id: &str| id != "host" && !diagnose::ids().any(|known| known == id);
    let odd: Vec<&str> = lab::all()
        .map(|scenario| scenario.name)
        .filter(|name| unknown(name.split('/').next().unwrap_or_default()))
        .collect();
    assert!(odd.is_empty(), "{odd:?}");
}
