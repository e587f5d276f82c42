//! From facts of a kernel and a user to abilities: can it be done, why, and the command that would allow
//! more.
//!
//! One file for each area. An ability is `no` when nothing of it works, `partly` when others' things are
//! missing from it. The command is exact and asks for no more than what is missing; where no command helps
//! (a container's limits, a kernel built without) the reason says who could.

mod bpf;
mod namespaces;
mod network;
mod owners;
mod recorder;
mod remedy;
mod sockets;

pub use bpf::hooks_in_words;
use plumb_model::ability::{Ability, Capabilities, Facts, Verdict};
use remedy::Remedy;

/// Gives the abilities, area by area.
pub fn check(facts: &Facts) -> Vec<Ability> {
    let mut abilities = Vec::new();
    sockets::check(facts, &mut abilities);
    owners::check(facts, &mut abilities);
    namespaces::check(facts, &mut abilities);
    bpf::check(facts, &mut abilities);
    recorder::check(facts, &mut abilities);
    network::check(facts, &mut abilities);
    abilities
}

/// Gives the one command that allows all that single ones would, where there is more than one: each
/// replaces what a file had.
pub fn setcap_for_all(facts: &Facts, abilities: &[Ability]) -> Option<String> {
    let given = abilities.iter().map(|ability| ability.gives);
    let mut single: Vec<Capabilities> = given.filter(|gives| !gives.is_empty()).collect();
    single.sort_unstable_by_key(|gives| gives.0);
    single.dedup();
    let all = single
        .iter()
        .fold(Capabilities::default(), |all, gives| all.and(*gives));
    (single.len() > 1).then(|| remedy::setcap(&facts.user, all))
}

/// `ENOENT`: there is no such thing, which for some questions is the good answer.
const ENOENT: i32 = 2;
/// `EPERM` and `EACCES`.
const REFUSALS: [i32; 2] = [1, 13];

fn ability(
    area: &'static str,
    key: &str,
    what: &str,
    verdict: Verdict,
    why: impl Into<String>,
) -> Ability {
    Ability {
        area,
        key: key.to_owned(),
        what: what.to_owned(),
        verdict,
        why: why.into(),
        allow: None,
        gives: Capabilities::default(),
    }
}

/// The same ability, with what would allow more of it.
fn with_remedy(mut ability: Ability, remedy: Remedy) -> Ability {
    ability.allow = remedy.allow;
    ability.gives = remedy.gives;
    ability
}

fn with_allow(mut ability: Ability, allow: Option<String>) -> Ability {
    ability.allow = allow;
    ability
}

#[cfg(test)]
mod tests;
