//! `backlog-drops`, `conntrack-full`: packets that the kernel drops before any socket is full.
//!
//! Softnet drops a packet when a processor's backlog is full (`softnet_stat` dropped); a socket's backlog
//! fills while its process holds it (`TcpExt.TCPBacklogDrop`), and the socket counts what it drops, too. A new flow that
//! finds the conntrack table full throws out one that nobody answered (`early_drop`), and is dropped where there is none
//! (`drop`).

use plumb_model::finding::{Confidence, Evidence, Finding, Severity, Subject};
use plumb_model::sample::Sample;
use plumb_model::snapshot::Kind;

use super::{Case, evidence, processors, sockets, subject};

/// The id of the finding: a backlog is full.
pub const BACKLOG: &str = "backlog-drops";
/// The id of the finding: the conntrack table is full.
pub const CONNTRACK: &str = "conntrack-full";
/// From this share of the table on it is said, in percent.
const NEAR_PERCENT: u64 = 95;

/// Fewer than this of the segments that come are dropped now and then by who is interrupted while he holds his socket,
/// per thousand.
const SOME_PER_MILLE: u64 = 10;
/// So it is of fewer than this where processors are short, per thousand.
const SHORT_PER_MILLE: u64 = 200;

/// Looks for drops at backlogs: of processors, and of sockets.
pub fn check_backlog(case: &Case<'_>) -> Vec<Finding> {
    let softnet = evidence::grown(case.span, "softnet", "dropped").map(|fact| {
        backlog(
            host(),
            Severity::Critical,
            "packets are dropped because processors cannot keep up with their backlog".to_owned(),
            fact,
            "raise net.core.netdev_max_backlog, or spread interrupts over processors (RPS, RSS)",
        )
    });
    let socket = evidence::grown(case.span, "TcpExt", "TCPBacklogDrop").map(|fact| {
        let subject = dropping_socket(case).unwrap_or_else(host);
        let who = match (&subject.process, &subject.local) {
            (Some(process), Some(local)) => format!("{process} holds its socket at {local}"),
            _ => "a process holds its socket".to_owned(),
        };
        backlog(
            subject,
            severity_at_socket(case, &fact),
            format!("segments are dropped at a socket's backlog: {who} too long at a time"),
            fact,
            "larger segments, shorter reads and writes, more memory, a faster processor",
        )
    });
    softnet.into_iter().chain(socket).collect()
}

/// Says how bad it is that segments are dropped at sockets: few of all that come are sent again and nobody waits for them.
fn severity_at_socket(case: &Case<'_>, dropped: &Evidence) -> Severity {
    let dropped = dropped
        .change
        .map_or(0, |change| change.after - change.before);
    let came = case.span.grown("Tcp", "InSegs").ok().unwrap_or(0);
    let few = if processors::are_short(case) {
        SHORT_PER_MILLE
    } else {
        SOME_PER_MILLE
    };
    if dropped.saturating_mul(1000) < came.saturating_mul(few) {
        Severity::Info
    } else {
        Severity::Critical
    }
}

fn backlog(
    subject: Subject,
    severity: Severity,
    summary: String,
    fact: Evidence,
    hint: &str,
) -> Finding {
    Finding {
        kind: BACKLOG,
        severity,
        summary,
        subject,
        evidence: vec![fact],
        hints: vec![hint.to_owned()],
        confidence: Confidence::Certain,
    }
}

/// Gives the connection that dropped most; a listener drops for other reasons.
fn dropping_socket(case: &Case<'_>) -> Option<Subject> {
    let snapshot = &case.span.after.snapshot;
    let earlier = sockets::by_cookie(case.span.before);
    let connections = snapshot.sockets.iter().enumerate();
    let connections =
        connections.filter(|(_, socket)| socket.kind == Kind::Tcp && !socket.is_listener());
    let dropped = connections
        .map(|(place, socket)| (sockets::dropped_since(&earlier, socket), place))
        .filter(|(dropped, _)| *dropped > 0);
    let (_, place) =
        dropped.max_by_key(|(dropped, place)| (*dropped, std::cmp::Reverse(*place)))?;
    Some(subject::of_socket(snapshot, place, "socket"))
}

/// Looks at how full the conntrack table is, and whether it was full between the samples.
pub fn check_conntrack(case: &Case<'_>) -> Vec<Finding> {
    let table = [case.span.before, case.span.after].map(Table::of);
    let [before, Some(after)] = table else {
        return Vec::new();
    };
    let near = [before, Some(after)]
        .into_iter()
        .flatten()
        .any(Table::is_near);
    let grown = |name| evidence::grown(case.span, "nf_conntrack", name);
    let evicted = grown("early_drop");
    // Nothing is thrown out of a table that has room.
    if !after.is_near() && evicted.is_none() && !(near && grown("drop").is_some()) {
        return Vec::new();
    }
    let lost: Vec<Evidence> = evicted.into_iter().chain(grown("drop")).collect();
    let failing = !lost.is_empty() || after.count >= after.max;
    let Table { count, max } = after;
    let mut facts = vec![evidence::fact(
        "net.netfilter.nf_conntrack_count, nf_conntrack_max",
        format!("{count} flows are tracked, {max} may be"),
    )];
    facts.extend(lost);
    facts.extend(grown("insert_failed"));
    let summary = if after.is_near() {
        format!("the conntrack table is full ({count} of {max}): new connections are dropped")
    } else {
        format!("the conntrack table was full ({max}) for a while: connections were dropped")
    };
    vec![Finding {
        kind: CONNTRACK,
        severity: if failing {
            Severity::Critical
        } else {
            Severity::Warning
        },
        summary,
        subject: host(),
        evidence: facts,
        hints: vec![
            "raise net.netfilter.nf_conntrack_max, or shorten its timeouts".to_owned(),
            "do not track what needs no tracking (notrack in the raw table)".to_owned(),
        ],
        confidence: Confidence::Certain,
    }]
}

/// How full the conntrack table is.
#[derive(Clone, Copy)]
struct Table {
    count: u64,
    max: u64,
}

impl Table {
    /// `None` where nothing is tracked, or without limit.
    fn of(sample: &Sample) -> Option<Self> {
        let number = |name| sample.settings.number(name).ok();
        let count = number("net.netfilter.nf_conntrack_count")?;
        let max = number("net.netfilter.nf_conntrack_max")?;
        (max > 0).then_some(Self { count, max })
    }

    fn is_near(self) -> bool {
        self.count.saturating_mul(100) >= self.max.saturating_mul(NEAR_PERCENT)
    }
}

fn host() -> Subject {
    Subject {
        kind: "host",
        ..Subject::default()
    }
}

#[cfg(test)]
mod tests {
    use plumb_model::notice::Notices;
    use plumb_model::sample::{Settings, Span};
    use plumb_model::socket::SocketState;

    use super::super::Focus;
    use super::*;
    use crate::counters::concerned::tests::socket;
    use crate::made_up;

    /// A sample in which a counter stands so, and the conntrack table is so full.
    fn sample(group: &str, name: &str, value: u64, tracked: u64) -> Sample {
        let mut sample = Sample::default();
        made_up::count(&mut sample, group, name, value);
        sample.settings = Settings::new(vec![
            ("net.netfilter.nf_conntrack_count", vec![tracked]),
            ("net.netfilter.nf_conntrack_max", vec![1000]),
        ]);
        sample
    }

    fn checked(
        check: fn(&Case<'_>) -> Vec<Finding>,
        before: &Sample,
        after: &Sample,
    ) -> Vec<(Severity, Option<String>)> {
        let found = check(&Case {
            span: Span { before, after },
            notices: &Notices::default(),
            focus: &Focus::default(),
        });
        let all = found.into_iter();
        all.map(|found| (found.severity, found.subject.local))
            .collect()
    }

    #[test]
    fn the_connection_that_dropped_most_at_its_backlog_is_named() {
        let before = sample("TcpExt", "TCPBacklogDrop", 3, 0);
        let mut after = sample("TcpExt", "TCPBacklogDrop", 40, 0);
        let dropped = |count| [0, 0, 0, 0, 0, 0, 0, 0, count];
        after.snapshot.sockets = vec![
            socket(SocketState::LISTEN, 80, (0, 128), dropped(99)),
            socket(SocketState::ESTABLISHED, 81, (0, 0), dropped(2)),
            socket(SocketState::ESTABLISHED, 82, (0, 0), dropped(35)),
        ];
        let named = Some("127.0.0.1:82".to_owned());
        let found = checked(check_backlog, &before, &after);
        assert_eq!(found, [(Severity::Critical, named.clone())]);
        assert_eq!(checked(check_backlog, &after, &after), []);
        // Few of many.
        let mut before = before;
        made_up::count(&mut before, "Tcp", "InSegs", 0);
        made_up::count(&mut after, "Tcp", "InSegs", 5_000);
        let found = checked(check_backlog, &before, &after);
        assert_eq!(found, [(Severity::Info, named)]);
    }

    #[test]
    fn a_conntrack_table_that_was_full_between_the_samples_is_told() {
        let with = |name, value, tracked| sample("nf_conntrack", name, value, tracked);
        let found = |name, before: u64, after: u64| {
            checked(
                check_conntrack,
                &with(name, 0, before),
                &with(name, 5, after),
            )
        };
        let failing = [(Severity::Critical, None)];
        assert_eq!(found("early_drop", 10, 20), failing);
        assert_eq!(found("drop", 960, 20), failing);
        assert_eq!(found("drop", 20, 960), failing);
        // Flows that collide, and packets that are refused for other reasons.
        assert_eq!(found("insert_failed", 10, 20), []);
        assert_eq!(found("drop", 10, 20), []);
        assert_eq!(found("found", 20, 960), [(Severity::Warning, None)]);
    }
}
