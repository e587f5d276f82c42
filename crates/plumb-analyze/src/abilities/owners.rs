//! Who holds sockets.

use plumb_model::Known;
use plumb_model::ability::{Ability, Bpf, Capabilities, Facts, Verdict};

use super::{ability, remedy, with_allow, with_remedy};
use crate::abilities::remedy::Remedy;

const AREA: &str = "owners";
/// What it takes to look into everybody's processes.
const LOOK: Capabilities = Capabilities::SYS_PTRACE.and(Capabilities::DAC_READ_SEARCH);

pub(super) fn check(facts: &Facts, abilities: &mut Vec<Ability>) {
    abilities.extend([
        engine(facts),
        proc(facts),
        bpf(facts),
        pinned(facts),
        executables(facts),
        processes(facts),
    ]);
}

fn engine(facts: &Facts) -> Ability {
    let what = "who holds which socket";
    let sees_all = facts.owners.engine == "bpf" || facts.processes.refused == 0;
    let verdict = if sees_all {
        Verdict::Yes
    } else {
        Verdict::Partly
    };
    let name = match facts.owners.engine {
        "bpf" => "a BPF program",
        _ => "a walk over /proc",
    };
    let why = format!("found by {name}: {}", facts.owners.why);
    let ability = ability(AREA, "owners", what, verdict, why);
    match cheapest(facts) {
        Some(remedy) if !sees_all => with_remedy(ability, remedy),
        _ => ability,
    }
}

/// What makes all owners known.
fn cheapest(facts: &Facts) -> Option<Remedy> {
    let by_bpf = Capabilities::BPF.and(Capabilities::PERFMON);
    let bpf_could = facts.places.kernel_types && facts.user.is_first_namespace;
    let needed = if bpf_could { by_bpf } else { LOOK };
    remedy::capabilities(&facts.user, needed)
}

fn proc(facts: &Facts) -> Ability {
    let what = "descriptors of other users' processes, from /proc";
    let new = |verdict, why: String| ability(AREA, "owners-proc", what, verdict, why);
    let processes = &facts.processes;
    let refused = processes.refused;
    let hides = matches!(facts.settings.hidepid, Known::Known(1 | 2 | 4));
    if refused == 0 && (!hides || facts.user.effective.has(Capabilities::SYS_PTRACE)) {
        return new(
            Verdict::Yes,
            format!("all {} processes show theirs", processes.listed),
        );
    }
    let verb = if refused == 1 { "does" } else { "do" };
    let listed = processes.listed;
    let mut why = format!("{refused} of {listed} processes {verb} not show theirs");
    if hides {
        why.push_str("; /proc is mounted with hidepid, so more may be hidden");
    }
    let because = match remedy::capabilities(&facts.user, LOOK) {
        Some(remedy) => {
            let why = format!("{why}: {}", remedy.why);
            return with_remedy(new(Verdict::Partly, why), remedy);
        }
        None if !facts.user.is_first_namespace => {
            "capabilities of a user namespace do not reach processes outside it"
        }
        None => "they have capabilities that we lack, or a security module forbids it",
    };
    new(Verdict::Partly, format!("{why}: {because}"))
}

fn bpf(facts: &Facts) -> Ability {
    let what =
        "owners told by a BPF program: threads' own tables, hidden processes, few milliseconds";
    match &facts.owners.bpf {
        Ok(Bpf::Loaded) => ability(
            AREA,
            "owners-bpf",
            what,
            Verdict::Yes,
            "loaded when it pays (5.8)",
        ),
        Ok(Bpf::Pinned(path)) => ability(
            AREA,
            "owners-bpf",
            what,
            Verdict::Yes,
            format!("by the iterator that is pinned at {path}"),
        ),
        Err(refusal) => {
            let needed = Capabilities::BPF.and(Capabilities::PERFMON);
            let no = |why: &str| ability(AREA, "owners-bpf", what, Verdict::No, why);
            match remedy::capabilities(&facts.user, needed) {
                Some(remedy) => with_remedy(no(&remedy.why), remedy),
                None => with_allow(no(&refusal.why), refusal.allow.clone()),
            }
        }
    }
}

fn pinned(facts: &Facts) -> Ability {
    let what = "owners for everybody in a group, without capabilities";
    if let Ok(Bpf::Pinned(path)) = &facts.owners.bpf {
        let why = format!("the iterator at {path} may be read");
        return ability(AREA, "owners-pinned", what, Verdict::Yes, why);
    }
    let why = "no iterator that may be read is pinned";
    let program = remedy::quoted(&facts.user.program);
    let sudo = if facts.user.uid.0 == 0 { "" } else { "sudo " };
    let allow = format!("{sudo}{program} doctor --install-iterator=GROUP");
    with_allow(
        ability(AREA, "owners-pinned", what, Verdict::No, why),
        Some(allow).filter(|_| facts.places.kernel_types),
    )
}

fn executables(facts: &Facts) -> Ability {
    let what = "executables of other users' processes";
    let remedy = remedy::capabilities(&facts.user, Capabilities::SYS_PTRACE);
    match remedy {
        None => ability(
            AREA,
            "executables",
            what,
            Verdict::Yes,
            "CAP_SYS_PTRACE is held",
        ),
        Some(remedy) => {
            let why = remedy.why.clone();
            with_remedy(ability(AREA, "executables", what, Verdict::No, why), remedy)
        }
    }
}

/// Whether `/proc` shows every process there is.
fn processes(facts: &Facts) -> Ability {
    let what = "every process of the host is in /proc";
    let new = |verdict, why: &str| ability(AREA, "processes", what, verdict, why);
    let covered = facts.processes.covered;
    match (facts.processes.is_first_namespace, &facts.settings.hidepid) {
        (Some(false), _) => new(
            Verdict::Partly,
            "this is a pid namespace of its own: processes outside it are not shown",
        ),
        (_, Known::Known(mode @ (1 | 2 | 4)))
            if !facts.user.effective.has(Capabilities::SYS_PTRACE) =>
        {
            let why = format!("/proc is mounted with hidepid={mode}");
            match remedy::capabilities(&facts.user, LOOK) {
                Some(remedy) => with_remedy(new(Verdict::Partly, &why), remedy),
                None => new(Verdict::Partly, &why),
            }
        }
        _ if covered > 0 => new(
            Verdict::Partly,
            &format!("something is mounted over the folders of {covered} of them"),
        ),
        _ => new(Verdict::Yes, "nothing hides any"),
    }
}
