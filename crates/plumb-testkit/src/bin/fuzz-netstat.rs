//! `fuzz-netstat`: the original netstat against ours, at random. See [`plumb_testkit::fuzz::program`].

use std::process::ExitCode;

fn main() -> ExitCode {
    plumb_testkit::fuzz::program::main("fuzz-netstat", plumb_testkit::fuzz::run)
}
