//! Random command lines, filters, dumps, trees and terminals, the real ss against ours.
//!
//! As in [`fuzz`](crate::fuzz), everything comes from the seed: case `i` of seed `S` is case 0 of
//! seed `S + i`. Most cases read a dump (`TCPDIAG_FILE`) or a tree (`PROC_ROOT`) and so stand
//! still; the rest ask the kernel about the empty namespace of the caller's
//! [`sandbox`](crate::sandbox).

mod arguments;
mod filters;
pub mod live;
mod rows;
mod trees;

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use super::deviations;
use crate::differential::etc::Etc;
use crate::differential::{Call, Difference, Lab, Program, Stdout, Tool};
use crate::frozen::ProcTree;
use crate::fuzz::{Failure, Plan, Report};
use crate::random::Random;

/// The widest terminal.
const WIDEST: usize = 300;

/// How often a case must differ in which the kernel was asked.
const ATTEMPTS: usize = 5;
/// The tree as the programs name it: the original's buffers hold no long names.
const TREE: &str = "proc/";

/// Runs the cases with the program `ours`, in the caller's sandbox.
pub fn run(ours: &Path, plan: &Plan) -> io::Result<Report> {
    let mut lab = Lab::of(Tool::SS, ours)?;
    // Nothing that ticks is in these states.
    lab.live = false;
    let tree = ProcTree::new()?;
    symlink(tree.path(), lab.work().join(TREE.trim_end_matches('/')))?;
    let mut report = Report::default();
    for seed in (plan.seed..).take(usize::try_from(plan.cases).unwrap_or(usize::MAX)) {
        report.cases += 1;
        lab.situation = format!("seed {seed}");
        let failure = one(&lab, &tree, seed, &mut report)?;
        let failed = failure.is_some();
        if let (Some(failure), Some(dir)) = (&failure, &plan.keep) {
            let target = dir.join(format!("seed-{}", failure.seed));
            keep(&lab, &tree, &target)?;
            keep_outcomes(&failure.difference, &target)?;
        }
        report.failures.extend(failure);
        if plan.first_failure_only && failed {
            break;
        }
    }
    Ok(report)
}

/// Copies what the case read: the tree, and the files it named in its working directory.
fn keep(lab: &Lab, tree: &ProcTree, target: &Path) -> io::Result<()> {
    fs::create_dir_all(target)?;
    copy(lab.work(), target)?;
    // In place of the link to the tree.
    let kept = target.join(TREE.trim_end_matches('/'));
    fs::remove_file(&kept)?;
    fs::create_dir(&kept)?;
    copy(tree.path(), &kept)
}

/// Copies what a directory holds, links and all.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let status = Command::new("cp")
        .arg("-a")
        .arg(from.join("."))
        .arg(to)
        .status()?;
    if status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!("cannot copy to {}", to.display())))
}

/// Writes what both programs left.
fn keep_outcomes(difference: &Difference, target: &Path) -> io::Result<()> {
    for (name, outcome) in [
        ("original", &difference.original),
        ("ours", &difference.ours),
    ] {
        fs::write(target.join(name).with_extension("out"), &outcome.stdout)?;
        fs::write(target.join(name).with_extension("err"), &outcome.stderr)?;
    }
    fs::write(target.join("call"), difference.summary() + "\n")
}

fn one(lab: &Lab, tree: &ProcTree, seed: u64, report: &mut Report) -> io::Result<Option<Failure>> {
    let mut random = Random::new(seed);
    tree.clear()?;
    let call = call(&mut random, lab, tree)?;
    let original = lab.run(Program::Original, &call)?;
    let Some(rule) = deviations::rule_for(&original) else {
        report.skipped += 1;
        return Ok(None);
    };
    // The kernel's own counts may tick.
    let is_frozen = call
        .environment
        .iter()
        .any(|(name, _)| *name == "PROC_ROOT");
    let attempts = if is_frozen { 1 } else { ATTEMPTS };
    let mut difference = lab.compare(&call, &rule).err();
    for _ in 1..attempts {
        if difference.is_some() {
            difference = lab.compare(&call, &rule).err();
        }
    }
    Ok(difference.map(|difference| Failure {
        seed,
        difference: *difference,
    }))
}

/// Writes the files of a case and gives its call.
fn call(random: &mut Random, lab: &Lab, tree: &ProcTree) -> io::Result<Call> {
    let mut call = Call::words(arguments::words(random));
    surroundings(random, &mut call);
    let on_terminal = call.stdout != Stdout::File;
    let mut etc = if random.chance(50) {
        Etc::odd()
    } else {
        Etc::default()
    };
    if on_terminal {
        etc.hosts = harmless(&etc.hosts);
    }
    lab.set_etc(&etc)?;
    fs::write(lab.work().join("filter"), filters::file(random))?;
    if random.chance(30) {
        call.stdin = filters::file(random);
    }
    let kind = random.below(20);
    if kind < 14 {
        fs::write(lab.work().join("rows"), rows::random_dump(random))?;
        call.environment.push(("TCPDIAG_FILE", "rows".into()));
    }
    if kind < 2 || (7..19).contains(&kind) {
        trees::write(random, tree)?;
        if on_terminal {
            trees::change_texts(tree, harmless)?;
        }
        point_at(random, &mut call);
    } else {
        trees::counters(random, tree)?;
    }
    freeze_counters(&mut call);
    Ok(call)
}

/// Lets -s read files where it would ask the kernel, whose counts tick.
fn freeze_counters(call: &mut Call) {
    let has = |call: &Call, name: &str| call.environment.iter().any(|(known, _)| *known == name);
    if has(call, "PROC_ROOT") {
        return;
    }
    for (variable, file) in trees::COUNTERS {
        if !has(call, variable) {
            call.environment
                .push((variable, format!("{TREE}{file}").into()));
        }
    }
}

/// Replaces what ours escapes on a terminal and the original does not.
fn harmless(text: &[u8]) -> Vec<u8> {
    let is_harmless = |byte: u8| byte == b'\n' || (b' '..=b'~').contains(&byte);
    text.iter()
        .map(|&byte| if is_harmless(byte) { byte } else { b'?' })
        .collect()
}

/// Lets the program read a tree as a whole, or some of its files.
fn point_at(random: &mut Random, call: &mut Call) {
    if random.chance(85) {
        call.environment.push(("PROC_ROOT", TREE.into()));
        return;
    }
    for (variable, file) in trees::TABLES {
        if random.chance(60) {
            call.environment
                .push((variable, format!("{TREE}{file}").into()));
        }
    }
}

fn surroundings(random: &mut Random, call: &mut Call) {
    if random.chance(40) {
        let columns = if random.chance(5) {
            0
        } else {
            random.between(1, WIDEST)
        };
        call.stdout = Stdout::Terminal(u16::try_from(columns).unwrap_or(0));
    }
    if random.chance(10) {
        let columns = *random.pick(&["80", "0", "x", "20", "200"]);
        call.environment.push(("COLUMNS", columns.into()));
    }
    if random.chance(3) {
        call.environment.push(("POSIXLY_CORRECT", "1".into()));
    }
    if random.chance(5) {
        call.user = Some(*random.pick(&[1000, 65_534]));
    }
}

#[cfg(test)]
mod tests {
    mod needs_root {
        use super::super::run;
        use crate::fuzz::Plan;

        #[test]
        fn the_original_does_not_differ_from_itself() {
            crate::sandbox::run(|| {
                let plan = Plan {
                    cases: 400,
                    seed: 1,
                    first_failure_only: false,
                    keep: None,
                };
                let report = run("/usr/bin/ss".as_ref(), &plan).expect("it is installed");
                for failure in &report.failures {
                    println!("{}", failure.difference);
                }
                assert!(report.failures.is_empty());
                assert!(
                    report.skipped < 40,
                    "{} left nothing to compare",
                    report.skipped
                );
            });
        }

        #[test]
        fn a_program_that_does_something_else_is_found_out() {
            crate::sandbox::run(|| {
                let plan = Plan {
                    cases: 20,
                    seed: 1,
                    first_failure_only: true,
                    keep: None,
                };
                let report = run("/bin/true".as_ref(), &plan).expect("it is installed");
                assert_eq!(report.failures.len(), 1);
            });
        }
    }
}
