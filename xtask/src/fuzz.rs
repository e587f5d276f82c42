//! The fuzzers: random command lines against the real netstat, ss and nstat, and libFuzzer on the
//! decoders.

use std::ffi::OsString;
use std::process::{Command, Stdio};

use crate::arguments::Arguments;
use crate::machine;
use crate::step::{self, Failure};

/// Runs `fuzz-netstat`, `fuzz-ss` or `fuzz-nstat`: builds plumb, then compares it with the original case by case.
///
/// A debug build, so that an overflow ends the program instead of passing as a strange number.
pub(crate) fn run_against_original(fuzzer: &str, given: &[OsString]) -> Result<(), Failure> {
    let mut arguments = Arguments::new(given.to_vec());
    let cases: u64 = arguments.value("--cases", 2_000)?;
    let seed: u64 = arguments.value("--seed", 1)?;
    let keep: String = arguments.value("--keep", String::new())?;
    arguments.end()?;
    if !machine::is_root() {
        return Err(Failure::lacking(format!(
            "{fuzzer} makes namespaces and mounts of its own: run it as root"
        )));
    }
    machine::need_programs(machine::TESTS)?;
    let mut build = step::cargo();
    build.args(["build", "--quiet", "-p", "plumb", "-p", "plumb-testkit"]);
    step::step(build.arg("--bins"))?;
    let built = step::target_folder()?.join("debug");
    let mut fuzz = Command::new(built.join(fuzzer));
    fuzz.arg("--plumb").arg(built.join("plumb"));
    fuzz.args(["--cases", &cases.to_string(), "--seed", &seed.to_string()]);
    if !keep.is_empty() {
        fuzz.args(["--keep", &keep]);
    }
    step::step(&mut fuzz)
}

/// Runs one libFuzzer target, or lists them.
pub(crate) fn run(given: &[OsString]) -> Result<(), Failure> {
    let mut arguments = Arguments::new(given.to_vec());
    let target = arguments.word();
    let behind_dashes = std::mem::take(&mut arguments.behind_dashes);
    arguments.end()?;
    need_nightly()?;
    machine::need_programs(&[("c++", "g++")])?;
    machine::need_cargo_command(machine::FUZZ)?;
    let mut fuzz = Command::new("cargo");
    step::with_tools(fuzz.current_dir(step::root())).args(["+nightly", "fuzz"]);
    match target {
        Some(target) => {
            // What the fuzzer finds goes to the first folder; the second is only read.
            let [corpus, seeds] = ["corpus", "seeds"]
                .map(|folder| step::root().join("fuzz").join(folder).join(&target));
            std::fs::create_dir_all(&corpus).map_err(|error| {
                Failure::check(format!("cannot make {}: {error}", corpus.display()))
            })?;
            fuzz.arg("run").arg(target).arg(corpus);
            fuzz.args(seeds.is_dir().then_some(seeds));
            fuzz.arg("--").args(behind_dashes);
            // libFuzzer stops at its own limit or at a finding; both are its exit status.
            step::step(&mut fuzz)
        }
        None => step::step(fuzz.arg("list")),
    }
}

/// libFuzzer's instrumentation exists in nightly toolchains only.
fn need_nightly() -> Result<(), Failure> {
    let nightly = Command::new("cargo")
        .args(["+nightly", "--version"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if nightly.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    Err(Failure::lacking(
        "libFuzzer needs a nightly toolchain; add one by\n    rustup toolchain install nightly",
    ))
}
