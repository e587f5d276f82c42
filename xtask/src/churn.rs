//! `cargo xtask churn`: owners of sockets while processes come and go a thousand times a second, for long.
//!
//! The same tests as in every run of `test`, asked for more: each engine names owners until it has named
//! so many, and none may be wrong. Then fewer, beside one process with very many sockets.

use std::ffi::OsString;

use crate::arguments::Arguments;
use crate::machine;
use crate::step::{self, Failure};

/// Owners named by each engine.
const ATTRIBUTIONS: u64 = 1_000_000;
/// Processes alive at a time.
const LIVE: u64 = 1_000;
/// Sockets of one process that stays.
const BIG: u64 = 19_000;

/// Runs the race.
pub(crate) fn run(given: &[OsString]) -> Result<(), Failure> {
    let mut arguments = Arguments::new(given.to_vec());
    let attributions: u64 = arguments.value("--attributions", ATTRIBUTIONS)?;
    let big: u64 = arguments.value("--big", BIG)?;
    arguments.end()?;
    if !machine::is_root() {
        let text = "churn makes namespaces of its own: run it as root";
        return Err(Failure::lacking(text));
    }
    machine::need_cargo_command(machine::NEXTEST)?;
    let mut build = step::cargo();
    step::step(build.args(["build", "--quiet", "-p", "plumb-testkit", "--bins"]))?;
    // What stays is no race: it is only in the way of who looks.
    for (attributions, big) in [(attributions, 0), (attributions / 10, big)] {
        let mut race = step::cargo();
        race.args(["nextest", "run", "-p", "plumb-collect", "--test", "churn"]);
        race.args(["--profile", "long", "--no-capture", "needs_root"]);
        race.env("PLUMB_CHURN_ATTRIBUTIONS", attributions.to_string());
        race.env("PLUMB_CHURN_LIVE", LIVE.to_string());
        race.env("PLUMB_CHURN_BIG", big.to_string());
        step::step(&mut race)?;
    }
    Ok(())
}
