//! `fuzz-netstat --plumb PROGRAM [--cases N] [--seed S] [--first-failure-only] [--keep DIR]`:
//! the original against ours, at random.
//!
//! Makes its own namespaces (root is needed). Every failing case is printed with its seed; run that
//! seed with `--cases 1` to see it again alone; `--keep` copies its `/proc` tree to `DIR`. Exit status 0: no difference; 1: some; 2: usage.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use plumb_testkit::fuzz::{self, Plan};
use plumb_testkit::sandbox;

/// The most failures that are shown in full.
const SHOWN: usize = 10;

fn main() -> ExitCode {
    match run() {
        Ok(status) => status,
        Err(error) => {
            eprintln!("fuzz-netstat: {error}");
            ExitCode::from(2)
        }
    }
}

fn run() -> io::Result<ExitCode> {
    let (program, plan) = arguments()?;
    if let Some(status) = sandbox::enter_program()? {
        return Ok(status);
    }
    let report = fuzz::run(&program, &plan)?;
    for failure in report.failures.iter().take(SHOWN) {
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

fn arguments() -> io::Result<(PathBuf, Plan)> {
    let mut program = None;
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
            Some("--first-failure-only") => plan.first_failure_only = true,
            _ => return Err(io::Error::other(format!("unknown word {}", word.display()))),
        }
    }
    let program = program.ok_or_else(|| io::Error::other("--plumb PROGRAM is missing"))?;
    Ok((program, plan))
}

fn number(word: &std::ffi::OsStr) -> io::Result<u64> {
    word.to_str()
        .and_then(|word| word.parse().ok())
        .ok_or_else(|| io::Error::other(format!("{} is no number", word.display())))
}
