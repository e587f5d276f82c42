//! `plumb-ledger check PLUMB CONNECTIONS SEED FOLDER`: connections that are written down, and whether plumb told
//! of every one. Prints a table; ends with 1 when something is missing or wrong.
//!
//! `plumb-ledger make CONNECTIONS SEED FOLDER [hold]` only makes them.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use plumb_testkit::ledger::make::{self, Plan};
use plumb_testkit::ledger::worker;
use plumb_testkit::ledger::{account, across};
use plumb_testkit::{ledger, sandbox};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match run(&words) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{}: {error}", ledger::PROGRAM);
            ExitCode::from(2)
        }
    }
}

fn run(words: &[String]) -> io::Result<bool> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["check", plumb, rest @ ..] => check(Path::new(plumb), &plan(rest)?),
        [make::WORD, rest @ ..] => make::run(&plan(rest)?).map(|()| true),
        [worker::WORD, rest @ ..] => worker::run(rest).map(|()| true),
        [across::SERVE] => across::serve().map(|()| true),
        [across::CALL, rest @ ..] => across::call(rest).map(|()| true),
        _ => Err(wrong()),
    }
}

fn wrong() -> io::Error {
    io::Error::other("usage: plumb-ledger check PLUMB CONNECTIONS SEED FOLDER")
}

fn plan(words: &[&str]) -> io::Result<Plan> {
    let (connections, seed, folder, hold) = match words {
        [connections, seed, folder] => (connections, seed, folder, false),
        [connections, seed, folder, make::HOLD] => (connections, seed, folder, true),
        _ => return Err(wrong()),
    };
    Ok(Plan {
        connections: connections.parse().map_err(|_| wrong())?,
        seed: seed.parse().map_err(|_| wrong())?,
        folder: PathBuf::from(folder),
        hold,
    })
}

/// Checks inside a sandbox: plumb sees no other processes, and nothing stays behind.
fn check(plumb: &Path, plan: &Plan) -> io::Result<bool> {
    // A timeline takes some 20 KB for each connection.
    if let Some(ended) = sandbox::enter_program_that_writes_much()? {
        return Ok(ended == ExitCode::SUCCESS);
    }
    let accounts = account::all(plumb, plan)?;
    print!("{}", account::table(&accounts));
    Ok(accounts.iter().all(account::Account::is_whole))
}
