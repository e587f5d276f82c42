//! `connect-timeout`, `connection-refused`: attempts that nobody answers, or that are turned down.
//!
//! A SYN that left this host and got no answer, not even a refusal, is sent again after 1, 3, 7 …
//! seconds (`tcp_syn_retries`), unless the program gives up before. One that never left has another cause,
//! which other checks tell.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use plumb_model::finding::{Confidence, Evidence, Finding, Severity, Subject};
use plumb_model::notice::{Direction, What};
use plumb_model::socket::SocketState;

use super::attempts::{self, Attempts, Shares};
use super::tries::Tries;
use super::{Case, evidence, received_bad, routers, sockets, subject, turned_away};

/// The id of the finding: nothing comes back.
pub const TIMEOUT: &str = "connect-timeout";
/// The id of the finding: the other host refuses.
pub const REFUSED: &str = "connection-refused";
/// So many refusals are no accident.
const SEVERAL: u64 = 2;
/// So many SYNs, one of them old, are none either.
const GIVEN_UP: u64 = 2;
/// Where one of so many attempts or more gets no answer, that is no accident either.
const SOME: u64 = 20;

/// Looks for attempts without an answer: those that wait, and those that were given up before their SYN was
/// sent again.
pub fn check_timeout(case: &Case<'_>) -> Vec<Finding> {
    let circles = routers::returned(case);
    let is_lost = |peer: &SocketAddr| !circles.contains_key(&peer.ip());
    let waiting = attempts::all(case).into_iter().filter(|attempts| {
        let left = attempts.syns > 0 || !attempts.retried || case.notices.is_blind;
        attempts.retransmits > 0
            && left
            && attempts.answers == 0
            && is_lost(&attempts.peer)
            && attempts::silent_next_hop(case, attempts.peer).is_none()
    });
    let ignored = attempts::all(case).into_iter().filter(|attempts| {
        attempts.syn_acks > 0 && attempts.retransmits > 0 && is_unexplained(case)
    });
    let ignored: Vec<Finding> = ignored
        .filter_map(|attempts| unheard(case, &attempts))
        .collect();
    let mut findings: Vec<Finding> = waiting
        .filter_map(|attempts| timeout(case, &attempts))
        .collect();
    for (peer, count) in attempts::given_up(case) {
        let known = |found: &Finding| found.subject.peer.as_deref() == Some(&peer.to_string());
        let enough = if case.focus.counts_each(peer.ip()) {
            1
        } else {
            GIVEN_UP
        };
        if count >= enough && is_lost(&peer) && !findings.iter().any(known) {
            let fact = evidence::fact(
                "packets",
                format!(
                    "{count} SYNs left this host, the first more than a second ago, and nothing came back"
                ),
            );
            findings.push(silence(
                peer,
                destination(peer),
                vec![fact],
                Confidence::Likely,
            ));
        }
    }
    findings.extend(ignored);
    for (peer, count) in attempts::abandoned(case) {
        let known = |found: &Finding| found.subject.peer.as_deref() == Some(&peer.to_string());
        let hop = attempts::silent_next_hop(case, peer);
        if hop.is_none() && is_lost(&peer) && !findings.iter().any(known) {
            let text = format!(
                "{count} attempts whose SYN had been sent again before were given up, SYNs left, and nothing came back"
            );
            let fact = evidence::fact("sock_diag SYN_SENT, packets", text);
            let subject = destination(peer);
            findings.push(silence(peer, subject, vec![fact], Confidence::Likely));
        }
    }
    for (peer, shares) in attempts::shares(case) {
        let known = |found: &Finding| found.subject.peer.as_deref() == Some(&peer.to_string());
        let some = shares.answered > 0
            && shares.silent >= GIVEN_UP
            && shares.silent * SOME >= shares.answered;
        let hop = attempts::silent_next_hop(case, peer);
        if some && hop.is_none() && is_lost(&peer) && !findings.iter().any(known) {
            findings.push(now_and_then(case, peer, shares));
        }
    }
    findings
}

/// Of several attempts some are answered and others never are, although their SYN was sent again: that is what one
/// of several ways, or of several servers behind an address, makes of them. A SYN that is lost by chance comes through
/// when it is sent again.
fn now_and_then(case: &Case<'_>, peer: SocketAddr, shares: Shares) -> Finding {
    let owner = sockets::tcp(case.span.after, SocketState::SYN_SENT)
        .find(|(_, socket)| socket.peer.inet().map(sockets::plain) == Some(peer))
        .map(|(place, _)| subject::of_socket(&case.span.after.snapshot, place, "destination"));
    let subject = Subject {
        local: None,
        ..owner.unwrap_or_else(|| destination(peer))
    };
    let fact = evidence::fact(
        "packets",
        format!(
            "{} attempts sent their SYN again and nothing came back; {} others were answered",
            shares.silent, shares.answered
        ),
    );
    let mut found = silence(peer, subject, vec![fact], Confidence::Likely);
    found.summary = format!(
        "{} of {} attempts at {peer} are not answered, not even by a refusal",
        shares.silent,
        shares.silent + shares.answered
    );
    found.hints = vec![
        "one of several ways leads nowhere, or one of several servers behind the address is down"
            .to_owned(),
        format!("see the next hops: plumb path {}", peer.ip()),
    ];
    found
}

/// Says whether neither the firewall nor a counter tells why this host throws answers away.
fn is_unexplained(case: &Case<'_>) -> bool {
    case.span.after.refusers.is_empty()
        && !received_bad::refuses_answers(case)
        && received_bad::martians(case).is_none()
}

/// Answers come and nobody hears them.
fn unheard(case: &Case<'_>, attempts: &Attempts<'_>) -> Option<Finding> {
    let peer = attempts.peer;
    let mut found = timeout(case, attempts)?;
    found.summary =
        format!("answers of {peer} come to this host and are thrown away before TCP sees them");
    found.evidence.push(evidence::fact(
        "packets received: SYN-ACK",
        format!(
            "{} came, and the attempt still waits for one",
            attempts.syn_acks
        ),
    ));
    found.hints = vec![
        "what may do so and is not seen from here: iptables-legacy, tc filters, XDP, IPsec policies".to_owned(),
        "the reason of each drop: plumb trace, or perf trace -e skb:kfree_skb".to_owned(),
    ];
    found.confidence = Confidence::Likely;
    Some(found)
}

fn timeout(case: &Case<'_>, attempts: &Attempts<'_>) -> Option<Finding> {
    let (place, _) = attempts.sockets.first()?;
    let owner = subject::of_socket(&case.span.after.snapshot, *place, "destination");
    let peer = attempts.peer;
    let mut facts = vec![evidence::fact(
        "sock_diag SYN_SENT",
        format!(
            "{} attempts wait, the SYN was sent again up to {} times",
            attempts.sockets.len(),
            attempts.retransmits
        ),
    )];
    if attempts.syns > 0 {
        facts.push(evidence::fact(
            "packets",
            format!(
                "{} SYNs left this host and nothing was heard",
                attempts.syns
            ),
        ));
    }
    let confidence = if attempts.syns > 0 {
        Confidence::Certain
    } else {
        Confidence::Likely
    };
    let subject = Subject {
        local: None,
        peer: Some(peer.to_string()),
        ..owner
    };
    Some(silence(peer, subject, facts, confidence))
}

fn silence(
    peer: SocketAddr,
    subject: Subject,
    evidence: Vec<Evidence>,
    confidence: Confidence,
) -> Finding {
    Finding {
        kind: TIMEOUT,
        severity: Severity::Critical,
        summary: format!("{peer} does not answer: no connection, and no refusal either"),
        subject,
        evidence,
        hints: vec![
            format!("where it stops: plumb path {peer} --tcp"),
            "a firewall that drops, a host that is down, or an address that nobody has".to_owned(),
        ],
        confidence,
    }
}

/// Looks for destinations that refuse: by a reset, or by "port unreachable", of which `connect()` and `send()` make the
/// same.
pub fn check_refused(case: &Case<'_>) -> Vec<Finding> {
    let mut refused: BTreeMap<(u8, SocketAddr), Refusals> = BTreeMap::new();
    let sample = case.span.after;
    for notice in case
        .notices
        .of(Direction::Received, |what| what == What::Refusal)
    {
        let peer = sockets::plain(notice.peer);
        let ours = sockets::is_local(sample, notice.local.ip());
        // Of a packet that went by loopback the sender is we, whatever it says.
        let forged = sockets::is_loopback(sample, notice.interface);
        if ours && !forged && !sockets::is_local(sample, peer.ip()) {
            let of_peer = refused.entry((turned_away::TCP, peer)).or_default();
            of_peer.tries.add(notice);
            of_peer.resets += notice.count;
        }
    }
    for ((protocol, peer), errors) in turned_away::refused(case) {
        let of_peer = refused.entry((protocol, peer)).or_default();
        of_peer.tries.join(&errors.tries);
        of_peer.errors = Some(errors);
    }
    let enough = |peer: SocketAddr| {
        if case.focus.counts_each(peer.ip()) {
            1
        } else {
            SEVERAL
        }
    };
    refused
        .into_iter()
        .filter(|((_, peer), refusals)| refusals.tries.count >= enough(*peer))
        .map(|((protocol, peer), refusals)| refusal(case, protocol, peer, &refusals))
        .collect()
}

/// How one end refuses.
#[derive(Default)]
struct Refusals {
    tries: Tries,
    resets: u64,
    errors: Option<turned_away::Errors>,
}

impl Refusals {
    fn facts(&self, case: &Case<'_>) -> Vec<Evidence> {
        let seconds = case.span.seconds();
        let resets = (self.resets > 0).then(|| {
            evidence::fact(
                "packets received: RST in answer to SYN",
                format!("{} attempts were refused in {seconds:.1} s", self.resets),
            )
        });
        let errors = self.errors.as_ref().map(|errors| {
            evidence::fact(
                "packets received: ICMP destination unreachable",
                format!(
                    "{} packets were turned away in {seconds:.1} s: {}",
                    errors.tries.count,
                    errors.told()
                ),
            )
        });
        resets.into_iter().chain(errors).collect()
    }
}

fn refusal(case: &Case<'_>, protocol: u8, peer: SocketAddr, refusals: &Refusals) -> Finding {
    let is_udp = protocol == turned_away::UDP;
    let mut facts = refusals.facts(case);
    if !is_udp {
        facts.extend(evidence::grown(case.span, "Tcp", "AttemptFails"));
    }
    // Who looks now and then whether a server is there expects a no. How often datagrams are refused is not how often they
    // are sent: hosts say so once a second (`icmp_ratelimit`).
    let is_asked = case.focus.counts_each(peer.ip());
    let severity = match refusals.tries.severity() {
        Severity::Info if !is_asked && !is_udp => Severity::Info,
        _ if is_udp && !is_asked => Severity::Warning,
        _ => Severity::Critical,
    };
    let (does, who) = if is_udp {
        ("has", "who sends: plumb ls --udp")
    } else {
        ("listens on", "who tries: plumb connects --failed")
    };
    Finding {
        kind: REFUSED,
        severity,
        summary: format!(
            "{} is there, but nothing {does} its {}port {}",
            peer.ip(),
            if is_udp { "UDP " } else { "" },
            peer.port()
        ),
        subject: Subject {
            protocol: Some(if is_udp { "udp" } else { "tcp" }),
            ..destination(peer)
        },
        evidence: facts,
        hints: vec![
            format!("start the server at {peer}, or let it listen on that address"),
            "if it runs, a firewall on the way refuses in its name".to_owned(),
            who.to_owned(),
        ],
        confidence: Confidence::Certain,
    }
}

fn destination(peer: SocketAddr) -> Subject {
    Subject {
        kind: "destination",
        peer: Some(peer.to_string()),
        protocol: Some("tcp"),
        ..Subject::default()
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use plumb_model::diag::tcp_info::TcpInfo;
    use plumb_model::notice::{Notice, Notices};
    use plumb_model::sample::{Sample, Span};

    use super::super::{Focus, diagnose};
    use super::*;
    use crate::made_up;

    /// A packet between 127.0.0.1:40000, which is ours without asking, and 10.0.0.2:80.
    fn packet(what: What, direction: Direction, count: u64, age_us: u64) -> Notice {
        Notice {
            what,
            direction,
            protocol: 6,
            local: ([127, 0, 0, 1], 40_000).into(),
            peer: ([10, 0, 0, 2], 80).into(),
            interface: 2,
            count,
            age_us,
            last_age_us: 0,
        }
    }

    fn found(all: Vec<Notice>, focus: &Focus) -> Vec<(&'static str, Option<String>)> {
        let sample = Sample::default();
        let notices = Notices {
            all,
            ..Notices::default()
        };
        let case = Case {
            span: Span {
                before: &sample,
                after: &sample,
            },
            notices: &notices,
            focus,
        };
        let found = diagnose(&case).into_iter();
        found
            .map(|found| (found.kind, found.subject.peer))
            .collect()
    }

    #[test]
    fn errors_of_routers_are_what_connect_makes_of_them() {
        let by = IpAddr::from([10, 0, 0, 9]);
        let told = |code| {
            let what = What::Unreachable { code, by };
            found(
                vec![packet(what, Direction::Received, 2, 0)],
                &Focus::default(),
            )
        };
        assert_eq!(told(3), [(REFUSED, Some("10.0.0.2:80".to_owned()))]);
        for code in [0, 1, 9, 10, 13] {
            assert_eq!(told(code), [("no-route", Some("10.0.0.2".to_owned()))]);
        }
    }

    #[test]
    fn who_looks_once_a_second_expects_a_no_and_datagrams_are_told_at_any_pace() {
        let severities = |protocol, spread_us: u64| {
            let refused = if protocol == 6 {
                What::Refusal
            } else {
                let by = IpAddr::from([10, 0, 0, 2]);
                What::Unreachable { code: 3, by }
            };
            let sample = Sample::default();
            let notices = Notices {
                all: vec![Notice {
                    protocol,
                    age_us: spread_us,
                    ..packet(refused, Direction::Received, 4, 0)
                }],
                ..Notices::default()
            };
            let span = Span {
                before: &sample,
                after: &sample,
            };
            let focus = &Focus::default();
            let notices = &notices;
            let found = check_refused(&Case {
                span,
                notices,
                focus,
            });
            let all: Vec<_> = found.iter().map(|found| found.severity).collect();
            all
        };
        assert_eq!(severities(6, 3_000_000), [Severity::Info]);
        assert_eq!(severities(6, 300_000), [Severity::Critical]);
        assert_eq!(severities(17, 3_000_000), [Severity::Warning]);
    }

    #[test]
    fn datagrams_to_a_client_that_is_gone_are_no_refusal() {
        let by = IpAddr::from([10, 0, 0, 2]);
        let told = |local: u16, peer: u16| {
            let what = What::Unreachable { code: 3, by };
            found(
                vec![Notice {
                    protocol: 17,
                    local: ([127, 0, 0, 1], local).into(),
                    peer: ([10, 0, 0, 2], peer).into(),
                    ..packet(what, Direction::Received, 3, 0)
                }],
                &Focus::default(),
            )
        };
        assert_eq!(told(40_000, 514).len(), 1);
        assert_eq!(told(443, 51_000), []);
        // Traceroute, and a name server.
        assert_eq!(told(40_000, 33_440), []);
        assert_eq!(told(40_000, 53), []);
    }

    #[test]
    fn a_share_of_attempts_that_stay_without_an_answer_is_told() {
        let attempt = |port: u16, syns: u64, is_answered: bool| {
            let local = ([127, 0, 0, 1], port).into();
            let syn = Notice {
                local,
                ..packet(What::Syn, Direction::Sent, syns, 1_500_000)
            };
            let answer = Notice {
                local,
                ..packet(What::SynAck, Direction::Received, 1, 0)
            };
            let answer = is_answered.then_some(answer);
            [Some(syn), answer].into_iter().flatten()
        };
        let told = |silent: u16, answered: u16, syns: u64| {
            let silent = (0..silent).flat_map(|port| attempt(40_000 + port, syns, false));
            let answered = (0..answered).flat_map(|port| attempt(50_000 + port, 1, true));
            found(silent.chain(answered).collect(), &Focus::default())
        };
        let timeout = [(TIMEOUT, Some("10.0.0.2:80".to_owned()))];
        assert_eq!(told(3, 30, 2), timeout);
        // One is an accident, a few of very many are, and so is a SYN that was not sent again yet.
        assert_eq!(told(1, 3, 2), []);
        assert_eq!(told(2, 90, 2), []);
        assert_eq!(told(3, 30, 1), []);
    }

    #[test]
    fn attempts_that_ended_in_the_watch_are_told_where_nothing_came() {
        let waiting = TcpInfo {
            total_retrans: 2,
            ..TcpInfo::default()
        };
        let mut before = made_up::sample(1_000_000, &waiting);
        for socket in &mut before.snapshot.sockets {
            socket.state = SocketState::SYN_SENT;
        }
        let after = Sample {
            at_us: 3_000_000,
            ..Sample::default()
        };
        let told = |all: Vec<Notice>| {
            let notices = Notices {
                all,
                ..Notices::default()
            };
            let case = Case {
                span: Span {
                    before: &before,
                    after: &after,
                },
                notices: &notices,
                focus: &Focus::default(),
            };
            check_timeout(&case).len()
        };
        // The next attempt has only just begun.
        let fresh = packet(What::Syn, Direction::Sent, 1, 200_000);
        let answer = packet(What::SynAck, Direction::Received, 1, 0);
        assert_eq!(told(vec![fresh.clone()]), 1);
        assert_eq!(told(vec![fresh, answer]), 0);
        // Whether anything left is not known.
        assert_eq!(told(Vec::new()), 0);
    }

    #[test]
    fn one_word_of_a_router_is_enough_where_nothing_else_is_heard() {
        let by = IpAddr::from([10, 0, 0, 9]);
        let what = What::Unreachable { code: 13, by };
        let told = |more: &[Notice]| {
            let mut all = vec![
                packet(what, Direction::Received, 1, 0),
                packet(What::Syn, Direction::Sent, 4, 900_000),
            ];
            all.extend(more.iter().cloned());
            found(all, &Focus::default())
        };
        assert_eq!(told(&[]), [("no-route", Some("10.0.0.2".to_owned()))]);
        let answer = packet(What::SynAck, Direction::Received, 1, 0);
        assert_eq!(told(&[answer]), []);
    }

    #[test]
    fn one_refusal_is_an_accident_unless_it_was_asked_for() {
        let once = || vec![packet(What::Refusal, Direction::Received, 1, 0)];
        assert_eq!(found(once(), &Focus::default()), []);
        let asked = Focus {
            hosts: vec![[10, 0, 0, 2].into()],
            ..Focus::default()
        };
        assert_eq!(found(once(), &asked).len(), 1);
    }

    #[test]
    fn attempts_given_up_early_are_told_and_fresh_ones_are_not() {
        let syns = |age_us| vec![packet(What::Syn, Direction::Sent, 2, age_us)];
        let nothing = Focus::default();
        assert_eq!(found(syns(200_000), &nothing), []);
        let old = found(syns(1_500_000), &nothing);
        assert_eq!(old, [(TIMEOUT, Some("10.0.0.2:80".to_owned()))]);
        let mut answered = syns(1_500_000);
        answered.push(packet(What::SynAck, Direction::Received, 1, 0));
        assert_eq!(found(answered, &nothing), []);
    }
}
