//! `cargo xtask test`: everything a change must pass, in the order of what fails fastest.
//!
//! A test whose name says `needs_…` runs where there is what it needs: root for namespaces of its
//! own, iproute2's own test scripts. Elsewhere it is left out and listed: what did not run never
//! reads as passed.

use std::ffi::OsString;
use std::path::Path;
use std::time::Instant;

use serde_json::Value;

use crate::arguments::Arguments;
use crate::step::{self, Failure, cargo};
use crate::{bpf, churn, fuzz, lab, machine, truth, vm};

/// What some tests need and not every machine has.
struct Need {
    /// The mark in the names of these tests.
    mark: &'static str,
    /// Says whether it is here.
    is_here: fn() -> bool,
    /// What to say if it is not.
    lacking: &'static str,
}

const NEEDS: &[Need] = &[
    Need {
        mark: "needs_go",
        is_here: || machine::find("go").is_some(),
        lacking: "needs the Go toolchain (golang-go)",
    },
    Need {
        mark: "needs_java",
        is_here: || machine::find("javac").is_some(),
        lacking: "needs a JDK (default-jdk-headless)",
    },
    Need {
        mark: "needs_node",
        is_here: || machine::find("node").is_some(),
        lacking: "needs Node (nodejs)",
    },
    Need {
        mark: "needs_python3_11",
        is_here: || Path::new("/usr/bin/python3.11").exists(),
        lacking: "needs Debian's CPython 3.11 (python3.11)",
    },
    Need {
        mark: "needs_python3_12",
        is_here: || has_pyenv("3.12.1"),
        lacking: "needs CPython 3.12 (pyenv install 3.12.1)",
    },
    Need {
        mark: "needs_python3_13",
        is_here: || has_pyenv("3.13.0"),
        lacking: "needs CPython 3.13 (pyenv install 3.13.0)",
    },
    Need {
        mark: "needs_root",
        is_here: machine::is_root,
        lacking: "needs root (private namespaces)",
    },
    Need {
        mark: "needs_iproute2_tests",
        is_here: || std::env::var_os("PLUMB_IPROUTE2_TESTS").is_some(),
        lacking: "needs a testsuite directory of iproute2, named by PLUMB_IPROUTE2_TESTS",
    },
];

/// Says whether pyenv has this release of CPython, which distributions of its time do not.
fn has_pyenv(release: &str) -> bool {
    let home = std::env::var_os("HOME").unwrap_or_default();
    let releases = Path::new(&home).join(".pyenv/versions");
    releases.join(release).exists()
}

/// How many fuzzing cases `--full` adds to those the tests run anyway.
const FULL_CASES: u64 = 20_000;

/// How often `--full` reads each source of sockets while others come and go.
const FULL_CHURN_DUMPS: &str = "1000";

/// How many random binds `--full` compares with the kernel.
const FULL_BIND_CASES: &str = "10000";

/// Runs the checks; the first that fails ends it.
pub(crate) fn run(given: &[OsString]) -> Result<(), Failure> {
    let mut arguments = Arguments::new(given.to_vec());
    let full = arguments.switch("--full");
    let need_vm = arguments.switch("--need-vm");
    arguments.end()?;
    let start = Instant::now();
    machine::need_programs(machine::TESTS)?;
    machine::need_components()?;
    machine::need_cargo_command(machine::NEXTEST)?;
    machine::need_cargo_command(machine::DENY)?;
    check_source()?;
    step::step(cargo().args(["test", "--doc", "--workspace", "--quiet"]))?;
    let no_compiler = check_bpf(need_vm)?;
    let left_out = run_tests(full)?;
    let no_lab = run_lab(need_vm)?;
    step::step(cargo().args(["deny", "check", "bans", "licenses", "sources"]))?;
    if full {
        let cases = FULL_CASES.to_string();
        for fuzzer in ["fuzz-netstat", "fuzz-ss", "fuzz-nstat"] {
            fuzz::run_against_original(fuzzer, &["--cases".into(), cases.clone().into()])?;
        }
        churn::run(&[])?;
        truth::run(&[])?;
    }
    let no_guests = run_in_guests(need_vm)?;
    let minutes = start.elapsed().as_secs_f64() / 60.0;
    report(&left_out);
    if let Some(why) = no_lab {
        println!("not run: lab, the diagnoses of real faults: {why}");
    }
    if let Some(why) = no_compiler {
        println!("not run: bpf --check, the BPF objects beside their sources: {why}");
    }
    if let Some(why) = no_guests {
        println!("not run: vm smoke, the tests under other kernels: {why}");
    }
    println!("all checks passed in {minutes:.1} minutes");
    println!("(not checked here, needs the network: cargo deny check advisories)");
    Ok(())
}

fn check_source() -> Result<(), Failure> {
    step::step(cargo().args(["fmt", "--all", "--check"]))?;
    let mut clippy = cargo();
    clippy.args(["clippy", "--workspace", "--all-targets", "--quiet"]);
    step::step(clippy.args(["--", "-D", "warnings"]))?;
    check_fuzz_targets()
}

/// The fuzz targets are a workspace of their own that nothing else builds: they must keep up.
fn check_fuzz_targets() -> Result<(), Failure> {
    let manifest = "fuzz/Cargo.toml";
    step::step(cargo().args(["fmt", "--manifest-path", manifest, "--check"]))?;
    let mut clippy = cargo();
    clippy.args(["clippy", "--manifest-path", manifest, "--quiet"]);
    // With a library of its own named, libfuzzer-sys builds none, and checking links nothing.
    clippy.env("CUSTOM_LIBFUZZER_PATH", "/nonexistent/libfuzzer.a");
    step::step(clippy.args(["--", "-D", "warnings"]))
}

/// Builds and runs the tests; gives the names of those that did not run.
fn run_tests(full: bool) -> Result<Vec<String>, Failure> {
    // Tests of one crate run programs of another, which nextest alone would not build.
    step::step(cargo().args(["build", "--workspace", "--bins", "--quiet"]))?;
    let mut nextest = cargo();
    nextest.args(["nextest", "run", "--workspace"]);
    if full {
        nextest.env("PLUMB_CHURN_DUMPS", FULL_CHURN_DUMPS);
        nextest.env("PLUMB_BIND_CASES", FULL_BIND_CASES);
    }
    let mut left_out = Vec::new();
    let mut filter = String::from("all()");
    for need in NEEDS.iter().filter(|need| !(need.is_here)()) {
        let names = names_of(&format!("{filter} and test({})", need.mark))?;
        left_out.extend(names.iter().map(|name| format!("{name}: {}", need.lacking)));
        filter = format!("{filter} and not test({})", need.mark);
    }
    step::step(nextest.args(["-E", &filter]))?;
    Ok(left_out)
}

/// Runs the fault lab where we are root; gives the reason why not, or not all of it, elsewhere.
fn run_lab(need_vm: bool) -> Result<Option<String>, Failure> {
    if !machine::is_root() {
        return Ok(Some("needs root (private namespaces)".to_owned()));
    }
    let why = match vm::prepare(&[lab::GUEST_KERNEL]) {
        Ok(()) => None,
        Err(failure) if need_vm => return Err(failure),
        Err(failure) => Some(failure.text),
    };
    // Like tests of living sockets, a scenario gets a second chance, which is told.
    let mut how: Vec<OsString> = vec!["--again".into()];
    if why.is_some() {
        how.push("--no-guest".into());
    }
    lab::run(&how)?;
    Ok(why.map(|why| format!("what takes a whole machine: {why}")))
}

/// Compares the BPF objects with their sources; gives the reason why not, where the compiler they
/// were built with cannot be had. `need` stands for CI, where nothing may be left out.
fn check_bpf(need: bool) -> Result<Option<String>, Failure> {
    eprintln!("==> cargo xtask bpf --check");
    unless_lacking(bpf::run(&["--check".into()]), need)
}

/// Runs the tests that depend on the kernel under other kernels; gives the reason why not, where
/// qemu or the kernels cannot be had and need not.
fn run_in_guests(need_vm: bool) -> Result<Option<String>, Failure> {
    unless_lacking(vm::smoke(), need_vm)
}

/// What the machine lacks is a reason, unless it is needed; any other failure is one.
fn unless_lacking(result: Result<(), Failure>, need: bool) -> Result<Option<String>, Failure> {
    match result {
        Ok(()) => Ok(None),
        Err(failure) if failure.is_lacking() && !need => Ok(Some(failure.text)),
        Err(failure) => Err(failure),
    }
}

/// Lists the tests a nextest filter chooses, as `binary test`.
fn names_of(filter: &str) -> Result<Vec<String>, Failure> {
    let mut list = cargo();
    list.args(["nextest", "list", "--workspace", "--message-format", "json"]);
    let json = step::output(list.args(["-E", filter]))?;
    let json: Value = serde_json::from_slice(&json)
        .map_err(|error| Failure::check(format!("cannot read nextest's list: {error}")))?;
    Ok(chosen(&json))
}

/// Picks the chosen tests out of nextest's list, which also names those the filter refused.
fn chosen(list: &Value) -> Vec<String> {
    let mut names = Vec::new();
    for (binary, suite) in list["rust-suites"].as_object().into_iter().flatten() {
        for (test, case) in suite["testcases"].as_object().into_iter().flatten() {
            if case["filter-match"]["status"] == "matches" {
                names.push(format!("{binary} {test}"));
            }
        }
    }
    names
}

fn report(left_out: &[String]) {
    if left_out.is_empty() {
        return;
    }
    for name in left_out {
        println!("not run: {name}");
    }
    println!("not run: {} tests", left_out.len());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_names_what_the_filter_chose_and_nothing_else() {
        let list = serde_json::json!({"rust-suites": {"plumb::live": {"testcases": {
            "routes_needs_root": {"filter-match": {"status": "matches"}},
            "help": {"filter-match": {"status": "mismatch", "reason": "expression"}},
        }}}});
        assert_eq!(chosen(&list), ["plumb::live routes_needs_root"]);
    }
}
