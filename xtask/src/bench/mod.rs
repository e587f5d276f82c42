//! `cargo xtask bench`: plumb and its peers, alternately, in the same run over the same sockets.
//!
//! Builds plumb as it ships and the farm, starts the measuring half ([`inside`]) in an idle
//! namespace and then beside the farm, and reports medians, ratios, memory and the goals.

mod cases;
pub(crate) mod dump;
pub(crate) mod inside;
pub(crate) mod measure;
mod report;
pub(crate) mod trace;

use std::ffi::OsString;
use std::process::Command;

use serde_json::Value;

use crate::arguments::Arguments;
use crate::machine;
use crate::step::{self, Failure, cargo};

/// A start takes about a millisecond: many are needed for a steady median.
const IDLE_RUNS: usize = 101;

/// Sockets and processes of a small host, and how often it is measured.
const SMALL: (usize, usize) = (200, 300);
const SMALL_RUNS: usize = 21;
/// From so many sockets on the originals are not asked for processes: they would not end.
const HUGE_SOCKETS: usize = 400_000;
/// The sizes by which growth is measured.
const SIZES: [usize; 4] = [1_000, 10_000, 100_000, 1_000_000];

/// What is asked for on the command line.
#[derive(Clone, Copy, Debug)]
struct Request {
    sockets: usize,
    processes: usize,
    runs: usize,
}

/// Builds, measures and reports.
pub(crate) fn run(given: &[OsString]) -> Result<(), Failure> {
    let mut arguments = Arguments::new(given.to_vec());
    let request = Request {
        sockets: arguments.value("--sockets", 100_000)?,
        processes: arguments.value("--processes", 200)?,
        runs: arguments.value("--runs", 5)?,
    };
    let as_json = arguments.switch("--json");
    let growth = arguments.switch("--growth");
    arguments.end()?;
    if !machine::is_root() {
        return Err(Failure::lacking(
            "bench makes namespaces and reads every process: run it as root",
        ));
    }
    machine::need_programs(machine::BENCH)?;
    let mut build = cargo();
    build.args(["build", "--release", "--quiet"]);
    step::step(build.args(["-p", "plumb", "-p", "plumb-testkit", "--bins"]))?;
    if growth {
        return measure_growth(request);
    }
    let mut idle = measured("idle", 0, 0, IDLE_RUNS)?;
    idle.extend(measured("small", SMALL.0, SMALL.1, SMALL_RUNS)?);
    let situation = if request.sockets < HUGE_SOCKETS {
        "farm"
    } else {
        "huge"
    };
    let farm = measured(situation, request.sockets, request.processes, request.runs)?;
    if as_json {
        println!("{}", report::as_json(&request, &idle, &farm));
    } else {
        print!("{}", report::as_text(&request, &idle, &farm)?);
    }
    Ok(())
}

/// Runs the measuring half beside a farm and reads its lines.
fn measured(
    situation: &str,
    sockets: usize,
    processes: usize,
    runs: usize,
) -> Result<Vec<Value>, Failure> {
    let built = step::target_folder()?.join("release");
    let ourselves = std::env::current_exe()
        .map_err(|error| Failure::check(format!("cannot find ourselves: {error}")))?;
    let mut command = Command::new(built.join("plumb-farm"));
    command.args(["--sockets", &sockets.to_string()]);
    command.args(["--processes", &processes.to_string(), "--"]);
    command.arg(ourselves);
    command.args(["bench-inside", situation, &runs.to_string()]);
    command.env(inside::PLUMB_VARIABLE, built.join("plumb"));
    let lines = step::output(&mut command)?;
    lines
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| {
            serde_json::from_slice(line)
                .map_err(|error| Failure::check(format!("cannot read a measurement: {error}")))
        })
        .collect()
}

/// Measures farms of growing size and prints the exponent by which time grows with it.
fn measure_growth(request: Request) -> Result<(), Failure> {
    let mut points = Vec::new();
    for sockets in SIZES.into_iter().filter(|&size| size <= request.sockets) {
        let rows = measured("growth", sockets, request.processes, request.runs)?;
        points.push((sockets, report::median_wall_ms(&rows)?));
    }
    print!("{}", report::growth(&points, request.processes));
    Ok(())
}
