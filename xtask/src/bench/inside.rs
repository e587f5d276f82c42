//! `bench-inside idle|small|farm|huge|growth RUNS`: runs in the farm's namespaces and measures every case there.
//!
//! The contenders of a case take turns, so that what else the machine does meets all of them.
//! Prints one JSON line for each contender; the report is made outside.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use serde_json::json;

use super::cases::{self, Case, Contender};
use super::measure::Cost;
use crate::machine;
use crate::step::{self, Failure};

/// Where the plumb to measure is; set by the command outside.
pub(crate) const PLUMB_VARIABLE: &str = "PLUMB_BENCH_PROGRAM";

/// A peer that needs longer than this is run once: its ratio is clear by then.
const PATIENCE_US: u64 = 3_000_000;

/// Measures all cases of one situation.
pub(crate) fn run(given: &[OsString]) -> Result<(), Failure> {
    let words: Vec<_> = given.iter().filter_map(|word| word.to_str()).collect();
    let [situation, runs] = words.as_slice() else {
        return Err(Failure::usage(
            "bench-inside wants a situation and a number",
        ));
    };
    let runs = runs
        .parse()
        .map_err(|error| Failure::usage(format!("{runs}: {error}")))?;
    let cases = match *situation {
        "idle" => cases::IDLE,
        "small" => cases::SMALL,
        "huge" => cases::HUGE,
        "growth" => cases::GROWTH,
        _ => cases::FARM,
    };
    cases.iter().try_for_each(|case| measure(case, runs))
}

fn measure(case: &Case, runs: usize) -> Result<(), Failure> {
    let mut costs = vec![Vec::new(); case.contenders.len()];
    for _ in 0..runs {
        for (contender, costs) in case.contenders.iter().zip(&mut costs) {
            if !is_too_slow(contender, costs) {
                costs.push(once(contender)?);
            }
        }
    }
    for (contender, costs) in case.contenders.iter().zip(costs) {
        let runs: Vec<_> = costs.into_iter().map(Cost::to_json).collect();
        let row = json!({
            "case": case.title,
            "command": contender.label,
            "goal": contender.goal,
            "limit_ms": contender.limit.map(|limit| limit.wall_ms),
            "limit_mib": contender.limit.map(|limit| limit.peak_mib),
            "runs": runs,
        });
        println!("{row}");
    }
    Ok(())
}

fn is_too_slow(contender: &Contender, costs: &[Cost]) -> bool {
    let slow = costs.iter().any(|cost| cost.wall_us > PATIENCE_US);
    slow && contender.program != cases::PLUMB
}

/// Runs a contender once, in a process of its own that measures it.
fn once(contender: &Contender) -> Result<Cost, Failure> {
    let program = program(contender)?;
    let ourselves = std::env::current_exe()
        .map_err(|error| Failure::check(format!("cannot find ourselves: {error}")))?;
    let mut command = Command::new(ourselves);
    command.arg("bench-measure").arg(program);
    command.arg(contender.name).args(contender.arguments);
    match contender.engine {
        Some(engine) => command.env("PLUMB_OWNERS", engine),
        None => command.env_remove("PLUMB_OWNERS"),
    };
    let printed = step::output(&mut command)?;
    serde_json::from_slice(&printed)
        .ok()
        .and_then(|json| Cost::from_json(&json))
        .ok_or_else(|| Failure::check(format!("{}: no cost was measured", contender.label)))
}

fn program(contender: &Contender) -> Result<PathBuf, Failure> {
    let found = match contender.program {
        cases::PLUMB => std::env::var_os(PLUMB_VARIABLE).map(PathBuf::from),
        cases::DUMP => std::env::current_exe().ok(),
        other => machine::find(other),
    };
    found.ok_or_else(|| Failure::lacking(format!("cannot find {}", contender.program)))
}
