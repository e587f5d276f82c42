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
    place: Option<Place>,
    /// It has had a state.
    begun: bool,
    function: Option<String>,
    established: bool,
    connect_failed: Option<String>,
    ended: Option<(u64, u64)>,
    error: Option<String>,
}

/// All that was told.
#[derive(Debug, Default)]
struct Told {
    /// In the order of their beginning.
    lives: Vec<Life>,
    /// Where the life of a socket is that was told of last.
    last: HashMap<u64, usize>,
    lost: u64,
}

impl Told {
    fn take(&mut self, row: &Value) {
        self.lost += lost(row);
        let Some(place) = ends(row, "local", "peer") else {
            return;
        };
        // A packet that is dropped belongs to no socket.
        if row["cookie"].is_null() {
            return;
        }
        let text = row["text"].as_str().unwrap_or_default();
        let begins = text.starts_with("CLOSE > SYN_SENT");
        let life = self.life(row, begins || text.starts_with("SYN_RECV > "));
        let by = || function(&row["made_by"]).map(str::to_owned);
        match row["event"].as_str() {
            Some("state") if begins => life.function = by(),
            Some("state") if text.contains(" > ESTABLISHED") => life.established = true,
            Some("state") if text.split([' ', ',']).nth(2) == Some("CLOSE") => {
                let bytes = |key: &str| row[key].as_u64();
                life.ended = bytes("sent_bytes").zip(bytes("received_bytes"));
                life.error = row["error"].as_str().map(str::to_owned);
            }
            Some("accepted") => life.function = by(),
            Some("connect") => {
                if let Some((_, error)) = text.split_once("failed: ") {
                    life.connect_failed = Some(error.to_owned());
                    life.function = life.function.take().or_else(by);
                }
            }
            _ => {}
        }
        // Before a port is chosen there is none.
        if place.1.port() != 0 {
            life.place = Some(place);
        }
    }

    /// The life that a row tells of: a new one when it begins, or when nothing was told of the socket before.
    fn life(&mut self, row: &Value, begins: bool) -> &mut Life {
        let cookie = row["cookie"].as_u64();
        let known = cookie.and_then(|cookie| self.last.get(&cookie).copied());
        // A socket is told of from its making on: that is the beginning of the life that its first state goes on with.
        let is_young = known
            .and_then(|at| self.lives.get(at))
            .is_some_and(|life| !life.begun);
        let at = known
            .filter(|_| !begins || is_young)
            .unwrap_or(self.lives.len());
        if at == self.lives.len() {
            self.last.extend(cookie.map(|cookie| (cookie, at)));
            self.lives.push(Life::default());
        }
        self.lives[at].begun |= begins;
        &mut self.lives[at]
    }

    /// The lives of each place, in their order. A server's are looked for by its ends as it sees them.
    fn by_place(&self) -> HashMap<Place, Vec<&Life>> {
        let mut places: HashMap<Place, Vec<&Life>> = HashMap::new();
        for life in &self.lives {
            if let Some(place) = life.place {
                places.entry(place).or_default().push(life);
            }
        }
        places
    }
}

fn compare(entries: &[Entry], told: &Told, account: &mut Account) {
    account.expected = u64::try_from(entries.len()).unwrap_or(0);
    let nothing = Vec::new();
    let told = told.by_place();
    for (place, entries) in by_place(entries) {
        let (netns, client, server) = place;
        let served_netns = entries.first().map_or(netns, |entry| entry.served_netns);
        let lives = told.get(&place).unwrap_or(&nothing);
        let served = told
            .get(&(served_netns, server, client))
            .unwrap_or(&nothing);
        for (number, entry) in entries.iter().enumerate() {
            let mut facts = Vec::new();
            facts_of_client(entry, lives.get(number).copied(), &mut facts);
            if entry.kind.is_established() {
                facts_of_server(entry, served.get(number).copied(), &mut facts);
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
    let is_reset = matches!(entry.kind, Kind::ServerReset | Kind::Unaccepted);
    let reset = is_reset.then_some("ECONNRESET");
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
