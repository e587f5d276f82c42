//! `plumb-churn LIVE PER_SECOND BIG`: processes that come and go, until standard input ends.
//!
//! Keeps LIVE children and replaces the oldest, PER_SECOND times a second; one more process holds BIG sockets.
//! For namespaces of one's own: it fills the table of processes.

use std::ffi::OsString;
use std::io;
use std::process::ExitCode;

use plumb_testkit::churn::{self, HELD, Plan};

fn main() -> ExitCode {
    // The name it was started as may be no text.
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    let words: Vec<&str> = words.iter().filter_map(|word| word.to_str()).collect();
    let ended = match words.as_slice() {
        [HELD] => churn::hold(),
        [live, per_second, big] => plan(live, per_second, big).and_then(churn::run),
        _ => Err(io::Error::other("usage: plumb-churn LIVE PER_SECOND BIG")),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("plumb-churn: {error}");
            ExitCode::from(2)
        }
    }
}

fn plan(live: &str, per_second: &str, big: &str) -> io::Result<Plan> {
    let wrong = |error: std::num::ParseIntError| io::Error::other(error);
    Ok(Plan {
        live: live.parse().map_err(wrong)?,
        per_second: per_second.parse().map_err(wrong)?,
        big: big.parse().map_err(wrong)?,
    })
}
