//! `fuzz-ss`: the original ss against ours, at random. See [`plumb_testkit::fuzz::program`].

use std::process::ExitCode;

fn main() -> ExitCode {
    plumb_testkit::fuzz::program::main("fuzz-ss", plumb_testkit::ss::fuzz::run)
}
