//! Random command lines and filters among real sockets: what the kernel is asked, and its answers.
//!
//! Nothing in these cases kills a socket, so all of them see the same ones. Names are plain, because
//! terminals are among the cases.

use std::fs;
use std::io;
use std::path::Path;

use super::{arguments, filters, surroundings};
use crate::differential::{Call, Lab, Program, Stdout, Tool};
use crate::fuzz::{Failure, Plan, Report};
use crate::random::Random;
use crate::ss::deviations;
use crate::ss::fixture::{self, Names};

/// Runs the cases with the program `ours` among the sockets of the fixture, which it makes in the
/// caller's sandbox.
pub fn run(ours: &Path, plan: &Plan) -> io::Result<Report> {
    let mut lab = Lab::of(Tool::SS, ours)?;
    let fixture = fixture::make(&std::env::temp_dir(), Names::Plain)?;
    // The first to see a socket gives it its cookie.
    lab.run(Program::Original, &Call::words(["-ae"]))?;
    let mut report = Report::default();
    for seed in (plan.seed..).take(usize::try_from(plan.cases).unwrap_or(usize::MAX)) {
        report.cases += 1;
        lab.situation = format!("seed {seed}, live");
        let failure = one(&lab, seed, &mut report)?;
        let failed = failure.is_some();
        report.failures.extend(failure);
        if plan.first_failure_only && failed {
            break;
        }
    }
    drop(fixture);
    Ok(report)
}

fn one(lab: &Lab, seed: u64, report: &mut Report) -> io::Result<Option<Failure>> {
    let mut random = Random::new(seed);
    let words = arguments::words(&mut random);
    if words.iter().any(|word| is_left_out(word)) {
        report.skipped += 1;
        return Ok(None);
    }
    fs::write(lab.work().join("filter"), filters::file(&mut random))?;
    let mut call = Call::words(words);
    surroundings(&mut random, &mut call);
    let shows_threads = |word: &str| word.starts_with("--t") || is_cluster_with(word, &['T']);
    if words_of(&call).any(shows_threads) {
        // The thread that reads a terminal is one of those that would be shown.
        call.stdout = Stdout::File;
    }
    let original = lab.run(Program::Original, &call)?;
    let Some(rule) = deviations::rule_for(&original) else {
        report.skipped += 1;
        return Ok(None);
    };
    let difference = lab.compare(&call, &rule).err();
    Ok(difference.map(|difference| Failure {
        seed,
        difference: *difference,
    }))
}

/// Says whether a word may kill sockets (-K), counts those of programs that have just ended (-s),
/// makes the original ask rpcbind through a socket that it then lists (-r), or lets it list into
/// nothing (-D with a name that cannot be opened).
fn is_left_out(word: &str) -> bool {
    match word.strip_prefix("--") {
        Some(long) => ["kill", "summary", "resolve"]
            .iter()
            .any(|name| name.starts_with(long)),
        None => word == "none/x" || is_cluster_with(word, &['K', 's', 'r']),
    }
}

fn is_cluster_with(word: &str, letters: &[char]) -> bool {
    word.starts_with('-') && !word.starts_with("--") && word.contains(letters)
}

fn words_of(call: &Call) -> impl Iterator<Item = &str> {
    call.words.iter().filter_map(|word| word.to_str())
}

#[cfg(test)]
mod tests {
    mod needs_root {
        use super::super::run;
        use crate::fuzz::Plan;

        fn cases(program: &str, cases: u64) -> crate::fuzz::Report {
            let plan = Plan {
                cases,
                seed: 1,
                first_failure_only: false,
                keep: None,
            };
            run(program.as_ref(), &plan).expect("the sandbox allows it")
        }

        #[test]
        fn the_original_does_not_differ_from_itself() {
            crate::sandbox::run(|| {
                let report = cases("/usr/bin/ss", 150);
                for failure in &report.failures {
                    println!("{}", failure.difference);
                }
                assert!(report.failures.is_empty());
                assert!(report.skipped < 75, "{} skipped", report.skipped);
            });
        }

        #[test]
        fn a_program_that_does_something_else_is_found_out() {
            crate::sandbox::run(|| assert!(cases("/bin/true", 10).failures.len() > 3));
        }
    }
}
