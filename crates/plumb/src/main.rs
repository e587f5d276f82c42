//! plumb: wiring only. Which face was called, and what exit status it leaves.
//!
//! A link named `netstat`, `ss` or `nstat` is that personality; so are `plumb netstat …`, `plumb ss
//! …`, `plumb nstat …` and, because that is what fingers type, `plumb -plantu`. Every other word
//! after `plumb` is a verb.

mod cli;
mod creations;
mod errno;
mod facts;
mod getopt;
mod link;
#[cfg(test)]
mod manual;
mod netstat;
mod nstat;
mod output;
mod ss;
mod verbs;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    plumb_collect::sys::signal::restore_sigpipe();
    let mut words = std::env::args_os();
    let argv0 = words.next().unwrap_or_else(|| OsString::from("plumb"));
    let words: Vec<OsString> = words.collect();
    ExitCode::from(dispatch(&argv0, words))
}

fn dispatch(argv0: &OsStr, mut words: Vec<OsString>) -> u8 {
    match Path::new(argv0).file_name().map(OsStr::as_bytes) {
        Some(b"netstat") => return netstat::main(argv0, words),
        Some(b"ss") => return ss::main(argv0, words, ss::Spelling::Original),
        Some(b"nstat") => return nstat::main(argv0, words),
        _ => {}
    }
    match words.first().map(|word| word.as_bytes()) {
        Some(b"netstat") => {
            words.remove(0);
            netstat::main(OsStr::new("netstat"), words)
        }
        Some(b"ss") => {
            words.remove(0);
            ss::main(OsStr::new("ss"), words, ss::Spelling::Extended)
        }
        Some(b"nstat") => {
            words.remove(0);
            nstat::main(OsStr::new("nstat"), words)
        }
        // `--help` and `--version` of plumb itself; every other option is netstat's.
        Some(b"--help" | b"--version") | None => cli::main(words),
        Some([b'-', _, ..]) => netstat::main(OsStr::new("plumb"), words),
        Some(_) => cli::main(words),
    }
}
