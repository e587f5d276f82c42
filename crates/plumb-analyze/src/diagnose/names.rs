//! `dns-slow`, `dns-failing`: a name server answers late, with errors, or not at all.
//!
//! Questions and answers over UDP port 53 are matched as they pass. A name that does not exist (NXDOMAIN)
//! is an answer, SERVFAIL and REFUSED are not.

use plumb_model::finding::{Confidence, Finding, Severity, Subject};
use plumb_model::notice::{Direction, NameServer};

use super::{Case, evidence, sockets, turned_away};

/// The id of the finding: answers late.
pub const SLOW: &str = "dns-slow";
/// The id of the finding: errors, or no answer.
pub const FAILING: &str = "dns-failing";
/// `IPPROTO_UDP`.
const UDP: u8 = 17;
/// Fewer are no accident.
const SEVERAL: u64 = 2;
/// A question without an answer for so long is unanswered, microseconds.
const SILENT_US: u64 = 1_000_000;
/// An answer that takes so long is late, microseconds.
const LATE_US: u64 = 300_000;

/// Looks for servers that fail.
pub fn check_failing(case: &Case<'_>) -> Vec<Finding> {
    let servers = case.notices.name_servers.iter();
    let failing = servers.filter(|server| {
        // Packets that the watch lost may have been answers.
        let unanswered = server.unanswered.saturating_sub(case.notices.lost);
        // Where answers take about as long as what counts as silence, a question may only be too young; of those asked
        // before the watch only a part of the time is known.
        let is_late = server.slowest_us >= SILENT_US / 2 && server.answers >= unanswered;
        let unanswered = if is_late { 0 } else { unanswered };
        let bad = server.failures + unanswered;
        let known = server.questions.min(server.answers + unanswered);
        // A resolver waits for seconds before it asks again: one silence is enough where nothing else came, and a part of
        // the questions holds up all who ask (names with addresses of the one family, whose other question is ignored).
        (bad >= SEVERAL || server.answers == 0 && bad > 0) && bad * 2 >= known
            || unanswered >= SEVERAL && unanswered * 4 >= known
    });
    failing
        .map(|server| {
            let refusals = refusals(case, server);
            let what = if server.failures >= server.unanswered {
                "answers with errors"
            } else if refusals > 0 {
                "is refused: nothing has its UDP port"
            } else {
                "does not answer"
            };
            let mut found = finding(FAILING, case, server);
            if refusals > 0 {
                let text = format!("{refusals} questions were answered with port unreachable");
                found.evidence.push(evidence::fact("packets received: ICMP destination unreachable", text));
            }
            Finding {
                summary: format!("the name server {} {what}", server.server),
                hints: vec![
                    "ask it by hand: dig @SERVER NAME; compare with another server in /etc/resolv.conf".to_owned(),
                    format!("is it reached at all: plumb path {}", server.server),
                ],
                severity: Severity::Critical,
                ..found
            }
        })
        .collect()
}

/// Counts the questions that the server's host turned away.
fn refusals(case: &Case<'_>, server: &NameServer) -> u64 {
    let end = sockets::plain(server.server);
    let came = case.notices.of(Direction::Received, |_| true);
    came.filter(|notice| notice.protocol == UDP && sockets::plain(notice.peer) == end)
        .filter(|notice| turned_away::is_port_unreachable(notice))
        .map(|notice| notice.count)
        .sum()
}

/// Looks for servers that are late.
pub fn check_slow(case: &Case<'_>) -> Vec<Finding> {
    let servers = case.notices.name_servers.iter();
    let late = servers
        .filter(|server| server.answers >= SEVERAL && server.total_us >= server.answers * LATE_US);
    late.map(|server| Finding {
        summary: format!(
            "the name server {} takes up to {} ms to answer",
            server.server,
            server.slowest_us / 1000
        ),
        hints: vec![
            "use a nearer server, or a cache on this host".to_owned(),
            "keep what was looked up, and look names up before they are needed".to_owned(),
        ],
        ..finding(SLOW, case, server)
    })
    .collect()
}

fn finding(kind: &'static str, case: &Case<'_>, server: &NameServer) -> Finding {
    Finding {
        kind,
        severity: Severity::Warning,
        subject: Subject {
            kind: "destination",
            peer: Some(server.server.to_string()),
            protocol: Some("udp"),
            ..Subject::default()
        },
        summary: String::new(),
        evidence: vec![evidence::fact(
            "packets to and from port 53",
            format!(
                "{} questions in {:.1} s, {} answers, {} of them errors, {} questions without an answer; the slowest answer took {} ms",
                server.questions,
                case.span.seconds(),
                server.answers,
                server.failures,
                server.unanswered,
                server.slowest_us / 1000
            ),
        )],
        hints: Vec::new(),
        confidence: Confidence::Certain,
    }
}

#[cfg(test)]
mod tests {
    use plumb_model::notice::{Notices, What};
    use plumb_model::sample::Sample;

    use super::*;
    use crate::made_up;

    /// Says whether a server is told that answered so many of its questions.
    fn is_told(questions: u64, answers: u64, failures: u64, lost: u64) -> bool {
        is_told_of(questions, answers, failures, lost, 0)
    }

    fn is_told_of(questions: u64, answers: u64, failures: u64, lost: u64, slowest_us: u64) -> bool {
        let server = NameServer {
            server: ([10, 0, 0, 2], 53).into(),
            questions,
            answers,
            failures,
            unanswered: questions - answers,
            unheard: 0,
            total_us: 0,
            slowest_us,
        };
        let notices = Notices {
            name_servers: vec![server],
            lost,
            ..Notices::default()
        };
        let sample = Sample::default();
        let case = Case {
            notices: &notices,
            ..made_up::between(&sample, &sample)
        };
        !check_failing(&case).is_empty()
    }

    #[test]
    fn a_question_whose_answer_the_watch_may_have_lost_is_not_unanswered() {
        let found = [0, 20, 150].map(|lost| is_told(200, 60, 0, lost));
        assert_eq!(found, [true, true, false]);
    }

    #[test]
    fn a_server_that_ignores_one_of_the_two_questions_for_each_name_fails() {
        // A and AAAA, and both again after two seconds: those for the one family are ignored.
        assert!(is_told(8, 5, 0, 0));
        // A lost one, one that is late, a broken domain among others.
        assert!(!is_told(40, 39, 0, 0) && !is_told(40, 32, 0, 0) && !is_told(20, 20, 6, 0));
    }

    #[test]
    fn a_name_server_whose_port_is_closed_is_refused_and_not_silent() {
        let told = |code| {
            let server = NameServer {
                server: ([10, 0, 0, 2], 53).into(),
                questions: 4,
                answers: 0,
                failures: 0,
                unanswered: 4,
                unheard: 0,
                total_us: 0,
                slowest_us: 0,
            };
            let by = [10, 0, 0, 2].into();
            let notices = Notices {
                name_servers: vec![server],
                all: vec![plumb_model::notice::Notice {
                    what: What::Unreachable { code, by },
                    direction: Direction::Received,
                    protocol: UDP,
                    local: ([10, 0, 0, 1], 40_000).into(),
                    peer: server.server,
                    interface: 2,
                    count: 4,
                    age_us: 0,
                    last_age_us: 0,
                }],
                ..Notices::default()
            };
            let sample = Sample::default();
            let case = Case {
                notices: &notices,
                ..made_up::between(&sample, &sample)
            };
            check_failing(&case).remove(0).summary
        };
        assert_eq!(
            told(3),
            "the name server 10.0.0.2:53 is refused: nothing has its UDP port"
        );
        assert_eq!(told(1), "the name server 10.0.0.2:53 does not answer");
    }

    #[test]
    fn a_server_that_takes_longer_than_silence_is_slow_and_not_silent() {
        assert!(!is_told_of(4, 2, 0, 0, 1_201_000));
        assert!(is_told_of(4, 2, 0, 0, 20_000) && is_told_of(9, 2, 0, 0, 1_201_000));
    }
}
