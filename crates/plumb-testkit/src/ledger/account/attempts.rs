//! `plumb connects -o ndjson`: each attempt, what came of it, and who made it.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::path::Path;

use serde_json::Value;

use super::run::Watched;
use super::{Account, Entry, Place, Plan, by_place, ends, function, lost};
use crate::ledger::{self, Kind};
use crate::programs;

/// What was told of an attempt: outcome, error, function.
type Told = (String, Option<i64>, Option<String>);

/// Watches, and compares.
pub(super) fn account(plumb: &Path, plan: &Plan) -> io::Result<Account> {
    let answer = plan.folder.with_extension("ndjson");
    let program = programs::find(ledger::PROGRAM)?;
    let mut words = vec!["connects", "-o", "ndjson", "--"];
    let command = plan.command(&program);
    words.extend(command.iter().map(String::as_str));
    let cost = Watched::start(plumb, &words, &answer)?.finish()?;
    let mut told: HashMap<Place, Vec<Told>> = HashMap::new();
    let mut account = Account {
        verb: "connects",
        cost,
        ..Account::default()
    };
    for line in BufReader::new(File::open(&answer)?).lines() {
        let row: Value = serde_json::from_str(&line?)?;
        account.lost += lost(&row);
        if let (Some(outcome), Some(place)) = (row["outcome"].as_str(), ends(&row, "local", "peer"))
        {
            let function = function(&row["made_by"]).map(str::to_owned);
            let attempt = (outcome.to_owned(), row["errno"].as_i64(), function);
            told.entry(place).or_default().push(attempt);
        }
    }
    std::fs::remove_file(&answer)?;
    compare(&ledger::read(&plan.folder)?, &told, &mut account);
    Ok(account)
}

/// What should have been told.
fn wanted(entry: &Entry) -> Told {
    let (outcome, errno) = match entry.kind {
        Kind::Refused => ("refused", Some(111)),
        Kind::NoRoute => ("no-route", Some(101)),
        Kind::GivenUp => ("given-up", None),
        // Its listener goes first, and not a byte has come.
        Kind::Unaccepted => ("reset", Some(104)),
        _ => ("connected", None),
    };
    let function = entry.kind.opened_by().to_owned();
    (outcome.to_owned(), errno, Some(function))
}

fn compare(entries: &[Entry], told: &HashMap<Place, Vec<Told>>, account: &mut Account) {
    account.expected = u64::try_from(entries.len()).unwrap_or(0);
    let nothing = Vec::new();
    for (place, entries) in by_place(entries) {
        let told = told.get(&place).unwrap_or(&nothing);
        for (number, entry) in entries.iter().enumerate() {
            let (wanted, told_now) = (wanted(entry), told.get(number));
            if told_now == Some(&wanted) {
                account.seen += 1;
                continue;
            }
            // With fewer attempts than entries nobody can say which are which; without the function, it
            // is the stack that is missing.
            let is_missing = told.len() < entries.len()
                || told_now.is_some_and(|(outcome, errno, function)| {
                    (outcome, errno) == (&wanted.0, &wanted.1) && function.is_none()
                });
            if is_missing {
                account.missing += 1;
            } else {
                account.wrong += 1;
            }
            account.note(|| format!("{entry}: {wanted:?}, told {told_now:?}"));
        }
        let more = told.len().saturating_sub(entries.len());
        account.wrong += u64::try_from(more).unwrap_or(0);
        if more > 0 {
            account.note(|| format!("{place:?}: {more} more than there were"));
        }
    }
}
