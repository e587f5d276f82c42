//! `no-listener`, `loopback-only-listener`, `family-mismatch`: attempts to connect here are refused,
//! because nothing listens, or not at this address, or not in this family.
//!
//! The kernel answers a SYN that no socket takes with a reset of sequence number 0. Those that this host
//! sent tell the port. What the local firewall refuses looks the same, but then a listener is there.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use plumb_model::finding::{Confidence, Finding, Severity, Subject};
use plumb_model::notice::{Direction, What};
use plumb_model::snapshot::Socket;

use super::{Case, evidence, firewall_drop, sockets, subject};

/// The id of the finding: nothing listens on the port at all.
pub const ID: &str = "no-listener";
/// The id of the finding: it is served on loopback only.
pub const LOOPBACK: &str = "loopback-only-listener";
/// The id of the finding: it is served in the other family only.
pub const FAMILY: &str = "family-mismatch";
/// So many refusals are "keeps connecting".
const KEEPS: u64 = 3;

/// Refused attempts at one local end.
#[derive(Default)]
struct Refused {
    count: u64,
    peers: BTreeMap<IpAddr, u64>,
}

/// Looks for local ports at which attempts keep being refused.
pub fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut refused: BTreeMap<SocketAddr, Refused> = BTreeMap::new();
    let sent = case
        .notices
        .of(Direction::Sent, |what| what == What::Refusal);
    // What is refused in another host's name the local firewall refuses.
    for notice in sent.filter(|notice| sockets::is_local(case.span.after, notice.local.ip())) {
        let here = refused.entry(sockets::plain(notice.local)).or_default();
        here.count += notice.count;
        *here
            .peers
            .entry(notice.peer.ip().to_canonical())
            .or_default() += notice.count;
    }
    let judged = refused
        .into_iter()
        .filter(|(_, refused)| refused.count >= KEEPS)
        .filter_map(|(end, refused)| judge(case, end, &refused));
    let free = case.notices.probed.binds.iter();
    let free = free.filter(|bind| bind.errno.is_none());
    judged
        .chain(free.map(|bind| nobody(bind.address)))
        .collect()
}

/// A port that was asked about, that nobody serves and that could be bound.
fn nobody(end: SocketAddr) -> Finding {
    Finding {
        kind: ID,
        severity: Severity::Warning,
        summary: format!("nothing listens on port {}, and it is free", end.port()),
        subject: listener(end),
        evidence: vec![evidence::fact(
            "bind()",
            format!("{end} could be bound, and was given back at once"),
        )],
        hints: vec!["start the server; if it runs, see what it listens on: plumb -tlnp".to_owned()],
        confidence: Confidence::Certain,
    }
}

fn listener(end: SocketAddr) -> Subject {
    Subject {
        kind: "listener",
        local: Some(end.to_string()),
        protocol: Some("tcp"),
        ..Subject::default()
    }
}

fn judge(case: &Case<'_>, end: SocketAddr, refused: &Refused) -> Option<Finding> {
    let sample = case.span.after;
    if sockets::server_of(sample, end).is_some() {
        // A listener is there: somebody else refuses for it.
        return None;
    }
    if firewall_drop::refuses_itself(case, refused.count, "Tcp", "OutRsts") {
        // Nobody is missed where the firewall lets nobody in.
        return None;
    }
    let on_port = |(_, listener): &(usize, &Socket)| listener.local.port() == Some(end.port());
    let others: Vec<(usize, &Socket)> = sockets::listeners(sample).filter(on_port).collect();
    let Some((place, listener)) = others.first() else {
        return Some(nothing(case, end, refused));
    };
    let bound = listener.local.inet()?;
    let served = subject::of_socket(&sample.snapshot, *place, "listener");
    let all_loopback = others.iter().all(|(_, other)| {
        let local = other.local.inet();
        local.is_some_and(|local| local.ip().to_canonical().is_loopback())
    });
    if all_loopback && !end.ip().is_loopback() {
        return Some(Finding {
            summary: format!(
                "port {} is served on {} alone, and peers come to {}",
                end.port(),
                bound.ip(),
                end.ip()
            ),
            hints: vec![format!(
                "let the program listen on {} or on every address",
                end.ip()
            )],
            ..finding(LOOPBACK, case, served, end, refused)
        });
    }
    if bound.ip().to_canonical().is_ipv4() != end.ip().is_ipv4() {
        let family = |v4: bool| if v4 { "IPv4" } else { "IPv6" };
        return Some(Finding {
            summary: format!(
                "port {} is served over {} alone, and clients come over {}",
                end.port(),
                family(bound.ip().to_canonical().is_ipv4()),
                family(end.ip().is_ipv4())
            ),
            hints: vec![
                "listen on [::] without IPV6_V6ONLY, which takes both families".to_owned(),
                "or let the clients' name resolve to addresses that are served".to_owned(),
            ],
            ..finding(FAMILY, case, served, end, refused)
        });
    }
    Some(nothing(case, end, refused))
}

fn nothing(case: &Case<'_>, end: SocketAddr, refused: &Refused) -> Finding {
    let subject = listener(end);
    let who = sockets::most(&refused.peers).map_or_else(String::new, |(peer, _)| peer.to_string());
    Finding {
        summary: format!("{who} keeps connecting to {end}, where nothing listens"),
        hints: vec![
            format!("start the server, or see what would bind the port: plumb bind {end}"),
            "or stop the client: plumb connects --failed names it where it runs".to_owned(),
        ],
        ..finding(ID, case, subject, end, refused)
    }
}

fn finding(
    kind: &'static str,
    case: &Case<'_>,
    mut subject: Subject,
    end: SocketAddr,
    refused: &Refused,
) -> Finding {
    let peers: Vec<String> = refused
        .peers
        .iter()
        .map(|(peer, count)| format!("{count} from {peer}"))
        .take(5)
        .collect();
    if subject.peer.is_none() && refused.peers.len() == 1 {
        subject.peer = refused.peers.keys().next().map(IpAddr::to_string);
    }
    Finding {
        kind,
        severity: Severity::Warning,
        subject,
        summary: String::new(),
        evidence: vec![evidence::fact(
            "packets sent: RST in answer to SYN",
            format!(
                "{} attempts at {end} were refused in {:.1} s: {}",
                refused.count,
                case.span.seconds(),
                peers.join(", ")
            ),
        )],
        hints: Vec::new(),
        confidence: Confidence::Certain,
    }
}
