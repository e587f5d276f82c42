//! Random command lines over random kernel states, the original against ours.
//!
//! Everything comes from the seed: case `i` of seed `S` is case 0 of seed `S + i`, so that one
//! failing case can be run again alone. To be used in a [`sandbox`](crate::sandbox); both programs
//! are started directly, several hundred cases a second.

mod arguments;
pub(crate) mod damage;
mod fixtures;
pub mod program;

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::deviations;
use crate::differential::{Call, Difference, Lab, Program, Source, Until};
use crate::frozen::ProcTree;
use crate::random::Random;
use crate::temp::TempDir;

/// How long a command line that may repeat itself runs: its first round, and not its second.
const FIRST_ROUND: std::time::Duration = std::time::Duration::from_millis(500);

/// What to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// How many cases.
    pub cases: u64,
    /// The seed of the first; the next has the next seed.
    pub seed: u64,
    /// Whether to stop at the first failure.
    pub first_failure_only: bool,
    /// Where to copy the `/proc` trees of failing cases, each as `seed-SEED`.
    pub keep: Option<PathBuf>,
}

/// A case in which the two programs differ.
#[derive(Debug)]
pub struct Failure {
    /// Run this seed with one case to see it again.
    pub seed: u64,
    /// What differs.
    pub difference: Difference,
}

/// What came out.
#[derive(Debug, Default)]
pub struct Report {
    /// Cases run.
    pub cases: u64,
    /// Cases in which a decided deviation, or a crash of the original, left nothing to compare.
    pub skipped: u64,
    /// The failures.
    pub failures: Vec<Failure>,
}

/// Runs the cases with the program `ours`, in the caller's sandbox.
pub fn run(ours: &Path, plan: &Plan) -> io::Result<Report> {
    // Real interfaces, so that -i has more than loopback to ask the kernel about.
    crate::live::make_interfaces()?;
    let mut lab = Lab::new(ours)?;
    let tree = ProcTree::new()?;
    let diag = TempDir::new("diag")?;
    let _proc = lab.freeze("random", &tree)?;
    let mut report = Report::default();
    for seed in (plan.seed..).take(usize::try_from(plan.cases).unwrap_or(usize::MAX)) {
        report.cases += 1;
        lab.situation = format!("seed {seed}");
        one(&mut lab, &tree, &diag, seed, &mut report)?;
        let failed = report.failures.last().is_some_and(|last| last.seed == seed);
        if let (Some(dir), true) = (&plan.keep, failed) {
            keep(&tree, &dir.join(format!("seed-{seed}")))?;
        }
        if plan.first_failure_only && failed {
            break;
        }
    }
    Ok(report)
}

/// Copies a tree, links and all.
fn keep(tree: &ProcTree, target: &Path) -> io::Result<()> {
    std::fs::create_dir_all(target)?;
    let mut copy = Command::new("cp");
    copy.arg("-a").arg(tree.path().join(".")).arg(target);
    if copy.status()?.success() {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "cannot copy to {}",
        target.display()
    )))
}

fn one(
    lab: &mut Lab,
    tree: &ProcTree,
    diag: &TempDir,
    seed: u64,
    report: &mut Report,
) -> io::Result<()> {
    let mut random = Random::new(seed);
    let fixture = fixtures::write(&mut random, tree, diag)?;
    lab.set_etc(&fixture.etc)?;
    let call = call(&mut random);
    lab.source = Source::Proc;
    let original = lab.run(Program::Original, &call)?;
    let Some(rule) = deviations::rule_for(&original) else {
        report.skipped += 1;
        return Ok(());
    };
    let mut sources = vec![Source::Proc];
    if fixture.has_diag {
        sources.push(Source::FrozenNetlink(diag.path().to_owned()));
    }
    for source in sources {
        lab.source = source;
        let Err(difference) = lab.compare(&call, &rule) else {
            continue;
        };
        report.failures.push(Failure {
            seed,
            difference: *difference,
        });
        break;
    }
    Ok(())
}

fn call(random: &mut Random) -> Call {
    let words = arguments::words(random);
    let repeats = words.iter().any(|word| match word.as_bytes() {
        [b'-', b'-', rest @ ..] => rest.starts_with(b"c"),
        [b'-', rest @ ..] => rest.contains(&b'c'),
        _ => false,
    });
    let mut call = Call::words(words);
    if repeats {
        call.until = Until::Elapsed(FIRST_ROUND);
    }
    if random.chance(10) {
        call.user = Some(*random.pick(&[1000, 65_534]));
    }
    if random.chance(2) {
        call.environment.push(("POSIXLY_CORRECT", "1".into()));
    }
    call
}

#[cfg(test)]
mod tests {
    mod needs_root {
        use super::super::{Plan, run};

        #[test]
        fn the_original_does_not_differ_from_itself() {
            crate::sandbox::run(|| {
                let plan = Plan {
                    cases: 40,
                    seed: 1,
                    first_failure_only: false,
                    keep: None,
                };
                let report = run("/usr/bin/netstat".as_ref(), &plan).expect("it is installed");
                assert!(report.failures.is_empty(), "{:?}", report.failures);
                assert!(report.skipped < 20);
            });
        }

        #[test]
        fn a_program_that_does_something_else_is_found_out() {
            crate::sandbox::run(|| {
                let plan = Plan {
                    cases: 10,
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
