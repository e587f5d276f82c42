//! `plumb trace --no-calls -o ndjson`: the life of each end of each connection.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::path::Path;

use serde_json::Value;

use super::run::Watched;
use super::{Account, Entry, Place, Plan, by_place, ends, function, lost};
use crate::ledger::{self, ACCEPTED_BY, Kind};
use crate::programs;

/// Watches, and compares.
pub(super) fn account(plumb: &Path, plan: &Plan) -> io::Result<Account> {
    let answer = plan.folder.with_extension("ndjson");
    let program = programs::find(ledger::PROGRAM)?;
    let mut words = vec!["trace", "--no-calls", "-o", "ndjson", "--"];
    let command = plan.command(&program);
    words.extend(command.iter().map(String::as_str));
    let cost = Watched::start(plumb, &words, &answer)?.finish()?;
    let mut told = Told::default();
    for line in BufReader::new(File::open(&answer)?).lines() {
        told.take(&serde_json::from_str(&line?)?);
    }
    std::fs::remove_file(&answer)?;
    let mut account = Account {
        verb: "trace",
        cost,
        lost: told.lost,
        ..Account::default()
    };
    compare(&ledger::read(&plan.folder)?, &told, &mut account);
    Ok(account)
}

/// What was told of one life of one end.
#[derive(Debug, Default, Clone)]
struct Life {
    began: bool,
    function: Option<String>,
    established: bool,
    connect_failed: Option<String>,
    ended: Option<(u64, u64)>,
    error: Option<String>,
}

/// All that was told. A server's end is looked for by the ends as the server sees them.
#[derive(Debug, Default)]
struct Told {
    lives: HashMap<Place, Vec<Life>>,
    lost: u64,
}

impl Told {
    fn take(&mut self, row: &Value) {
        self.lost += lost(row);
        let Some(place) = ends(row, "local", "peer") else {
            return;
        };
        let text = row["text"].as_str().unwrap_or_default();
        let lives = self.lives.entry(place).or_default();
        match row["event"].as_str() {
            Some("state") if text.starts_with("CLOSE > SYN_SENT") => lives.push(Life {
                began: true,
                function: function(&row["made_by"]).map(str::to_owned),
                ..Life::default()
            }),
            Some("state") if text.starts_with("SYN_RECV > ESTABLISHED") => lives.push(Life {
                began: true,
                established: true,
                ..Life::default()
            }),
            Some("state") if text.contains(" > ESTABLISHED") => open(lives).established = true,
            Some("state") if text.contains(" > CLOSE") && !text.contains("CLOSE_WAIT,") => {
                let bytes = |key: &str| row[key].as_u64();
                let life = open(lives);
                life.ended = bytes("sent_bytes").zip(bytes("received_bytes"));
                life.error = row["error"].as_str().map(str::to_owned);
            }
            Some("accepted") => {
                open(lives).function = function(&row["made_by"]).map(str::to_owned);
            }
            Some("connect") => returned(lives, row, text),
            _ => {}
        }
    }
}

/// The life that goes on; if its beginning was not told, one without.
fn open(lives: &mut Vec<Life>) -> &mut Life {
    if lives.last().is_none_or(|life| life.ended.is_some()) {
        lives.push(Life::default());
    }
    lives.last_mut().expect("one was put in if there was none")
}

/// An attempt that failed at once has no other event; one that was refused has ended before.
fn returned(lives: &mut Vec<Life>, row: &Value, text: &str) {
    let Some((_, error)) = text.split_once("failed: ") else {
        return;
    };
    let waits = lives
        .last()
        .is_some_and(|life| life.began && life.connect_failed.is_none() && !life.established);
    if !waits {
        lives.push(Life {
            began: true,
            function: function(&row["made_by"]).map(str::to_owned),
            ended: Some((0, 0)),
            ..Life::default()
        });
    }
    let life = lives.last_mut().expect("one was put in if there was none");
    life.connect_failed = Some(error.to_owned());
}

fn compare(entries: &[Entry], told: &Told, account: &mut Account) {
    account.expected = u64::try_from(entries.len()).unwrap_or(0);
    let nothing = Vec::new();
    for (place, entries) in by_place(entries) {
        let (netns, client, server) = place;
        let lives = told.lives.get(&place).unwrap_or(&nothing);
        let served = told.lives.get(&(netns, server, client)).unwrap_or(&nothing);
        for (number, entry) in entries.iter().enumerate() {
            let mut facts = Vec::new();
            facts_of_client(entry, lives.get(number), &mut facts);
            if entry.kind.is_established() {
                facts_of_server(entry, served.get(number), &mut facts);
            }
            // With fewer lives than entries nobody can say which are which.
            let is_short = lives.len() < entries.len();
            count(account, entry, &facts, is_short);
        }
        let more = lives.len().saturating_sub(entries.len());
        account.wrong += u64::try_from(more).unwrap_or(0);
        if more > 0 {
            account.note(|| format!("{place:?}: {more} more than there were: {lives:?}"));
        }
    }
}

/// One thing that should have been told.
struct Fact {
    what: &'static str,
    wanted: String,
    told: Option<String>,
}

fn count(account: &mut Account, entry: &Entry, facts: &[Fact], is_short: bool) {
    let mut whole = true;
    for fact in facts {
        let Fact { what, wanted, told } = fact;
        if told.as_ref() == Some(wanted) {
            continue;
        }
        whole = false;
        if told.is_none() || is_short {
            account.missing += 1;
        } else {
            account.wrong += 1;
        }
        account.note(|| format!("{entry}: {what}: {wanted}, told {told:?}"));
    }
    account.seen += u64::from(whole);
}

fn facts_of_client(entry: &Entry, life: Option<&Life>, facts: &mut Vec<Fact>) {
    facts.push(Fact {
        what: "opened by",
        wanted: entry.kind.opened_by().to_owned(),
        told: life.and_then(|life| life.function.clone()),
    });
    let error = match entry.kind {
        Kind::Refused => Some("ECONNREFUSED"),
        Kind::NoRoute => Some("ENETUNREACH"),
        Kind::GivenUp => Some("EINPROGRESS"),
        _ => None,
    };
    if let Some(error) = error {
        facts.push(Fact {
            what: "connect() failed",
            wanted: error.to_owned(),
            told: life.and_then(|life| life.connect_failed.clone()),
        });
        return;
    }
    facts.push(Fact {
        what: "established",
        wanted: String::from("true"),
        told: life
            .filter(|life| life.established)
            .map(|_| String::from("true")),
    });
    let reset = (entry.kind == Kind::ServerReset).then_some("ECONNRESET");
    facts.push(end(entry.sent, entry.answered, reset, life));
}

fn facts_of_server(entry: &Entry, life: Option<&Life>, facts: &mut Vec<Fact>) {
    if entry.kind == Kind::Unaccepted {
        return;
    }
    facts.push(Fact {
        what: "accepted by",
        wanted: ACCEPTED_BY.to_owned(),
        told: life.and_then(|life| life.function.clone()),
    });
    let reset = (entry.kind == Kind::ClientReset).then_some("ECONNRESET");
    facts.push(end(entry.answered, entry.sent, reset, life));
}

/// How an end of a connection ended: bytes sent, received, and the error.
fn end(sent: u64, received: u64, error: Option<&str>, life: Option<&Life>) -> Fact {
    let words = |sent, received, error: Option<&str>| {
        format!(
            "{sent} sent {received} received {}",
            error.unwrap_or("no error")
        )
    };
    let told = life.and_then(|life| {
        let (sent, received) = life.ended?;
        Some(words(sent, received, life.error.as_deref()))
    });
    Fact {
        what: "ended with",
        wanted: words(sent, received, error),
        told,
    }
}
