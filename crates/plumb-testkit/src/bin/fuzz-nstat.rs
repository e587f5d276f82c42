//! `fuzz-nstat`: the original nstat against ours, at random. See [`plumb_testkit::fuzz::program`].

use std::process::ExitCode;

fn main() -> ExitCode {
    plumb_testkit::fuzz::program::main("fuzz-nstat", plumb_testkit::nstat::fuzz::run)
}
