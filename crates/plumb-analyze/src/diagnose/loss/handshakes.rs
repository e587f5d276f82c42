//! `packet-loss` between a server here and clients whose connections are too short to be in two samples.
//!
//! A server says its SYN-ACK again when it or the acknowledgement of it was lost. That is so for a share of the handshakes
//! with a host, while others go well, and segments with data are sent again, too. A listener without room, or a rule that
//! throws away, does the first alone, and is counted.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};

use plumb_model::finding::{Confidence, Finding, Severity};
use plumb_model::notice::{Direction, Notice, What};

use super::super::processors::{self, Shortage};
use super::super::{Case, evidence, not_taken, sockets};
use super::{LOSS, are_damaged, host};

/// Fewer handshakes tell no share.
const HANDSHAKES: u64 = 20;
/// Fewer that had to be said again are chance.
const AGAIN: u64 = 4;
/// From this share on too much is lost, in percent.
const LOSSY_PERCENT: u64 = 2;
/// Where more are said again the way is long, or they are never completed.
const MOST_PERCENT: u64 = 60;
/// So many segments with data were sent again, at least.
const DATA: u64 = 5;

/// The handshakes of a host with servers here.
#[derive(Default)]
struct Handshakes {
    all: u64,
    again: u64,
}

/// Looks for clients whose handshakes are lost as data is.
pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let data =
        grown(case, "Tcp", "RetransSegs").saturating_sub(grown(case, "TcpExt", "TCPSynRetrans"));
    if case.notices.is_blind || data < DATA || has_another_cause(case) {
        return Vec::new();
    }
    let lossy = by_client(case)
        .into_iter()
        .filter(|(client, told)| told.are_lossy() && !are_damaged(case, *client, data));
    lossy
        .map(|(client, told)| finding(case, client, &told, data))
        .collect()
}

impl Handshakes {
    fn are_lossy(&self) -> bool {
        let percent = self.again * 100 / self.all.max(1);
        self.all >= HANDSHAKES
            && self.again >= AGAIN
            && (LOSSY_PERCENT..=MOST_PERCENT).contains(&percent)
    }
}

/// Counts the handshakes with each host, by the answers to its SYNs.
fn by_client(case: &Case<'_>) -> BTreeMap<IpAddr, Handshakes> {
    let ends = |notice: &Notice| (sockets::plain(notice.local), sockets::plain(notice.peer));
    let agreed = case
        .notices
        .of(Direction::Sent, |what| what == What::SynAck);
    let mut answers: HashMap<(SocketAddr, SocketAddr), u64> = HashMap::new();
    for notice in agreed {
        *answers.entry(ends(notice)).or_default() += notice.count;
    }
    let mut clients: BTreeMap<IpAddr, Handshakes> = BTreeMap::new();
    for ((_, client), count) in answers {
        if sockets::is_local(case.span.after, client.ip()) {
            continue;
        }
        let of_client = clients.entry(client.ip()).or_default();
        of_client.all += 1;
        of_client.again += u64::from(count > 1);
    }
    clients
}

/// Says whether a listener has no room, or what came was thrown away for a reason that is counted.
fn has_another_cause(case: &Case<'_>) -> bool {
    let full = ["TCPReqQFullDoCookies", "TCPBacklogDrop"];
    full.iter().any(|name| grown(case, "TcpExt", name) > 0)
        || not_taken::has_no_room(case)
        || not_taken::is_bad(case)
        || !case.notices.strays.is_empty()
}

fn grown(case: &Case<'_>, group: &str, name: &str) -> u64 {
    case.span.grown(group, name).ok().unwrap_or(0)
}

fn finding(case: &Case<'_>, client: IpAddr, told: &Handshakes, data: u64) -> Finding {
    let mut facts = vec![
        evidence::fact(
            "packets sent: SYN-ACK",
            format!(
                "of {} handshakes with {client} {} were said again in {:.1} s",
                told.all,
                told.again,
                case.span.seconds()
            ),
        ),
        evidence::fact(
            "Tcp.RetransSegs, TcpExt.TCPSynRetrans",
            format!("{data} segments of connections were sent again besides"),
        ),
    ];
    let shortage = processors::shortage(case, client);
    let is_doubtful = shortage.is_some();
    facts.extend(shortage.map(Shortage::into_fact));
    Finding {
        kind: LOSS,
        severity: if is_doubtful {
            Severity::Info
        } else {
            Severity::Warning
        },
        summary: format!(
            "segments between this host and {client} are lost: {} of {} of its handshakes had to be said again",
            told.again, told.all
        ),
        subject: host(case, client, None),
        evidence: facts,
        hints: vec![
            format!("where on the way: plumb path {client}"),
            "on our own interfaces: plumb if".to_owned(),
        ],
        confidence: if is_doubtful {
            Confidence::Possible
        } else {
            Confidence::Likely
        },
    }
}

#[cfg(test)]
mod tests {
    use plumb_model::notice::Notices;
    use plumb_model::sample::Sample;

    use super::*;
    use crate::made_up;

    /// What the server saw: handshakes, those said again, segments of data sent again, SYNs that found no room.
    type Watch = (u16, u16, u64, u64);

    fn found((all, again, data, overflows): Watch) -> Vec<(&'static str, Option<String>)> {
        let sample = |at_us, share: u64| {
            let mut sample = Sample {
                at_us,
                ..Sample::default()
            };
            let mut count = |group, name, value: u64| {
                made_up::count(&mut sample, group, name, value * share);
            };
            count("Tcp", "RetransSegs", data + u64::from(again));
            count("TcpExt", "TCPSynRetrans", again.into());
            count("TcpExt", "ListenOverflows", overflows);
            sample
        };
        let (before, after) = (sample(1_000_000, 0), sample(3_000_000, 1));
        let answer = |number: u16| Notice {
            what: What::SynAck,
            direction: Direction::Sent,
            protocol: 6,
            local: ([10, 0, 0, 1], 80).into(),
            peer: ([10, 0, 0, 2], 40_000 + number).into(),
            interface: 2,
            count: if number < again { 2 } else { 1 },
            age_us: 900_000,
            last_age_us: 0,
        };
        let heard = Notices {
            all: (0..all).map(answer).collect(),
            ..Notices::default()
        };
        let found = made_up::found(&before, &after, &heard).into_iter();
        found
            .map(|found| (found.kind, found.subject.peer))
            .collect()
    }

    #[test]
    fn handshakes_that_are_lost_as_data_is_are_told_of_their_client() {
        let told = [(LOSS, Some("10.0.0.2".to_owned()))];
        assert_eq!(found((400, 24, 60, 0)), told);
        // Chance; nothing but handshakes; a long way; no room.
        assert_eq!(found((400, 3, 60, 0)), []);
        assert_eq!(found((400, 24, 2, 0)), []);
        assert_eq!(found((400, 390, 60, 0)), []);
        let full = found((400, 24, 60, 24));
        assert!(full.iter().all(|(kind, _)| *kind != LOSS), "{full:?}");
    }
}
