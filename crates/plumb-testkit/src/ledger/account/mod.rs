//! What plumb told of connections, compared with the ledger of who made them.
//!
//! Each connection has several facts: who opened it, what came of it, the bytes of each end, who accepted it. A
//! fact that was not told is missing, one that was told otherwise is wrong. Both are excused only by as many
//! losses as plumb itself owns up to: without the event that says it is established, a connection seems given up.

mod attempts;
mod flows;
mod run;
mod timeline;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::path::Path;

use serde_json::Value;

pub use run::Cost;

use super::Entry;
use super::make::Plan;

/// Wrong facts that are shown.
const MAX_SHOWN: usize = 20;

/// What a verb told, added up.
#[derive(Debug, Default)]
pub struct Account {
    /// The verb, as it was asked.
    pub verb: &'static str,
    /// Connections and attempts in the ledger.
    pub expected: u64,
    /// Those of which every fact was told.
    pub seen: u64,
    /// Losses that the verb itself counted.
    pub lost: u64,
    /// Facts that are missing.
    pub missing: u64,
    /// Facts that are wrong.
    pub wrong: u64,
    /// The first of those that are missing or wrong, in words.
    pub shown: Vec<String>,
    /// What it cost.
    pub cost: Cost,
}

impl Account {
    /// Facts that are missing and that nobody said were lost.
    pub fn missing_unsaid(&self) -> u64 {
        self.missing.saturating_sub(self.lost)
    }

    /// Says whether every connection is accounted for.
    pub fn is_whole(&self) -> bool {
        self.missing + self.wrong <= self.lost
    }

    fn note(&mut self, text: impl FnOnce() -> String) {
        if self.shown.len() < MAX_SHOWN {
            self.shown.push(text());
        }
    }
}

/// Lets a verb watch, and compares.
type Watch = fn(&Path, &Plan) -> io::Result<Account>;

/// Lets every verb watch, one after the other, in folders below this one.
pub fn all(plumb: &Path, plan: &Plan) -> io::Result<Vec<Account>> {
    let verbs: [(&str, Watch); 3] = [
        ("trace", timeline::account),
        ("connects", attempts::account),
        ("top", flows::account),
    ];
    let mut accounts = Vec::new();
    for (verb, watch) in verbs {
        let folder = plan.folder.join(verb);
        std::fs::create_dir(&folder)?;
        let plan = Plan {
            folder,
            ..plan.clone()
        };
        accounts.push(watch(plumb, &plan)?);
    }
    Ok(accounts)
}

/// Writes the accounts as a table.
pub fn table(accounts: &[Account]) -> String {
    let mut text = String::from(
        "verb        expected      seen  lost and said  missing unsaid     wrong  peak MB   CPU s  wall s\n",
    );
    for account in accounts {
        let _ = writeln!(
            text,
            "{:<10} {:>9} {:>9} {:>14} {:>15} {:>9} {:>8} {:>7.1} {:>7.1}",
            account.verb,
            account.expected,
            account.seen,
            account.lost,
            account.missing_unsaid(),
            account.wrong,
            account.cost.peak_kb / 1024,
            account.cost.cpu_s,
            account.cost.wall_s,
        );
    }
    for account in accounts {
        for line in &account.shown {
            let _ = writeln!(text, "{}: {line}", account.verb);
        }
    }
    text
}

/// How many losses a document or its last line owns up to.
fn lost(envelope: &Value) -> u64 {
    let reasons = envelope["reasons"].as_array().into_iter().flatten();
    let words = reasons.filter_map(Value::as_str);
    let counted = words.filter_map(|reason| reason.split(' ').next()?.parse::<u64>().ok());
    counted.sum()
}

/// Where a connection is looked for: namespace, client's end, server's end.
type Place = (u64, SocketAddr, SocketAddr);

fn place(entry: &Entry) -> Place {
    (entry.netns, entry.client, entry.server)
}

/// The entries of each place, in their order.
fn by_place(entries: &[Entry]) -> HashMap<Place, Vec<&Entry>> {
    let mut places: HashMap<Place, Vec<&Entry>> = HashMap::new();
    for entry in entries {
        places.entry(place(entry)).or_default().push(entry);
    }
    places
}

/// Reads a place of a row: `netns` and two ends.
fn ends(row: &Value, client: &str, server: &str) -> Option<Place> {
    let end = |key: &str| row[key].as_str()?.parse().ok();
    Some((row["netns"].as_u64()?, end(client)?, end(server)?))
}

/// Gives the last name of the function of a stack.
fn function(stack: &Value) -> Option<&str> {
    stack["function"].as_str()?.rsplit("::").next()
}
