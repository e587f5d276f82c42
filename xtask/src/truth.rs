//! `cargo xtask truth`: connections that are written down by who makes them, and whether plumb told of every one.
//!
//! The same program as in every run of `test`, asked for many more, and everything built for release: what
//! is found out is whether the recorder keeps up. The table goes to standard output.

use std::ffi::OsString;
use std::process::Command;

use crate::arguments::Arguments;
use crate::machine;
use crate::step::{self, Failure};

/// Connections that each verb has to account for.
const CONNECTIONS: u64 = 200_000;

/// Runs it; fails where something is missing without a word, or wrong.
pub(crate) fn run(given: &[OsString]) -> Result<(), Failure> {
    let mut arguments = Arguments::new(given.to_vec());
    let connections: u64 = arguments.value("--connections", CONNECTIONS)?;
    let seed: u64 = arguments.value("--seed", 1)?;
    arguments.end()?;
    if !machine::is_root() {
        let text = "truth makes namespaces of its own: run it as root";
        return Err(Failure::lacking(text));
    }
    let mut build = step::cargo();
    build.args(["build", "--release", "--quiet", "-p", "plumb"]);
    step::step(build.args(["-p", "plumb-testkit", "--bins"]))?;
    let target = step::target_folder()?;
    let built = target.join("release");
    // Ledgers, and answers of a gigabyte: no temporary folder is meant for that.
    let folder = target.join("truth");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(|error| cannot(&error))?;
    }
    std::fs::create_dir_all(&folder).map_err(|error| cannot(&error))?;
    let mut check = Command::new(built.join("plumb-ledger"));
    check.arg("check").arg(built.join("plumb"));
    check.args([connections.to_string(), seed.to_string()]);
    let told = step::step(check.arg(&folder));
    std::fs::remove_dir_all(&folder).map_err(|error| cannot(&error))?;
    told
}

fn cannot(error: &std::io::Error) -> Failure {
    Failure::check(format!("cannot use the folder of the ledgers: {error}"))
}
