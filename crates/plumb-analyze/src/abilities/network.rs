//! What acts on the network or listens to it below sockets.

use plumb_model::ability::{Ability, Capabilities, Facts, Verdict};

use super::{ability, remedy, with_remedy};

const AREA: &str = "network";

pub(super) fn check(facts: &Facts, abilities: &mut Vec<Ability>) {
    let raw = "raw packets: probing a path hop by hop";
    let admin = "changing the network: faults, filters on interfaces";
    for (key, what, needed) in [
        ("raw", raw, Capabilities::NET_RAW),
        ("admin", admin, Capabilities::NET_ADMIN),
    ] {
        abilities.push(match remedy::capabilities(&facts.user, needed) {
            None => {
                let why = format!("{} is held", needed.names().join(" ").to_uppercase());
                ability(AREA, key, what, Verdict::Yes, why)
            }
            Some(remedy) => {
                with_remedy(ability(AREA, key, what, Verdict::No, &*remedy.why), remedy)
            }
        });
    }
}
