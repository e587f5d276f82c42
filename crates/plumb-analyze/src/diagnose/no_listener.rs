//! `no-listener`, `loopback-only-listener`, `family-mismatch`: attempts to connect here are refused,
//! because nothing listens, or not at this address, or not in this family.
//!
//! The kernel answers a SYN that no socket takes with a reset of sequence number 0. Those that this host
//! sent tell the port. What the local firewall refuses looks the same, but then a listener is there.

mod unheard;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use plumb_model::finding::{Confidence, Evidence, Finding, Severity, Subject};
use plumb_model::notice::{Direction, RefusedCall, What};
use plumb_model::snapshot::Socket;

use super::tries::Tries;
use super::{Case, evidence, firewall_drop, sockets, subject};

/// The id of the finding: nothing listens on the port at all.
pub const ID: &str = "no-listener";
/// The id of the finding: it is served on loopback only.
pub const LOOPBACK: &str = "loopback-only-listener";
/// The id of the finding: it is served in the other family only.
pub const FAMILY: &str = "family-mismatch";
/// A server that stopped so short a time ago may be about to start again, microseconds.
const RESTARTS_US: u64 = 1_500_000;
/// `ECONNREFUSED`.
const REFUSED: i32 = 111;
/// So many clients are told of.
const CLIENTS: usize = 3;

/// Looks for local ports at which attempts keep being refused.
pub fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut refused: BTreeMap<SocketAddr, Tries> = BTreeMap::new();
    let sent = case
        .notices
        .of(Direction::Sent, |what| what == What::Refusal);
    // What is refused in another host's name the local firewall refuses.
    for notice in sent.filter(|notice| sockets::is_local(case.span.after, notice.local.ip())) {
        let end = sockets::plain(notice.local);
        refused.entry(end).or_default().add(notice);
    }
    let judged = refused
        .iter()
        .filter(|(end, tries)| {
            tries.are_kept_up() || case.focus.is_command || was_asked_about(case, **end)
        })
        .filter(|(end, tries)| !is_others(case, **end, tries))
        .filter_map(|(end, tries)| judge(case, *end, tries));
    let free = case.notices.probed.binds.iter();
    let free = free.filter(|bind| bind.errno.is_none());
    judged
        .chain(free.map(|bind| nobody(bind.address)))
        .chain(unheard::check(case))
        .collect()
}

/// Says whether a process that was asked about tried to connect there: then one refusal is enough.
fn was_asked_about(case: &Case<'_>, end: SocketAddr) -> bool {
    attempts_from_here(case, end).any(|call| case.focus.is_asked(call.pid))
}

/// Says whether processes were asked about and others alone are known to have tried, at a port that nobody served and they
/// serve nowhere.
fn is_others(case: &Case<'_>, end: SocketAddr, tries: &Tries) -> bool {
    let focus = case.focus;
    let is_asked = |call: &RefusedCall| {
        let name = String::from_utf8_lossy(&call.comm);
        focus.pids.contains(&call.pid.0) || focus.names.iter().any(|asked| *asked == name)
    };
    let mut here = tries.peers.keys();
    let mut calls = attempts_from_here(case, end).peekable();
    !focus.pids.is_empty()
        && here.all(|ip| sockets::is_local(case.span.after, *ip))
        && sockets::server_of(case.span.before, end).is_none()
        && !is_served_by_asked(case, end.port())
        && calls.peek().is_some()
        && !calls.any(is_asked)
}

/// Says whether a process that was asked about listens at a port, at whatever address.
fn is_served_by_asked(case: &Case<'_>, port: u16) -> bool {
    let sample = case.span.after;
    let here =
        sockets::listeners(sample).filter(|(_, listener)| listener.local.port() == Some(port));
    let mut holders = here.flat_map(|(place, _)| sample.snapshot.owners.processes_of(place));
    holders.any(|process| case.focus.pids.contains(&process.pid.0))
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

fn judge(case: &Case<'_>, end: SocketAddr, refused: &Tries) -> Option<Finding> {
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
        // The last of them may have had no time yet to come again.
        let falls_back = accepted(case, end.port()).saturating_mul(5) >= refused.count * 4;
        return Some(Finding {
            // Who tries one family after the other is served in the end.
            severity: if falls_back {
                Severity::Info
            } else {
                Severity::Warning
            },
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

/// Counts the connections that were taken at a port meanwhile.
fn accepted(case: &Case<'_>, port: u16) -> u64 {
    let answers = case
        .notices
        .of(Direction::Sent, |what| what == What::SynAck);
    let here = answers.filter(|notice| notice.local.port() == port);
    here.map(|notice| notice.count).sum()
}

/// Gives the attempts of programs of this host that were refused there.
fn attempts_from_here<'c>(
    case: &Case<'c>,
    end: SocketAddr,
) -> impl Iterator<Item = &'c RefusedCall> {
    let calls = case.notices.refused_calls.iter();
    calls.filter(move |call| {
        call.call == "connect" && call.errno == REFUSED && sockets::reached(call.address) == end
    })
}

/// Names the one program that tried from here, as `curl (process 42)`; `None` where none was heard, or several.
fn client(case: &Case<'_>, end: SocketAddr) -> Option<String> {
    let mut names = BTreeSet::new();
    let mut pids = BTreeSet::new();
    for call in attempts_from_here(case, end) {
        names.insert(String::from_utf8_lossy(&call.comm).into_owned());
        pids.insert(call.pid);
    }
    let name = names.pop_first().filter(|_| names.is_empty())?;
    Some(match pids.pop_first() {
        Some(pid) if pids.is_empty() => format!("{name} (process {})", pid.0),
        _ => name,
    })
}

/// Says which programs of this host tried how often, the most eager first.
fn clients(case: &Case<'_>, end: SocketAddr) -> Option<Evidence> {
    let mut calls: Vec<&RefusedCall> = attempts_from_here(case, end).collect();
    calls.sort_by_key(|call| (std::cmp::Reverse(call.count), call.pid));
    let words = |call: &&RefusedCall| {
        let who = String::from_utf8_lossy(&call.comm);
        format!("{who} (process {}) {} times", call.pid.0, call.count)
    };
    let told: Vec<String> = calls.iter().take(CLIENTS).map(words).collect();
    let more = match calls.len().saturating_sub(CLIENTS) {
        0 => String::new(),
        more => format!(", and {more} more processes"),
    };
    let text = format!("{}{more}", told.join(", "));
    (!told.is_empty()).then(|| evidence::fact("connect() failed with ECONNREFUSED", text))
}

fn nothing(case: &Case<'_>, end: SocketAddr, refused: &Tries) -> Finding {
    let who = client(case, end).unwrap_or_else(|| refused.who());
    let span = case.span;
    let stopped = sockets::server_of(span.before, end).is_some() && refused.age_us < RESTARTS_US;
    let (severity, summary) = if stopped {
        let text = format!("the server of {end} stopped a moment ago, and {who} keeps connecting");
        (Severity::Info, text)
    } else if refused.count <= case.notices.probed.connects_to(end) {
        let text = format!("nothing listens on {end}: what was tried there was refused");
        (Severity::Warning, text)
    } else if was_asked_about(case, end) && !refused.are_kept_up() {
        let text = format!("nothing listens on {end}, and a connection to it was refused");
        (Severity::Warning, text)
    } else {
        let text = if refused.are_kept_up() {
            format!("{who} keeps connecting to {end}, where nothing listens")
        } else {
            format!("{who} came to {end}, where nothing listens")
        };
        let asked = was_asked_about(case, end).then_some(Severity::Warning);
        (
            refused.severity().max(asked.unwrap_or(Severity::Info)),
            text,
        )
    };
    let mut hints = vec![format!(
        "start the server, or see what would bind the port: plumb bind {end}"
    )];
    // Our own attempts are over.
    if refused.count > case.notices.probed.connects_to(end) {
        let stop = "or stop the client: plumb connects --failed names it where it runs";
        hints.push(stop.to_owned());
    }
    Finding {
        severity,
        summary,
        hints,
        ..finding(ID, case, listener(end), end, refused)
    }
}

fn finding(
    kind: &'static str,
    case: &Case<'_>,
    mut subject: Subject,
    end: SocketAddr,
    refused: &Tries,
) -> Finding {
    if subject.peer.is_none() {
        subject.peer = refused.only_peer();
    }
    let packets = evidence::fact(
        "packets sent: RST in answer to SYN",
        format!(
            "{} at {end} {} refused in {:.1} s: {}",
            evidence::attempts(refused.count),
            if refused.count == 1 { "was" } else { "were" },
            case.span.seconds(),
            refused.words()
        ),
    );
    Finding {
        kind,
        severity: Severity::Warning,
        subject,
        summary: String::new(),
        evidence: std::iter::once(packets).chain(clients(case, end)).collect(),
        hints: Vec::new(),
        confidence: Confidence::Certain,
    }
}

#[cfg(test)]
mod tests {
    use plumb_model::id::Pid;
    use plumb_model::notice::{Notice, Notices};
    use plumb_model::sample::{Sample, Span};

    use super::super::Focus;
    use super::*;

    #[test]
    fn what_others_try_is_not_told_of_a_process_that_was_asked_about() {
        let end: SocketAddr = ([127, 0, 0, 1], 6379).into();
        let refusal = Notice {
            what: What::Refusal,
            direction: Direction::Sent,
            protocol: 6,
            local: end,
            peer: ([127, 0, 0, 1], 40_000).into(),
            interface: 1,
            count: 20,
            age_us: 1_900_000,
            last_age_us: 0,
        };
        let call = RefusedCall {
            call: "connect",
            pid: Pid(7),
            comm: b"client".to_vec(),
            protocol: 6,
            address: end,
            source: None,
            interface: None,
            errno: REFUSED,
            count: 20,
            instead: None,
        };
        let notices = Notices {
            all: vec![refusal],
            refused_calls: vec![call],
            ..Notices::default()
        };
        let sample = Sample::default();
        let summaries = |pids: &[u32]| -> Vec<String> {
            let focus = Focus {
                pids: pids.to_vec(),
                ..Focus::default()
            };
            let span = Span {
                before: &sample,
                after: &sample,
            };
            let found = check(&Case {
                span,
                notices: &notices,
                focus: &focus,
            });
            found.into_iter().map(|found| found.summary).collect()
        };
        let host = "client (process 7) keeps connecting to 127.0.0.1:6379, where nothing listens";
        assert_eq!(summaries(&[]), [host]);
        assert_eq!(summaries(&[7]).len(), 1);
        assert_eq!(summaries(&[8]), [""; 0]);
    }
}
