//! The tables of sockets.

use plumb_model::ability::{Ability, Capabilities, Facts, Table, Verdict};

use super::{ENOENT, REFUSALS, ability, remedy, with_allow, with_remedy};

const AREA: &str = "sockets";
/// `EOPNOTSUPP`.
const NOT_SUPPORTED: i32 = 95;

pub(super) fn check(facts: &Facts, abilities: &mut Vec<Ability>) {
    abilities.extend(facts.tables.iter().map(table));
    abilities.push(kill(facts));
}

fn table(table: &Table) -> Ability {
    let key = format!("diag-{}", table.word);
    let what = format!("{} sockets from sock_diag", table.word);
    let new = |verdict, why: &str| ability(AREA, &key, &what, verdict, why);
    match table.answer.0 {
        0 => new(Verdict::Yes, "sock_diag tells all of them, whoever asks"),
        code if REFUSALS.contains(&code) => new(
            Verdict::No,
            "the kernel refuses: a security module or seccomp forbids it here",
        ),
        // EINVAL, EPROTONOSUPPORT and ENOENT all say that no module answers.
        _ if table.has_module == Some(false) => {
            let why = format!("this kernel was built without {}", table.module);
            new(Verdict::No, &why)
        }
        _ => with_allow(
            new(Verdict::No, &format!("{} is not loaded", table.module)),
            Some(format!("sudo modprobe {}", table.module)),
        ),
    }
}

fn kill(facts: &Facts) -> Ability {
    let new =
        |verdict, why: &str| ability(AREA, "destroy", "closing sockets (ss -K)", verdict, why);
    match facts.destroy.0 {
        NOT_SUPPORTED => new(
            Verdict::No,
            "this kernel was built without CONFIG_INET_DIAG_DESTROY",
        ),
        ENOENT => match remedy::capabilities(&facts.user, Capabilities::NET_ADMIN) {
            None => new(
                Verdict::Yes,
                "the kernel closes what SOCK_DESTROY names (4.5)",
            ),
            Some(remedy) => with_remedy(new(Verdict::No, &remedy.why), remedy),
        },
        code if REFUSALS.contains(&code) => {
            match remedy::capabilities(&facts.user, Capabilities::NET_ADMIN) {
                Some(remedy) => with_remedy(new(Verdict::No, &remedy.why), remedy),
                None => new(Verdict::No, "the kernel refuses, whatever we may otherwise"),
            }
        }
        code => new(
            Verdict::No,
            &format!("the kernel answers with error {code}"),
        ),
    }
}
