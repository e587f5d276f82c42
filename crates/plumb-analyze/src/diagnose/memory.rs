//! `tcp-memory-pressure`, `socket-memory-hog`: socket memory that is at its limit, or one process's.
//!
//! TCP counts its pages against `tcp_mem`; above the second number it saves (`TCPMemoryPressures`), above
//! the third it drops. Who holds it the memory counters of the sockets tell.

use std::collections::{BTreeMap, HashMap};

use plumb_model::finding::{Confidence, Evidence, Finding, Severity, Subject};
use plumb_model::id::Cookie;
use plumb_model::sample::Sample;
use plumb_model::snapshot::{Kind, Socket};

use super::{Case, evidence, sockets, subject};

/// The id of the finding: TCP as a whole is at its limit.
pub const PRESSURE: &str = "tcp-memory-pressure";
/// The id of the finding: one process holds most.
pub const HOG: &str = "socket-memory-hog";
/// Less than this nobody misses, bytes …
const MUCH: u64 = 96 << 20;
/// … but for datagrams that nobody reads: of those so much is no burst.
const MUCH_UNREAD: u64 = 32 << 20;
/// From this share of all on it is most, in percent.
const MOST_PERCENT: u64 = 60;

/// Looks for TCP under memory pressure: entered during the watch, or lasting through all of it.
pub fn check_pressure(case: &Case<'_>) -> Vec<Finding> {
    let entered = evidence::grown(case.span, "TcpExt", "TCPMemoryPressures");
    let lasts = [case.span.before, case.span.after]
        .iter()
        .all(|sample| of_tcp(sample, "pressure") == Some(1));
    let mut facts: Vec<Evidence> = entered.into_iter().collect();
    if lasts {
        facts.push(evidence::fact(
            "/proc/net/protocols TCP press",
            "TCP was under memory pressure in both samples",
        ));
    }
    if facts.is_empty() {
        return Vec::new();
    }
    let signs = [
        "PruneCalled",
        "RcvPruned",
        "TCPRcvQDrop",
        "TCPAbortOnMemory",
    ];
    facts.extend(
        signs
            .iter()
            .filter_map(|name| evidence::grown(case.span, "TcpExt", name)),
    );
    if let &[_, pressure, high] = case.span.after.settings.numbers("net.ipv4.tcp_mem") {
        let pages = of_tcp(case.span.after, "memory");
        let now = pages.map_or_else(String::new, |pages| format!("TCP has {pages} pages; "));
        facts.push(evidence::fact(
            "/proc/net/protocols, net.ipv4.tcp_mem",
            format!("{now}it saves above {pressure} pages and gets none above {high}"),
        ));
    }
    vec![pressure_finding(facts)]
}

/// Gives what `/proc/net/protocols` says of TCP as a whole.
fn of_tcp(sample: &Sample, name: &str) -> Option<u64> {
    let readings = sample.counters.readings.iter();
    let mut found = readings.filter(|reading| {
        reading.group == "protocols"
            && reading.name == name
            && reading.instance.as_deref() == Some("TCP")
    });
    found.next().map(|reading| reading.value)
}

fn pressure_finding(facts: Vec<Evidence>) -> Finding {
    Finding {
        kind: PRESSURE,
        severity: Severity::Critical,
        summary: "TCP is out of memory: it shrinks windows and drops data".to_owned(),
        subject: Subject {
            kind: "host",
            ..Subject::default()
        },
        evidence: facts,
        hints: vec![
            "find who holds it: plumb mem --by process".to_owned(),
            "raise net.ipv4.tcp_mem (pages) if the memory is there".to_owned(),
        ],
        confidence: Confidence::Certain,
    }
}

/// Bytes of one process.
#[derive(Default, Clone, Copy)]
struct Held {
    receive: u64,
    send: u64,
    sockets: u64,
    /// Datagrams that lay there in both samples.
    unread: u64,
}

/// Looks for a process that holds most of the socket memory.
pub fn check_hog(case: &Case<'_>) -> Vec<Finding> {
    let snapshot = &case.span.after.snapshot;
    let earlier = sockets::by_cookie(case.span.before);
    let mut all = 0_u64;
    let mut by_process: BTreeMap<u32, Held> = BTreeMap::new();
    for (place, socket) in snapshot.sockets.iter().enumerate() {
        let (receive, send) = bytes(socket);
        all += receive + send;
        if let Some(held) = snapshot.owners.of(place).ok().and_then(|held| held.first()) {
            let process = by_process.entry(held.process).or_default();
            process.receive += receive;
            process.send += send;
            process.sockets += 1;
            process.unread += unread_datagrams(&earlier, socket);
        }
    }
    by_process
        .into_iter()
        .filter(|(_, held)| {
            let bytes = held.receive + held.send;
            let is_much = bytes >= MUCH || held.unread >= MUCH_UNREAD;
            is_much && bytes.saturating_mul(100) >= all.saturating_mul(MOST_PERCENT)
        })
        .filter_map(|(process, held)| hog(case, process, held, all))
        .collect()
}

/// Gives what a socket has allocated for receiving and queued for sending. What nobody has read of a UNIX socket yet
/// is its sender's (`SK_MEMINFO_WMEM_ALLOC`); it has no queue of its own.
fn bytes(socket: &Socket) -> (u64, u64) {
    let words = socket.memory.map(|memory| memory.words).unwrap_or_default();
    let sent = if socket.kind.is_unix() { 2 } else { 5 };
    (
        u64::from(words[0]) + u64::from(words[7]),
        u64::from(words[sent]),
    )
}

/// Gives what waits of datagrams where nothing was read between the samples: no less waits than did.
fn unread_datagrams(earlier: &HashMap<Cookie, &Socket>, socket: &Socket) -> u64 {
    let received = |socket: &Socket| bytes(socket).0;
    let were = sockets::again(earlier, socket).map_or(0, received);
    if socket.kind == Kind::Udp && received(socket) >= were {
        were
    } else {
        0
    }
}

fn hog(case: &Case<'_>, process: u32, held: Held, all: u64) -> Option<Finding> {
    let processes = &case.span.after.snapshot.owners.processes;
    let process = processes.get(usize::try_from(process).ok()?)?;
    let subject = subject::of_process(process);
    let mib = |bytes: u64| bytes >> 20;
    let name = subject.process.clone().unwrap_or_default();
    let (queue, hint) = if held.receive >= held.send {
        (
            "receive",
            "it does not read what comes: plumb ls 'recv-q > 0' --sort -recv-q",
        )
    } else {
        (
            "send",
            "its peers do not read what it sends: plumb ls 'send-q > 0' --sort -send-q",
        )
    };
    Some(Finding {
        kind: HOG,
        severity: Severity::Warning,
        summary: format!(
            "{name} (pid {}) holds {} MiB of socket memory, mostly in {queue} queues",
            process.pid.0,
            mib(held.receive + held.send)
        ),
        subject,
        evidence: vec![evidence::fact(
            "sock_diag SK_MEMINFO_*",
            format!(
                "{} MiB received and not read, {} MiB not sent, in {} sockets; all processes together {} MiB",
                mib(held.receive),
                mib(held.send),
                held.sockets,
                mib(all)
            ),
        )],
        hints: vec![hint.to_owned()],
        confidence: Confidence::Certain,
    })
}

#[cfg(test)]
mod tests {
    use plumb_model::attribution::{Attribution, Holding, How, Process};
    use plumb_model::diag::inet::SkMemInfo;
    use plumb_model::diag::tcp_info::TcpInfo;
    use plumb_model::id::Pid;
    use plumb_model::{Known, Reason};

    use super::*;
    use crate::made_up;

    /// Says whether a process is told of ten of whose sockets so many MiB wait in both samples.
    fn is_told(kind: Kind, before_mib: u32, after_mib: u32) -> bool {
        let sample = |at_us, mib: u32| {
            let socket = |number| {
                let mut socket = made_up::connection(&TcpInfo::default());
                socket.kind = kind;
                socket.cookie = Known::Known(Cookie(number));
                let mut words = [0; 9];
                words[0] = mib << 20;
                let sent_bytes = 36;
                socket.memory = Some(SkMemInfo { words, sent_bytes });
                socket
            };
            let mut sample = Sample {
                at_us,
                ..Sample::default()
            };
            sample.snapshot.sockets = (0..10).map(socket).collect();
            let process = Process::unknown(Pid(7), Reason::NotInSource);
            sample.snapshot.owners = Attribution::new(vec![process]);
            for _ in 0..10 {
                let how = How::Descriptor(3);
                let holding = Holding { process: 0, how };
                sample.snapshot.owners.push([holding], Reason::NotInSource);
            }
            sample
        };
        let (before, after) = (sample(1_000_000, before_mib), sample(3_000_000, after_mib));
        !check_hog(&made_up::between(&before, &after)).is_empty()
    }

    #[test]
    fn datagrams_that_nobody_reads_are_much_sooner_than_what_moves() {
        assert!(is_told(Kind::Udp, 5, 5));
        assert!(!is_told(Kind::Udp, 2, 2));
        // It reads, or what waits is of a transfer.
        assert!(!is_told(Kind::Udp, 5, 4));
        assert!(!is_told(Kind::Tcp, 5, 5));
        assert!(is_told(Kind::Tcp, 5, 10));
    }
}
