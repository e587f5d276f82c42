//! `plumb-load churn|ping-pong|bulk OPERATIONS FILE [PROCESSOR]`: a client and a server on loopback, on one
//! processor if that is named. Writes what they cost into FILE, as `{"cpu_ns": …, "whole_ns": …}`: their CPU time for
//! the operations counted, and for everything from their start, by which whoever started a tracer around them knows
//! what is the tracer's.

use std::io;
use std::process::ExitCode;

use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use nix::unistd::Pid;
use plumb_testkit::load::{self, Load};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("plumb-load: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(words: &[&str]) -> io::Result<()> {
    match words {
        [load::SERVER, load, warm_up, operations] => load
            .parse::<Load>()?
            .serve(number(warm_up)?, number(operations)?),
        [load, operations, file, processor @ ..] if processor.len() <= 1 => {
            if let [processor] = processor {
                stay_on(number(processor)?)?;
            }
            let cpu_ns = load.parse::<Load>()?.run(number(operations)?)?;
            let whole_ns = usage_ns(UsageWho::RUSAGE_SELF)? + usage_ns(UsageWho::RUSAGE_CHILDREN)?;
            let report = serde_json::json!({ "cpu_ns": cpu_ns, "whole_ns": whole_ns });
            std::fs::write(file, report.to_string())
        }
        _ => Err(io::Error::other(
            "usage: plumb-load churn|ping-pong|bulk OPERATIONS FILE [PROCESSOR]",
        )),
    }
}

/// Stays on one processor, as will those we start.
fn stay_on(processor: u32) -> io::Result<()> {
    let mut one = CpuSet::new();
    one.set(usize::try_from(processor).map_err(io::Error::other)?)?;
    Ok(sched_setaffinity(Pid::from_raw(0), &one)?)
}

fn usage_ns(who: UsageWho) -> io::Result<i64> {
    let usage = getrusage(who)?;
    Ok(usage.user_time().num_nanoseconds() + usage.system_time().num_nanoseconds())
}

fn number(word: &str) -> io::Result<u32> {
    let invalid = |error| io::Error::other(format!("{word}: {error}"));
    word.parse().map_err(invalid)
}
