//! What the kernel left out: it does not run a program on a processor where it has interrupted that very program,
//! and counts how often (`recursion_misses`, 5.12, 9ed9e9ba2337). Below it nobody knows.

use std::os::fd::AsFd as _;

use aya::Ebpf;

use super::plan::Used;
use crate::sys;

/// Two programs at one place, of which one always runs (`probes/recorder/states.h`).
const STAND_IN: [&str; 2] = ["states", "states_meanwhile"];

/// Counts it over all programs at work, but for those whose place another took.
pub(super) fn count(object: &Ebpf, used: &[Used]) -> u64 {
    let names = used.iter().map(|used| used.name);
    let names = names.filter(|name| !STAND_IN.contains(name));
    names.filter_map(|name| of(object, name)).sum()
}

/// The count of one program; `None` where the kernel does not tell.
fn of(object: &Ebpf, name: &str) -> Option<u64> {
    let program = object.program(name)?.fd().ok()?;
    sys::recursion_misses(program.as_fd()).ok()?
}

#[cfg(test)]
mod tests {
    mod needs_root {
        use std::os::fd::AsRawFd as _;

        use plumb_testkit::sandbox;

        use super::super::*;
        use crate::recorder::{Plan, Recorder};

        /// The kernel's own words about a program, a line each.
        fn told(program: &impl std::os::fd::AsFd) -> Vec<(String, String)> {
            let number = program.as_fd().as_raw_fd();
            let told = std::fs::read_to_string(format!("/proc/self/fdinfo/{number}"));
            let told = told.expect("it is ours");
            let lines = told.lines().filter_map(|line| line.split_once(":\t"));
            lines
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .collect()
        }

        #[test]
        fn the_word_that_is_read_is_the_one_the_kernel_counts_in() {
            sandbox::run(|| {
                let recorder = Recorder::start(&Plan::default()).expect("it runs here");
                let object = &recorder.object;
                let program = object.program("states").expect("it is there");
                let program = program.fd().expect("it is loaded");
                let told = told(&program);
                let value = |key: &str| {
                    let found = told.iter().find(|(name, _)| name == key);
                    found.and_then(|(_, value)| value.parse::<u64>().ok())
                };
                assert_eq!(of(object, "states"), value("recursion_misses"));
                // What lies beside it is no zero, so that one taken for the other would be seen.
                assert_ne!(value("verified_insns"), Some(0));
                assert_eq!(of(object, "drops"), None, "it was not asked for");
            });
        }
    }
}
