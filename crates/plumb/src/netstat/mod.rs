//! The netstat personality: command line in, the tables of net-tools 2.10 out.
//!
//! `options` turns words into a typed request, `run` has one module per table, `session` is what
//! they share. Formatting is `plumb-present`'s, reading is `plumb-collect`'s.

mod options;
mod run;
mod session;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::time::Duration;

use plumb_collect::inet::Backend;
use plumb_present::netstat::help;

use self::options::{Mode, Options, Request, Surroundings};
use self::session::Session;
use crate::errno;
use crate::output::Output;

/// Pause between the rounds of -c.
const ROUND: Duration = Duration::from_secs(1);
/// Exit status of usage errors.
const USAGE: u8 = 3;

/// Runs the personality; gives the exit status.
///
/// `argv0` is the name that complaints about the command line begin with.
pub fn main(argv0: &OsStr, words: Vec<OsString>) -> u8 {
    let surroundings = Surroundings {
        posixly_correct: std::env::var_os("POSIXLY_CORRECT").is_some(),
        selinux: plumb_collect::selinux::is_enabled(),
    };
    let mut out = Output::stdout();
    let status = match Request::parse(words, surroundings) {
        Request::Run(options) => return run_tables(*options, out),
        Request::Help => {
            out.title(&written(help::write_help));
            out.complain(&written(help::write_families));
            0
        }
        Request::Version => {
            out.title(&written(|text| {
                help::write_version(text, env!("CARGO_PKG_VERSION"));
            }));
            0
        }
        Request::Usage(complaint) => {
            if let Some(complaint) = complaint {
                out.complain(&[argv0.as_bytes(), b": ", &complaint, b"\n"].concat());
            }
            out.complain(&written(help::write_help));
            out.complain(&written(help::write_families));
            USAGE
        }
        Request::Refused(text) => {
            out.complain(&text);
            1
        }
    };
    close(&mut out, status)
}

fn run_tables(options: Options, mut out: Output) -> u8 {
    let backend = match backend_from_environment() {
        Ok(backend) => backend,
        Err(complaint) => {
            out.complain(&complaint);
            return 1;
        }
    };
    let repeats = options.continuous && options.mode != Mode::Statistics;
    let mut session = Session::new(options, out, backend);
    loop {
        session.begin_round();
        let status = run::run(&mut session);
        session.end_round();
        if !repeats || status != 0 || session.out.has_failed() {
            return close(&mut session.out, status);
        }
        std::thread::sleep(ROUND);
    }
}

/// Hands out what is left; output that cannot be written makes the run a failure.
fn close(out: &mut Output, status: u8) -> u8 {
    match out.finish() {
        Ok(()) => status,
        Err(error) => {
            let cause = errno::words(error);
            out.complain(format!("netstat: write standard output: {cause}\n").as_bytes());
            status.max(1)
        }
    }
}

/// Reads `PLUMB_SOURCE` (`proc`, `netlink`) and `PLUMB_DIAG_DIR` (recorded sock_diag answers).
fn backend_from_environment() -> Result<Backend, Vec<u8>> {
    let source = std::env::var_os("PLUMB_SOURCE").unwrap_or_default();
    let recording = std::env::var_os("PLUMB_DIAG_DIR").filter(|directory| !directory.is_empty());
    match (source.as_bytes(), recording) {
        (b"", None) => Ok(Backend::Auto),
        (b"proc", _) => Ok(Backend::Proc),
        (b"" | b"netlink", Some(directory)) => Ok(Backend::Recording(directory.into())),
        (b"netlink", None) => Ok(Backend::Netlink),
        (other, _) => {
            let before = &b"netstat: PLUMB_SOURCE "[..];
            Err([before, other, b": expected proc or netlink\n"].concat())
        }
    }
}

fn written(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut text = Vec::new();
    write(&mut text);
    text
}
