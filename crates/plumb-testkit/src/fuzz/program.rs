//! What the programs `fuzz-netstat` and `fuzz-ss` share: their command line and their report.
//!
//! `--plumb PROGRAM [--cases N] [--seed S] [--first-failure-only] [--keep DIR]
//! [--show N]`. They make their
//! own namespaces (root is needed). Every failing case is printed with its seed; run that seed with
//! `--cases 1` to see it again alone; `--keep` copies what it read to `DIR`. Exit status 0: no
//! difference; 1: some; 2: usage.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::{Plan, Report};
use crate::sandbox;

/// The most failures that are shown in full, unless `--show` says otherwise.
const SHOWN: u64 = 10;

/// Runs cases of `run` as the command line says; `name` is the program's.
pub fn main(name: &str, run: fn(&Path, &Plan) -> io::Result<Report>) -> ExitCode {
    match run_cases(run) {
        Ok(status) => status,
        Err(error) => {
            eprintln!("{name}: {error}");
            ExitCode::from(2)
        }
    }
}

fn run_cases(run: fn(&Path, &Plan) -> io::Result<Report>) -> io::Result<ExitCode> {
    let (program, plan, shown) = arguments()?;
    if let Some(status) = sandbox::enter_program()? {
        return Ok(status);
    }
    let report = run(&program, &plan)?;
    for failure in report.failures.iter().take(shown) {
        println!("{}", failure.difference);
    }
    for failure in &report.failures {
        println!("seed {}: {}", failure.seed, failure.difference.summary());
    }
    println!(
        "{} cases: {} differ, {} left nothing to compare",
        report.cases,
        report.failures.len(),
        report.skipped
    );
    Ok(ExitCode::from(u8::from(!report.failures.is_empty())))
}

fn arguments() -> io::Result<(PathBuf, Plan, usize)> {
    let mut program = None;
    let mut shown = SHOWN;
    let mut plan = Plan {
        cases: 2_000,
        seed: 1,
        first_failure_only: false,
        keep: None,
    };
    let mut words = std::env::args_os().skip(1);
    while let Some(word) = words.next() {
        let mut value = || {
            words
                .next()
                .ok_or_else(|| io::Error::other(format!("{} needs a value", word.display())))
        };
        match word.to_str() {
            Some("--plumb") => program = Some(std::path::absolute(value()?)?),
            Some("--cases") => plan.cases = number(&value()?)?,
            Some("--seed") => plan.seed = number(&value()?)?,
            Some("--keep") => plan.keep = Some(std::path::absolute(value()?)?),
            Some("--show") => shown = number(&value()?)?,
            Some("--first-failure-only") => plan.first_failure_only = true,
            _ => return Err(io::Error::other(format!("unknown word {}", word.display()))),
        }
    }
    let program = program.ok_or_else(|| io::Error::other("--plumb PROGRAM is missing"))?;
    let shown = usize::try_from(shown).unwrap_or(usize::MAX);
    Ok((program, plan, shown))
}

fn number(word: &std::ffi::OsStr) -> io::Result<u64> {
    word.to_str()
        .and_then(|word| word.parse().ok())
        .ok_or_else(|| io::Error::other(format!("{} is no number", word.display())))
}
