//! `plumb top --by port`: the sums of all answers, for each port.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::run::Watched;
use super::{Account, Entry, Plan, lost};
use crate::ledger::{self, Kind};
use crate::programs;

/// The time between two readings.
const EVERY: &str = "500ms";
/// How long it is looked for an answer.
const LOOK: Duration = Duration::from_millis(20);
/// Looks until it is given up.
const PATIENCE: usize = 3000;
/// Answers that must come after the last connection ended.
const ANSWERS_BEHIND: usize = 2;

/// Closed, received and sent, by the name of the flow.
type Sums = BTreeMap<String, (u64, u64, u64)>;

/// Watches, and compares.
pub(super) fn account(plumb: &Path, plan: &Plan) -> io::Result<Account> {
    let answer = plan.folder.with_extension("ndjson");
    let program = programs::find(ledger::PROGRAM)?;
    let words = [
        "top", "--by", "port", "--every", EVERY, "-n", "100000", "-o", "ndjson",
    ];
    let mut watched = Watched::start(plumb, &words, &answer)?;
    wait_for_answers(&mut watched, &answer, 1)?;
    let plan = Plan {
        hold: true,
        ..plan.clone()
    };
    let command = plan.command(&program);
    let mut maker = Command::new(&program)
        .args(command.get(1..).unwrap_or(&[]))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let hold = maker.stdin.take();
    if let Some(said) = &mut maker.stdout {
        let mut byte = [0];
        while said.read(&mut byte)? > 0 && byte != *b"\n" {}
    }
    let so_far = answers(&answer)?.len();
    wait_for_answers(&mut watched, &answer, so_far + ANSWERS_BEHIND)?;
    if let Some(pid) = i32::try_from(watched.child.id())
        .ok()
        .and_then(Pid::from_raw)
    {
        kill_process(pid, Signal::INT)?;
    }
    let cost = watched.finish()?;
    drop(hold);
    if !maker.wait()?.success() {
        return Err(io::Error::other("the connections were not made"));
    }
    let mut account = Account {
        verb: "top",
        cost,
        ..Account::default()
    };
    let told = add_up(&answer, &mut account)?;
    std::fs::remove_file(&answer)?;
    compare(&ledger::read(&plan.folder)?, &told, &mut account);
    Ok(account)
}

/// Waits until so many answers are there.
fn wait_for_answers(watched: &mut Watched, answer: &Path, wanted: usize) -> io::Result<()> {
    for _ in 0..PATIENCE {
        if answers(answer)?.len() >= wanted {
            return Ok(());
        }
        if watched.look()? {
            return Err(io::Error::other("plumb top ended by itself"));
        }
        std::thread::sleep(LOOK);
    }
    Err(io::Error::other("plumb top does not answer"))
}

/// The last lines of all answers so far.
fn answers(answer: &Path) -> io::Result<Vec<String>> {
    let lines = BufReader::new(File::open(answer)?).lines();
    let ends = |line: &String| line.contains(r#""reasons":"#);
    Ok(lines.map_while(Result::ok).filter(ends).collect())
}

/// Adds up all answers. What could not be counted is said in each answer anew, from the beginning on: the
/// largest number is all.
fn add_up(answer: &Path, account: &mut Account) -> io::Result<Sums> {
    let mut sums = Sums::new();
    for line in BufReader::new(File::open(answer)?).lines() {
        let row: Value = serde_json::from_str(&line?)?;
        account.lost = account.lost.max(lost(&row));
        let Some(name) = row["name"].as_str() else {
            continue;
        };
        let sum = sums.entry(name.to_owned()).or_default();
        let number = |key: &str| row[key].as_u64().unwrap_or_default();
        sum.0 += number("closed");
        sum.1 += number("received_bytes");
        sum.2 += number("sent_bytes");
    }
    Ok(sums)
}

/// What should have been told: each connection at its client's end and, if it came about, at its server's.
fn wanted(entries: &[Entry]) -> Sums {
    let mut sums = Sums::new();
    for entry in entries {
        // The first never had a state, the second ends when plumb has ended.
        if matches!(entry.kind, Kind::NoRoute | Kind::Unaccepted) {
            continue;
        }
        let port = entry.server.port();
        let mut count = |name: String, received: u64, sent: u64| {
            let sum = sums.entry(name).or_default();
            *sum = (sum.0 + 1, sum.1 + received, sum.2 + sent);
        };
        count(format!("tcp to :{port}"), entry.answered, entry.sent);
        if entry.kind.is_established() {
            count(format!("tcp :{port}"), entry.sent, entry.answered);
        }
    }
    sums
}

fn compare(entries: &[Entry], told: &Sums, account: &mut Account) {
    account.expected = u64::try_from(entries.len()).unwrap_or(0);
    let wanted = wanted(entries);
    let mut missing = 0;
    for (name, wanted) in &wanted {
        let told = told.get(name).copied().unwrap_or_default();
        if told == *wanted {
            continue;
        }
        missing += wanted.0.saturating_sub(told.0);
        if told.0 >= wanted.0 {
            account.wrong += 1;
        }
        account.note(|| format!("{name}: closed, received, sent {wanted:?}, told {told:?}"));
    }
    account.missing = missing;
    account.seen = account.expected.saturating_sub(missing);
}
