//! Connections that are written down by who made them, so that it can be checked what was told of them.
//!
//! [`make`] opens, uses and closes connections of every kind in several network namespaces and between them, by several
//! processes and threads, and each thread writes a ledger. [`account`] lets plumb watch it and compares what plumb told
//! with the ledger, connection by connection: by namespace and ends, and by their order where ends come again.

pub mod account;
pub mod across;
pub mod make;
mod open;
mod ports;
pub mod worker;

use std::fmt;
use std::io::{self, BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;

use crate::random::Random;

/// What becomes of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Carries bytes both ways; the client closes first.
    Usual,
    /// Likewise; the server closes first.
    ServedFirst,
    /// The client ends it with a reset.
    ClientReset,
    /// The server closes without reading, which is a reset.
    ServerReset,
    /// Carries nothing for long.
    Stalled,
    /// Carries more than its server takes before that begins to read.
    Unread,
    /// Nobody accepts it.
    Unaccepted,
    /// Nobody listens there.
    Refused,
    /// There is no route there.
    NoRoute,
    /// The listener does not answer, and the client does not wait.
    GivenUp,
}

impl Kind {
    /// All kinds, each with how many of a hundred connections within a namespace are of it.
    pub const ALL: [(Self, usize); 10] = [
        (Self::Usual, 45),
        (Self::ServedFirst, 15),
        (Self::ClientReset, 12),
        (Self::ServerReset, 8),
        (Self::Stalled, 6),
        // Between namespaces.
        (Self::Unread, 0),
        // One for each thread.
        (Self::Unaccepted, 0),
        (Self::Refused, 8),
        (Self::NoRoute, 4),
        (Self::GivenUp, 2),
    ];

    /// Gives its word in the ledger.
    fn word(self) -> &'static str {
        match self {
            Self::Usual => "usual",
            Self::ServedFirst => "served-first",
            Self::ClientReset => "client-reset",
            Self::ServerReset => "server-reset",
            Self::Stalled => "stalled",
            Self::Unread => "unread",
            Self::Unaccepted => "unaccepted",
            Self::Refused => "refused",
            Self::NoRoute => "no-route",
            Self::GivenUp => "given-up",
        }
    }

    /// Says whether a connection comes about.
    fn is_established(self) -> bool {
        !matches!(self, Self::Refused | Self::NoRoute | Self::GivenUp)
    }

    /// Gives the function that opens it, without its path.
    fn opened_by(self) -> &'static str {
        match self {
            Self::Usual => "opens_usual",
            Self::ServedFirst => "opens_served_first",
            Self::ClientReset => "opens_and_resets",
            Self::ServerReset => "opens_to_be_reset",
            Self::Stalled => "opens_and_stalls",
            Self::Unread => "opens_unread",
            Self::Unaccepted => "opens_unaccepted",
            Self::Refused => "opens_to_be_refused",
            Self::NoRoute => "opens_without_route",
            Self::GivenUp => "opens_and_gives_up",
        }
    }
}

/// The program that makes connections and accounts for them.
pub const PROGRAM: &str = "plumb-ledger";

/// The function that accepts all connections, without its path.
const ACCEPTED_BY: &str = "accepts";

/// One connection, or an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Inode of its client's network namespace.
    pub netns: u64,
    /// Inode of its server's.
    pub served_netns: u64,
    /// Its client's end.
    pub client: SocketAddr,
    /// Its server's end.
    pub server: SocketAddr,
    /// What became of it.
    pub kind: Kind,
    /// Bytes from client to server.
    pub sent: u64,
    /// Bytes from server to client.
    pub answered: u64,
}

impl fmt::Display for Entry {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            to,
            "{} {} {} {} {} {} {}",
            self.netns,
            self.served_netns,
            self.client,
            self.server,
            self.kind.word(),
            self.sent,
            self.answered
        )
    }
}

impl Entry {
    /// Reads a line of a ledger.
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let (netns, served_netns) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let (client, server) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let kind = words.next()?;
        let (kind, _) = *Kind::ALL.iter().find(|(known, _)| known.word() == kind)?;
        Some(Self {
            netns,
            served_netns,
            client,
            server,
            kind,
            sent: words.next()?.parse().ok()?,
            answered: words.next()?.parse().ok()?,
        })
    }
}

/// Picks a kind by its share of a hundred.
fn pick(kinds: &[(Kind, usize)], random: &mut Random) -> Kind {
    let mut left = random.below(100);
    for (kind, share) in kinds {
        match left.checked_sub(*share) {
            Some(less) => left = less,
            None => return *kind,
        }
    }
    Kind::Usual
}

/// Reads the ledgers of a folder. Those of one thread are in the order of their opening.
pub fn read(folder: &Path) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for file in std::fs::read_dir(folder)? {
        for line in BufReader::new(std::fs::File::open(file?.path())?).lines() {
            let line = line?;
            let entry = Entry::parse(&line);
            entries.push(entry.ok_or_else(|| io::Error::other(format!("no entry: {line}")))?);
        }
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        for (kind, _) in Kind::ALL {
            let entry = Entry {
                netns: 4_026_531_840,
                served_netns: 4_026_531_841,
                client: ([127, 0, 0, 1], 40_000).into(),
                server: ([127, 0, 0, 2], 3000).into(),
                kind,
                sent: 7,
                answered: 0,
            };
            assert_eq!(Entry::parse(&entry.to_string()), Some(entry));
        }
    }

    #[test]
    fn the_kinds_are_a_hundred_in_a_hundred() {
        assert_eq!(Kind::ALL.iter().map(|(_, share)| share).sum::<usize>(), 100);
    }
}
