//! Random runs of nstat, the original against ours: random tables and damage, random memories,
//! random command lines, several runs one after the other.
//!
//! As in [`fuzz`](crate::fuzz), everything comes from the seed: case `i` of seed `S` is case 0 of
//! seed `S + i`.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::Tables;
use super::pair::Pair;
use crate::differential::Call;
use crate::fuzz::damage::damage;
use crate::fuzz::{Failure, Plan, Report};
use crate::random::Random;

/// The most runs of one case.
const RUNS: usize = 4;
/// A user who owns nothing.
const NOBODY: u32 = 65_534;

/// Runs the cases with the program `ours`, in the caller's sandbox.
pub fn run(ours: &Path, plan: &Plan) -> io::Result<Report> {
    let mut pair = Pair::new(ours)?;
    let mut report = Report::default();
    for seed in (plan.seed..).take(usize::try_from(plan.cases).unwrap_or(usize::MAX)) {
        report.cases += 1;
        pair.set_situation(format!("seed {seed}"));
        pair.clear()?;
        one(&pair, seed, &mut report)?;
        let failed = report.failures.last().is_some_and(|last| last.seed == seed);
        if let (true, Some(dir)) = (failed, &plan.keep) {
            keep(&pair, &dir.join(format!("seed-{seed}")))?;
        }
        if plan.first_failure_only && failed {
            break;
        }
    }
    Ok(report)
}

/// Copies the tables of a case, as they were at its last run.
fn keep(pair: &Pair, target: &Path) -> io::Result<()> {
    fs::create_dir_all(target)?;
    for entry in fs::read_dir(pair.tables())? {
        let entry = entry?;
        fs::copy(entry.path(), target.join(entry.file_name()))?;
    }
    Ok(())
}

fn one(pair: &Pair, seed: u64, report: &mut Report) -> io::Result<()> {
    let mut random = Random::new(seed);
    let mut tables = Tables::new(&mut random);
    remember(&mut random, pair)?;
    for _ in 0..random.between(1, RUNS) {
        tables.write(&mut random, pair.tables())?;
        let call = call(&mut random, &tables);
        match pair.compare(&call)? {
            None => {
                report.skipped += 1;
                return Ok(());
            }
            Some(Ok(())) => tables.move_on(&mut random),
            Some(Err(difference)) => {
                report.failures.push(Failure {
                    seed,
                    difference: *difference,
                });
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Puts something in the place of the history: mostly nothing, or what an earlier run wrote.
fn remember(random: &mut Random, pair: &Pair) -> io::Result<()> {
    let kind = random.below(20);
    let text = history(random);
    let extra = random.below(1000);
    pair.remember(|path| {
        match kind {
            0..=7 => return Ok(()),
            8 => {
                fs::write(path.with_extension("target"), &text)?;
                return symlink(path.with_extension("target"), path);
            }
            9 => return fs::create_dir(path),
            _ => fs::write(path, &text)?,
        }
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
        match kind {
            10 => fs::hard_link(path, path.with_extension("other")),
            11 => chown(path, Some(NOBODY), None),
            12 => fs::set_permissions(path, fs::Permissions::from_mode(0o644)),
            // Far from the boot of any machine, so that a second more or less is no matter.
            13 => set_age(path, Duration::from_hours(40 * 365 * 24)),
            14 if extra < 500 => File::options()
                .write(true)
                .open(path)?
                .set_modified(SystemTime::now() + Duration::from_hours(24)),
            _ => Ok(()),
        }
    })
}

fn set_age(path: &Path, age: Duration) -> io::Result<()> {
    let file = File::options().write(true).open(path)?;
    file.set_modified(SystemTime::now() - age)
}

/// Gives what an earlier run may have written, damaged now and then.
fn history(random: &mut Random) -> Vec<u8> {
    let source = *random.pick(&["#kernel\n", "#kernel\n", "#kernel\n", "#5.7 x\n", "#\n", ""]);
    let mut text = source.as_bytes().to_vec();
    for name in Tables::new(random).names() {
        let value = random.any_size();
        if random.chance(80) {
            text.extend(format!("{name:<32}{value:<16}{:6.1}\n", 0.0).bytes());
        }
    }
    if random.chance(20) {
        text = damage(random, &text);
    }
    text
}

/// Words that are patterns, or options that make no sense.
const WORDS: &[&str] = &[
    "*",
    "tcp*",
    "IpIn*",
    "?p*",
    "[it]*",
    "[!t]*",
    "[^i]*",
    "[",
    "[a",
    "\\I*",
    "*[[:digit:]]*",
    "",
    "*drop*",
    "TCPEXT*",
    "Ip",
    "*e*r*s",
    "--",
    "-",
    "-Q",
    "--bogus",
    "--no",
    "--i",
    "-h",
    "-V",
    "--vers",
    "-?",
];
/// Options that take a word.
const WITH_WORD: &[&str] = &[
    "-t5",
    "-t",
    "--interval=7",
    "--in",
    "-d0",
    "-dx",
    "--scan=-5",
    "--scan",
    "-t0",
    "--interval=x",
    "-d",
];
const LONG: &[&str] = &[
    "--ignore",
    "--ig",
    "--noupdate",
    "--reset",
    "--nooutput",
    "--zeros",
    "--json",
    "--pretty",
    "--z",
    "--json=1",
];

fn call(random: &mut Random, tables: &Tables) -> Call {
    let mut words: Vec<String> = Vec::new();
    for _ in 0..random.below(4) {
        let word = match random.below(20) {
            0..=9 => cluster(random),
            10..=12 => (*random.pick(LONG)).to_owned(),
            13 => (*random.pick(WITH_WORD)).to_owned(),
            14 => (*random.pick(WORDS)).to_owned(),
            _ => pattern(random, tables),
        };
        words.push(word);
    }
    let mut call = Call::words(words);
    if random.chance(3) {
        call = call.with("POSIXLY_CORRECT", "1");
    }
    if random.chance(2) {
        call = call.with("NSTAT_HISTORY", *random.pick(&["", "/nonexistent/x", "/"]));
    }
    if random.chance(3) {
        call.user = Some(NOBODY);
    }
    call
}

fn cluster(random: &mut Random) -> String {
    let letters = (0..random.between(1, 3)).map(|_| char::from(*random.pick(b"aasrnzzjp")));
    std::iter::once('-').chain(letters).collect()
}

/// Gives a counter's name, or part of it between stars.
fn pattern(random: &mut Random, tables: &Tables) -> String {
    let names = tables.names();
    if names.is_empty() || random.chance(20) {
        return (*random.pick(&WORDS[..16])).to_owned();
    }
    let name = random.pick(&names);
    let start = random.below(name.len());
    let end = random.between(start, name.len());
    match (random.below(3), name.get(start..end)) {
        (0, Some(part)) => format!("*{part}*"),
        (1, Some(part)) => format!("*{}*", part.to_uppercase()),
        _ => name.clone(),
    }
}

#[cfg(test)]
mod tests {
    mod needs_root {
        use super::super::run;
        use crate::fuzz::Plan;

        fn plan(cases: u64) -> Plan {
            Plan {
                cases,
                seed: 1,
                first_failure_only: true,
                keep: None,
            }
        }

        #[test]
        fn the_original_does_not_differ_from_itself() {
            crate::sandbox::run(|| {
                let report = run("/usr/bin/nstat".as_ref(), &plan(60)).expect("it is installed");
                assert!(report.failures.is_empty(), "{:?}", report.failures);
                assert!(report.skipped < 20);
            });
        }

        #[test]
        fn a_program_that_does_something_else_is_found_out() {
            crate::sandbox::run(|| {
                let report = run("/bin/true".as_ref(), &plan(10)).expect("it is installed");
                assert_eq!(report.failures.len(), 1);
            });
        }
    }
}
