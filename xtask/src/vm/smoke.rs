//! `cargo xtask vm smoke`: the tests that depend on the kernel, in a guest with each of a few kernels.
//!
//! The test program is built here and run there as it is. What a kernel must have stands in a table:
//! a family that cannot be tried in a guest is a failure, not something that was left out.

use std::io;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use serde_json::Value;

use super::labelled::Labelled;
use super::{Options, guest, kernel};
use crate::step::{self, Failure};

/// A guest of the smoke test.
struct Case {
    kernel: &'static str,
    /// Modules no kernel of Debian loads by itself.
    modules: &'static [&'static str],
    /// Families whose sockets must come about.
    families: &'static str,
    /// BPF programs that must run.
    programs: &'static str,
    /// Tests that [`Depth::Brief`] leaves out here: another guest of it runs them, or they run outside of guests alone.
    elsewhere: &'static [&'static str],
}

/// How much is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// Everything under each kernel.
    Whole,
    /// What takes minutes in software under one of them alone, or not at all.
    Brief,
}

/// All BPF programs, as `plumb doctor` names them.
const ALL_PROGRAMS: &str = "owners/tasks owners/files in_flight/unix recorder/states recorder/opening recorder/made \
    recorder/reading recorder/faults recorder/queues recorder/drops recorder/traffic recorder/processes";

/// What the tests are run on.
const CASES: &[Case] = &[
    Case {
        kernel: "6.1",
        modules: &["dccp_ipv4", "dccp_ipv6", "dccp_diag", "tipc", "diag"],
        families: "sctp dccp mptcp vsock tipc xdp packet netlink vrf",
        programs: ALL_PROGRAMS,
        elsewhere: &[
            "recorder::verbs",
            "recorder::sockets",
            "recorder::background",
            "recorder::containers",
            "recorder::interrupted",
            "vrf",
        ],
    },
    Case {
        kernel: "6.12",
        modules: &["dccp_ipv4", "dccp_ipv6", "dccp_diag", "tipc", "tipc_diag"],
        families: "sctp dccp mptcp vsock tipc xdp packet netlink vrf",
        programs: ALL_PROGRAMS,
        elsewhere: &["recorder::containers", "recorder::interrupted"],
    },
    Case {
        kernel: "7.2",
        modules: &["tipc", "tipc_diag"],
        families: "sctp mptcp vsock tipc xdp packet netlink vrf",
        programs: ALL_PROGRAMS,
        elsewhere: &[],
    },
    Case {
        kernel: "5.10",
        modules: &["dccp_ipv4", "dccp_ipv6", "dccp_diag", "tipc", "diag"],
        families: "sctp dccp vsock tipc xdp packet netlink vrf",
        programs: "owners/files recorder/states recorder/opening recorder/made recorder/reading recorder/faults \
            recorder/queues recorder/drops recorder/traffic recorder/processes",
        elsewhere: &[],
    },
];

/// The kernels that are tried when none is named.
const DEFAULT: &[&str] = &["6.1", "6.12"];
/// The limit in time for one guest.
const TIMEOUT_S: u64 = 900;

/// Runs the tests under the kernels named, or under the usual ones; what is lacking is a
/// [`Failure::lacking`], before anything ran.
pub(super) fn run(kernels: &[String], depth: Depth) -> Result<(), Failure> {
    let named = kernels.iter().map(String::as_str);
    let named: Vec<&str> = named.collect();
    let chosen = if named.is_empty() { DEFAULT } else { &named };
    for name in chosen {
        kernel::Release::find(name)?;
    }
    super::prepare(chosen)?;
    let program = test_program()?;
    let act = act()?;
    let cases = CASES.iter().filter(|case| chosen.contains(&case.kernel));
    let cases: Vec<&'static Case> = cases.collect();
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    for side_by_side in cases.chunks(processors) {
        run_cases(side_by_side, depth, (&program, &act))?;
    }
    Ok(())
}

/// Runs guests side by side, which have one processor each, to the end of the last; gives all that failed.
fn run_cases(
    cases: &[&'static Case],
    depth: Depth,
    programs: (&Path, &Path),
) -> Result<(), Failure> {
    let results: Vec<Result<(), Failure>> = std::thread::scope(|scope| {
        let run = |case: &&'static Case| {
            let case = *case;
            scope.spawn(move || run_case(case, depth, programs))
        };
        let running: Vec<_> = cases.iter().map(run).collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, _>| {
            thread.join().expect("a guest that fails says so")
        };
        running.into_iter().map(join).collect()
    });
    let mut failures: Vec<Failure> = results.into_iter().filter_map(Result::err).collect();
    match failures.len() {
        0 => Ok(()),
        1 => Err(failures.remove(0)),
        _ => {
            let texts: Vec<String> = failures.into_iter().map(|failure| failure.text).collect();
            Err(Failure::check(texts.join("\n")))
        }
    }
}

fn run_case(case: &Case, depth: Depth, (program, act): (&Path, &Path)) -> Result<(), Failure> {
    let start = Instant::now();
    let mut options = Options::new(kernel::Release::find(case.kernel)?);
    options.modules = case.modules.iter().map(|&name| name.to_owned()).collect();
    options.with = vec![program.to_owned(), act.to_owned()];
    options.timeout = std::time::Duration::from_secs(TIMEOUT_S);
    eprintln!("==> {} under {}", program_name(program), case.kernel);
    let mut words = vec![
        "env".into(),
        "PLUMB_UNDER_TEST=/usr/local/bin/plumb".into(),
        format!("PLUMB_NEED_FAMILIES={}", case.families).into(),
        format!("PLUMB_NEED_BPF={}", case.programs).into(),
        format!("PLUMB_ACT={}", act.display()).into(),
        program.into(),
        "--test-threads=1".into(),
    ];
    if depth == Depth::Brief {
        let skipped = case.elsewhere.iter();
        words.extend(skipped.flat_map(|test| ["--skip".into(), (*test).into()]));
    }
    let command = guest::command_line(&words);
    let mut stdout = Labelled::new(case.kernel, io::stdout());
    let mut stderr = Labelled::new(case.kernel, io::stderr());
    let status = options.run(&command, &mut stdout, &mut stderr);
    let said = stdout.finish().and_then(|()| stderr.finish());
    said.map_err(|error| Failure::check(format!("cannot pass on a guest's output: {error}")))?;
    let status = status?;
    let seconds = start.elapsed().as_secs_f64();
    if status == 0 {
        eprintln!("    ok under {}, {seconds:.1} s", case.kernel);
        return Ok(());
    }
    Err(Failure::check(format!(
        "the tests failed under {} after {seconds:.1} s, with status {status}",
        case.kernel
    )))
}

fn program_name(program: &Path) -> String {
    let name = program.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// Builds the tests that depend on the kernel and says where their program is.
fn test_program() -> Result<PathBuf, Failure> {
    let mut build = step::cargo();
    build.args([
        "test", "--no-run", "--quiet", "-p", "plumb", "--test", "kernel",
    ]);
    let messages = step::output(build.args(["--message-format", "json"]))?;
    executable(&String::from_utf8_lossy(&messages))
        .ok_or_else(|| Failure::check("cargo built no test program and said nothing"))
}

/// Builds the program that recordings are made of (plumb-testkit, `acting`): guests have no compiler.
fn act() -> Result<PathBuf, Failure> {
    let source = step::root().join("crates/plumb-testkit/src/acting/act.c");
    let built = super::cache()?.join("act");
    let mut compiler = Command::new("cc");
    compiler.args(["-O2", "-g", "-fomit-frame-pointer", "-o"]);
    step::output(compiler.arg(&built).arg(source))?;
    Ok(built)
}

/// Finds the test program among cargo's messages, one JSON document on each line.
fn executable(messages: &str) -> Option<PathBuf> {
    let mut messages = messages.lines().filter_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        let is_test = message["target"]["kind"][0] == "test";
        is_test.then(|| message["executable"].as_str().map(PathBuf::from))?
    });
    messages.next_back()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kernel_of_the_matrix_has_a_case() {
        let cases: Vec<_> = CASES.iter().map(|case| case.kernel).collect();
        for release in kernel::RELEASES {
            assert!(cases.contains(&release.name), "{}", release.name);
        }
        assert!(DEFAULT.iter().all(|name| cases.contains(name)));
    }

    #[test]
    fn the_test_program_is_the_one_that_can_be_run() {
        let messages = r#"
            {"reason":"compiler-artifact","target":{"kind":["lib"]},"executable":null}
            {"reason":"compiler-artifact","target":{"kind":["bin"]},"executable":"/t/plumb"}
            {"reason":"compiler-artifact","target":{"kind":["test"]},"executable":"/t/deps/kernel-1"}
            {"reason":"build-finished","success":true}"#;
        assert_eq!(
            executable(messages),
            Some(PathBuf::from("/t/deps/kernel-1"))
        );
        assert_eq!(executable("no JSON"), None);
    }
}
