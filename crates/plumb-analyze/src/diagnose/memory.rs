//! `tcp-memory-pressure`, `socket-memory-hog`: socket memory that is at its limit, or one process's.
//!
//! TCP counts its pages against `tcp_mem`; above the second number it saves (`TCPMemoryPressures`), above
//! the third it drops. Who holds it the memory counters of the sockets tell.

use std::collections::BTreeMap;

use plumb_model::finding::{Confidence, Evidence, Finding, Severity, Subject};
use plumb_model::sample::Sample;
use plumb_model::snapshot::Socket;

use super::{Case, evidence, subject};

/// The id of the finding: TCP as a whole is at its limit.
pub const PRESSURE: &str = "tcp-memory-pressure";
/// The id of the finding: one process holds most.
pub const HOG: &str = "socket-memory-hog";
/// Less than this nobody misses, bytes.
const MUCH: u64 = 96 << 20;
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
}

/// Looks for a process that holds most of the socket memory.
pub fn check_hog(case: &Case<'_>) -> Vec<Finding> {
    let snapshot = &case.span.after.snapshot;
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
        }
    }
    by_process
        .into_iter()
        .filter(|(_, held)| {
            let bytes = held.receive + held.send;
            bytes >= MUCH && bytes.saturating_mul(100) >= all.saturating_mul(MOST_PERCENT)
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
