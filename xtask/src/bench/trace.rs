//! `cargo xtask bench-trace`: what watching a program costs it, by plumb and by its peers, in the same run.
//!
//! A client and a server on loopback (`plumb-load`) do one thing again and again, alone and under each
//! watcher in turn. Compared is their own CPU time for each operation, which others on the machine disturb
//! less than the clock on the wall; what the watcher itself took stands in a column of its own.
//!
//! Both share one processor unless told to spread (`--spread`): who wakes another processor pays for its sleep, more
//! than for being watched, and a watcher that is busy itself keeps it awake. So spread out the ratios say how deep the
//! processors slept; on one processor they repeat within some percent, and are the highest there can be, because an
//! operation is at its cheapest.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use serde_json::Value;

use crate::arguments::Arguments;
use crate::machine;
use crate::step::{self, Failure, cargo};

/// What is watched: its name for `plumb-load`, and how often it is done in a round.
const LOADS: [(&str, u32); 3] = [("churn", 6_000), ("ping-pong", 15_000), ("bulk", 8_000)];

/// Nobody takes longer for one round, and how often one looks.
const PATIENCE: Duration = Duration::from_mins(1);
const LOOK: Duration = Duration::from_millis(20);

/// Where client and server share a processor.
const PROCESSOR: &str = "0";

/// A bpftrace program that does what `plumb trace --no-calls` does.
const STATES: &str = "tracepoint:sock:inet_sock_set_state /args->protocol == 6/ \
    { printf(\"%d %d %d %d %s\\n\", pid, args->oldstate, args->newstate, args->dport, ustack); }";
/// One that does what `plumb trace` does; without the name it would tell of its own writing, and never end.
const CALLS: &str = "tracepoint:raw_syscalls:sys_enter /comm == \"plumb-load\"/ { @begun[tid] = nsecs; } \
    tracepoint:raw_syscalls:sys_exit /@begun[tid]/ \
    { printf(\"%d %d %d %d\\n\", tid, args->id, args->ret, nsecs - @begun[tid]); delete(@begun[tid]); }";

/// How a watcher gets the command it starts.
#[derive(Clone, Copy)]
enum Given {
    /// The words behind its own.
    Behind,
    /// As one word behind `-c`.
    OneWord,
}

/// One who watches.
struct Watcher {
    label: &'static str,
    /// `plumb` stands for the one just built; empty: nobody.
    program: &'static str,
    arguments: &'static [&'static str],
    given: Given,
    /// What the load may cost at most, as a multiple of what it costs alone, for each of [`LOADS`].
    goals: [Option<f64>; 3],
}

const fn watcher(
    label: &'static str,
    program: &'static str,
    arguments: &'static [&'static str],
) -> Watcher {
    Watcher {
        label,
        program,
        arguments,
        given: Given::Behind,
        goals: [None; 3],
    }
}

/// Who watches, nobody first.
const WATCHERS: [Watcher; 9] = [
    watcher("nobody", "", &[]),
    Watcher {
        goals: [Some(1.13), Some(1.02), Some(1.02)],
        ..watcher(
            "states and stacks (plumb trace --no-calls)",
            "plumb",
            &["trace", "--no-calls", "-o", "ndjson", "--"],
        )
    },
    Watcher {
        goals: [Some(1.13), Some(1.07), Some(1.07)],
        ..watcher("bytes (plumb top)", "plumb", &["top", "-o", "ndjson", "--"])
    },
    watcher(
        "bytes by code (plumb top --by function)",
        "plumb",
        &["top", "--by", "function", "-o", "ndjson", "--"],
    ),
    Watcher {
        goals: [Some(1.11), Some(1.11), Some(1.11)],
        ..watcher(
            "every call (plumb trace)",
            "plumb",
            &["trace", "-o", "ndjson", "--"],
        )
    },
    watcher(
        "strace -f -e trace=network",
        "strace",
        &["-f", "-e", "trace=network", "-o", "/dev/null"],
    ),
    watcher("perf trace", "perf", &["trace", "-o", "/dev/null", "--"]),
    Watcher {
        given: Given::OneWord,
        ..watcher(
            "bpftrace, states and ustack",
            "bpftrace",
            &["-q", "-e", STATES],
        )
    },
    Watcher {
        given: Given::OneWord,
        ..watcher("bpftrace, calls", "bpftrace", &["-q", "-e", CALLS])
    },
];

/// CPU time of one run, in nanoseconds for each operation.
#[derive(Clone, Copy)]
struct Cost {
    load: f64,
    watcher: f64,
}

/// The runs of one watcher with one load, or why there are none.
type Row = Result<Vec<Cost>, String>;

/// Builds, measures and reports.
pub(crate) fn run(given: &[OsString]) -> Result<(), Failure> {
    let mut arguments = Arguments::new(given.to_vec());
    let rounds: usize = arguments.value("--rounds", 5)?;
    let only: String = arguments.value("--only", String::new())?;
    let spread = arguments.switch("--spread");
    arguments.end()?;
    let wanted = |name: &str| only.is_empty() || only == name;
    if !LOADS.iter().any(|(name, _)| wanted(name)) {
        return Err(Failure::usage(format!(
            "--only {only}: churn, ping-pong or bulk"
        )));
    }
    if !machine::is_root() {
        return Err(Failure::lacking(
            "bench-trace loads BPF programs: run it as root",
        ));
    }
    // A peer that cannot be had is said in its row.
    if let Err(failure) = machine::need_programs(machine::BENCH_TRACE) {
        eprintln!("{}", failure.text);
    }
    let mut build = cargo();
    build.args(["build", "--release", "--quiet"]);
    step::step(build.args(["-p", "plumb", "-p", "plumb-testkit", "--bins"]))?;
    let built = step::target_folder()?.join("release");
    for (place, (name, operations)) in LOADS.into_iter().enumerate() {
        if wanted(name) {
            let bench = Bench {
                built: &built,
                load: name,
                processor: (!spread).then_some(PROCESSOR),
            };
            let rows = bench.measure(operations, rounds);
            print!("{}", table(name, operations, place, &rows));
        }
    }
    println!(
        "\nµs of CPU time for each operation. load: client and server, the smallest of {rounds} rounds, and the\n\
         median; watcher: its own, smallest, its start taken off. Ratios are of the smallest."
    );
    Ok(())
}

/// A load, and where it runs.
struct Bench<'a> {
    built: &'a Path,
    load: &'a str,
    /// Where client and server stay; `None`: anywhere.
    processor: Option<&'a str>,
}

impl Bench<'_> {
    /// Runs the rounds: everybody once, then again.
    fn measure(&self, operations: u32, rounds: usize) -> Vec<Row> {
        let mut rows: Vec<Row> = WATCHERS.iter().map(|_| Ok(Vec::new())).collect();
        let starts: Vec<f64> = WATCHERS
            .iter()
            .map(|watcher| self.once(watcher, 1).map_or(0.0, |cost| cost.watcher))
            .collect();
        for _ in 0..rounds {
            for ((watcher, row), start) in WATCHERS.iter().zip(&mut rows).zip(&starts) {
                let Ok(costs) = row else { continue };
                match self.once(watcher, operations) {
                    Ok(mut cost) => {
                        let per_operation = start / f64::from(operations);
                        cost.watcher = (cost.watcher - per_operation).max(0.0);
                        costs.push(cost);
                    }
                    Err(why) => *row = Err(why),
                }
            }
        }
        rows
    }

    /// Runs the load once under a watcher.
    fn once(&self, watcher: &Watcher, operations: u32) -> Result<Cost, String> {
        let report = self.built.join("plumb-load.json");
        let _ = std::fs::remove_file(&report);
        let mut command = self.command(watcher, operations, &report)?;
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let before = children_ns()?;
        let done = output(command.stderr(Stdio::piped()));
        let all = children_ns()? - before;
        let done = done?;
        let json = std::fs::read(&report).ok();
        let json: Option<Value> = json.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let Some(json) = json else {
            let said = String::from_utf8_lossy(&done.stderr);
            let last = said.lines().last().unwrap_or("it says nothing").to_owned();
            return Err(format!("{}: {last}", done.status));
        };
        let number = |key: &str| json[key].as_f64().ok_or("plumb-load told no cost");
        Ok(Cost {
            load: number("cpu_ns")? / f64::from(operations),
            watcher: (all - number("whole_ns")?).max(0.0) / f64::from(operations),
        })
    }

    fn command(
        &self,
        watcher: &Watcher,
        operations: u32,
        report: &Path,
    ) -> Result<Command, String> {
        let generator = self.built.join("plumb-load");
        let operations = operations.to_string();
        let mut words = vec![OsString::from(self.load), operations.into(), report.into()];
        words.extend(self.processor.map(OsString::from));
        let program = match watcher.program {
            "" => {
                let mut alone = Command::new(generator);
                alone.args(words);
                return Ok(alone);
            }
            "plumb" => self.built.join("plumb"),
            other => machine::find(other).ok_or_else(|| format!("{other} is not installed"))?,
        };
        let mut command = Command::new(program);
        command.args(watcher.arguments);
        match watcher.given {
            Given::Behind => command.arg(generator).args(words),
            Given::OneWord => {
                let all = std::iter::once(PathBuf::into_os_string(generator)).chain(words);
                let line: Vec<_> = all.collect();
                command.arg("-c").arg(line.join(std::ffi::OsStr::new(" ")))
            }
        };
        Ok(command)
    }
}

/// Runs a command to its end, which comes by force if it takes too long.
fn output(command: &mut Command) -> Result<Output, String> {
    let say = |error: std::io::Error| error.to_string();
    let mut child = command.spawn().map_err(say)?;
    let end = Instant::now() + PATIENCE;
    while child.try_wait().map_err(say)?.is_none() {
        if Instant::now() >= end {
            child.kill().map_err(say)?;
            child.wait().map_err(say)?;
            return Err(format!("not over after {} s", PATIENCE.as_secs()));
        }
        std::thread::sleep(LOOK);
    }
    child.wait_with_output().map_err(say)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "CPU time below 100 days is exact"
)]
fn children_ns() -> Result<f64, String> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).map_err(|error| error.to_string())?;
    Ok((usage.user_time().num_nanoseconds() + usage.system_time().num_nanoseconds()) as f64)
}

/// Gives the smallest and the (lower) median.
fn condensed(mut values: Vec<f64>) -> Option<(f64, f64)> {
    values.sort_unstable_by(f64::total_cmp);
    let median = values.get(values.len().checked_sub(1)? / 2)?;
    Some((*values.first()?, *median))
}

fn table(load: &str, operations: u32, place: usize, rows: &[Row]) -> String {
    let mut text = format!(
        "\n  {:<44}{:>10}{:>10}{:>10}{:>9}   goal\n",
        format!("{load}, {operations} operations"),
        "load",
        "median",
        "watcher",
        "ratio"
    );
    let alone = rows.first().and_then(|row| row.as_ref().ok());
    let alone = alone.and_then(|costs| condensed(costs.iter().map(|cost| cost.load).collect()));
    for (watcher, row) in WATCHERS.iter().zip(rows) {
        let _ = write!(text, "  {:<44}", watcher.label);
        match row {
            Ok(costs) => {
                let least = condensed(costs.iter().map(|cost| cost.load).collect());
                let own = condensed(costs.iter().map(|cost| cost.watcher).collect());
                if let (Some((least, median)), Some((own, _)), Some((alone, _))) =
                    (least, own, alone)
                {
                    text.push_str(&line([least, median, own], least / alone));
                    text.push_str(&verdict(watcher.goals.get(place), least / alone));
                }
            }
            Err(why) => {
                let _ = write!(text, "  not measured: {why}");
            }
        }
        text.push('\n');
    }
    text
}

fn line(costs_ns: [f64; 3], ratio: f64) -> String {
    let [least, median, own] = costs_ns.map(|cost| cost / 1000.0);
    format!("{least:>10.2}{median:>10.2}{own:>10.2}{ratio:>9.2}")
}

fn verdict(goal: Option<&Option<f64>>, ratio: f64) -> String {
    match goal {
        Some(Some(goal)) if ratio <= *goal => format!("   <= {goal} reached"),
        Some(Some(goal)) => format!("   <= {goal} MISSED"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(loads: &[f64]) -> Vec<Cost> {
        let cost = |&load: &f64| Cost {
            load,
            watcher: 500.0,
        };
        loads.iter().map(cost).collect()
    }

    #[test]
    fn goals_are_judged_by_the_smallest_and_who_did_not_run_says_why() {
        let rows = [
            Ok(runs(&[10_000.0, 30_000.0])),
            Ok(runs(&[11_000.0, 90_000.0])),
            Ok(runs(&[20_000.0])),
            Err(String::from("no such program")),
        ];
        let text = table("churn", 5, 0, &rows);
        assert!(text.contains("1.10   <= 1.13 reached"), "{text}");
        assert!(text.contains("2.00   <= 1.13 MISSED"), "{text}");
        assert!(text.contains("not measured: no such program"), "{text}");
    }
}
