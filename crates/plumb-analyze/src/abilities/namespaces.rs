//! Network namespaces, and what containers leave to be read.

use plumb_model::ability::{Ability, Capabilities, Facts, Verdict};

use super::{ability, remedy, with_allow};

const AREA: &str = "namespaces";

pub(super) fn check(facts: &Facts, abilities: &mut Vec<Ability>) {
    abilities.extend([netns(facts), cgroups(facts)]);
}

fn netns(facts: &Facts) -> Ability {
    let what = "sockets of every network namespace";
    let new = |verdict, why: String| ability(AREA, "netns", what, verdict, why);
    let namespaces = &facts.namespaces;
    let closed = namespaces.closed.len();
    if closed == 0 && namespaces.hidden_processes == 0 {
        let why = format!("{} found, each can be entered", namespaces.found);
        return new(Verdict::Yes, why);
    }
    let mut whys = Vec::new();
    if closed > 0 {
        let each = namespaces.closed.iter().map(|gap| gap.what.as_str());
        let each: Vec<&str> = each.take(3).collect();
        whys.push(format!(
            "{closed} of {} cannot be entered ({})",
            namespaces.found,
            each.join(", ")
        ));
    }
    if namespaces.hidden_processes > 0 {
        whys.push(match namespaces.hidden_processes {
            1 => "1 process does not say which its own is".to_owned(),
            many => format!("{many} processes do not say which theirs is"),
        });
    }
    let needed = Capabilities::SYS_ADMIN
        .and(Capabilities::SYS_PTRACE)
        .and(Capabilities::NET_ADMIN);
    let remedy = remedy::capabilities(&facts.user, needed);
    let allow = remedy.map(|_| format!("sudo {}", remedy::quoted(&facts.user.program)));
    let allow = allow.filter(|_| facts.user.uid.0 != 0);
    with_allow(new(Verdict::Partly, whys.join("; ")), allow)
}

fn cgroups(facts: &Facts) -> Ability {
    let what = "units, containers and pods by cgroup";
    let places = &facts.places;
    let new = |verdict, why: &str| ability(AREA, "cgroups", what, verdict, why);
    match (places.cgroup2, places.cgroup1) {
        (true, 0) => new(Verdict::Yes, "cgroup version 2 is mounted"),
        (true, _) => new(
            Verdict::Yes,
            "a hybrid of cgroup versions 1 and 2 is mounted",
        ),
        (false, 1..) => new(
            Verdict::Partly,
            "cgroup version 1 alone: sockets do not tell their cgroup, processes do",
        ),
        // What /proc/PID/cgroup says does not depend on a mount.
        (false, 0) => new(
            Verdict::Partly,
            "no cgroup file system is mounted here: processes tell, sockets by number alone",
        ),
    }
}
