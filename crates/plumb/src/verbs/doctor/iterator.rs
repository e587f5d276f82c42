//! `plumb doctor --install-iterator`: a pinned program from which a group reads the owners of all sockets.

use std::path::Path;

use plumb_bpf::Unavailable;
use plumb_bpf::pin::{self, GROUP_MODE, PATHS};
use plumb_collect::names;

use super::super::status;
use crate::output::Output;

/// What the members of the group get.
const EXPOSES: &str = "\
Whoever may read it sees, for every socket of every process that his own /proc could list: process id,
thread, command name, start of the process, descriptor, inode, cookie, network namespace, cgroup, family,
type and protocol. He sees no data, no addresses (those sock_diag tells everybody), no command lines, no
environment, and no files that are no sockets. He can change nothing.
It stays until the machine starts again or until `plumb doctor --remove-iterator`.
";

/// Pins the program; gives the exit status.
pub(super) fn install(group: &str) -> u8 {
    let Some(gid) = names::group_named(group) else {
        let text = format!("there is no group {group}");
        return status::complain("doctor", &text, status::USAGE);
    };
    let mut refusals = Vec::new();
    for path in PATHS {
        match pin::install(Path::new(path), Some(gid), GROUP_MODE) {
            Ok(()) => {
                say(&format!(
                    "{path} is pinned and may be read by group {group}.\n{EXPOSES}"
                ));
                return status::FINE;
            }
            Err(refusal) => refusals.push(refusal),
        }
    }
    complain(&refusals)
}

/// Takes it away; gives the exit status.
pub(super) fn remove() -> u8 {
    let mut refusals = Vec::new();
    let mut removed = false;
    for path in PATHS {
        match pin::remove(Path::new(path)) {
            Ok(true) => {
                removed = true;
                say(&format!("{path} is removed.\n"));
            }
            Ok(false) => {}
            Err(refusal) => refusals.push(refusal),
        }
    }
    if !refusals.is_empty() {
        return complain(&refusals);
    }
    if !removed {
        say("No iterator is pinned.\n");
    }
    status::FINE
}

fn say(text: &str) {
    let mut out = Output::stdout();
    out.raw(|out| out.extend_from_slice(text.as_bytes()));
    out.flush();
}

fn complain(refusals: &[Unavailable]) -> u8 {
    let mut last = status::NO;
    for refusal in refusals {
        last = status::complain("doctor", &refusal.why, status::NO);
        if let Some(allow) = &refusal.allow {
            last = status::complain(
                "doctor",
                &format!("would be allowed by: {allow}"),
                status::NO,
            );
        }
    }
    last
}
