//! `ephemeral-port-exhaustion`: connections to one destination use up the local ports.
//!
//! A port can be used once for each (source, destination, destination port). `connect()` takes one of
//! `ip_local_port_range` and fails with EADDRNOTAVAIL when none is left (`__inet_hash_connect`); those
//! in TIME_WAIT count, unless `tcp_tw_reuse` lets them be taken again.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use plumb_model::finding::{Confidence, Finding, Severity, Subject};
use plumb_model::snapshot::{Kind, Socket};
use plumb_model::socket::SocketState;

use super::{Case, evidence, sockets};

/// The id of the finding.
pub const ID: &str = "ephemeral-port-exhaustion";
/// From this share of the range on it is said, in percent …
const NEAR_PERCENT: u64 = 80;
/// … and from this on it is failing.
const FULL_PERCENT: u64 = 97;

/// The ports used towards one destination.
#[derive(Default)]
struct Use {
    all: u64,
    time_wait: u64,
    processes: BTreeMap<u32, u64>,
}

/// Looks for destinations towards which few ports are left.
pub fn check(case: &Case<'_>) -> Vec<Finding> {
    let sample = case.span.after;
    let &[first, last] = sample.settings.numbers("net.ipv4.ip_local_port_range") else {
        return Vec::new();
    };
    let size = last.saturating_sub(first) + 1;
    let mut uses: BTreeMap<(IpAddr, SocketAddr), Use> = BTreeMap::new();
    for (place, socket) in sample.snapshot.sockets.iter().enumerate() {
        let Some((local, peer)) = outgoing(socket, first..=last) else {
            continue;
        };
        let used = uses.entry((local.ip(), peer)).or_default();
        used.all += 1;
        used.time_wait += u64::from(socket.state == SocketState::TIME_WAIT);
        if let Some(held) = sample
            .snapshot
            .owners
            .of(place)
            .ok()
            .and_then(|held| held.first())
        {
            *used.processes.entry(held.process).or_default() += 1;
        }
    }
    uses.into_iter()
        .filter(|(_, used)| used.all.saturating_mul(100) >= size.saturating_mul(NEAR_PERCENT))
        .map(|((source, peer), used)| finding(case, source, peer, &used, size))
        .collect()
}

fn outgoing(
    socket: &Socket,
    range: std::ops::RangeInclusive<u64>,
) -> Option<(SocketAddr, SocketAddr)> {
    let (local, peer) = (socket.local.inet()?, socket.peer.inet()?);
    let counts =
        socket.kind == Kind::Tcp && peer.port() != 0 && range.contains(&u64::from(local.port()));
    counts.then(|| (sockets::plain(local), sockets::plain(peer)))
}

fn finding(case: &Case<'_>, source: IpAddr, peer: SocketAddr, used: &Use, size: u64) -> Finding {
    let sample = case.span.after;
    let owner = sockets::most(&used.processes).and_then(|(process, count)| {
        let process = usize::try_from(process).ok()?;
        let process = sample.snapshot.owners.processes.get(process)?;
        Some((
            process.pid,
            String::from_utf8_lossy(&process.comm).into_owned(),
            count,
        ))
    });
    let left = size.saturating_sub(used.all);
    let mut facts = vec![evidence::fact(
        "sock_diag, net.ipv4.ip_local_port_range",
        format!(
            "{} of {size} ports from {source} to {peer} are in use, {left} are left; {} in TIME_WAIT",
            used.all, used.time_wait
        ),
    )];
    if let Some((pid, name, count)) = &owner {
        facts.push(evidence::fact(
            "/proc/PID/fd",
            format!("{count} of them belong to {name} (pid {})", pid.0),
        ));
    }
    let mut hints = vec![
        "keep connections and use them again (a pool, HTTP keep-alive)".to_owned(),
        "widen net.ipv4.ip_local_port_range, or use more source or destination addresses"
            .to_owned(),
    ];
    if used.time_wait * 2 > used.all {
        hints.push(
            "most are in TIME_WAIT: let the peer close first, or set net.ipv4.tcp_tw_reuse=1"
                .to_owned(),
        );
    }
    let full = used.all.saturating_mul(100) >= size.saturating_mul(FULL_PERCENT);
    Finding {
        kind: ID,
        severity: if full {
            Severity::Critical
        } else {
            Severity::Warning
        },
        summary: format!("local ports from {source} to {peer} run out: {left} of {size} are left"),
        subject: Subject {
            kind: "destination",
            peer: Some(peer.to_string()),
            protocol: Some("tcp"),
            pid: owner.as_ref().map(|(pid, ..)| *pid),
            process: owner.map(|(_, name, _)| name),
            ..Subject::default()
        },
        evidence: facts,
        hints,
        confidence: Confidence::Certain,
    }
}
