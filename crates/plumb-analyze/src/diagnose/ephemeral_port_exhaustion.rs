//! `ephemeral-port-exhaustion`: the ports of `ip_local_port_range` run out.
//!
//! A TCP connection uses a port for its (source, destination, destination port): `connect()` fails with
//! EADDRNOTAVAIL when none is left (`__inet_hash_connect`). Those in TIME_WAIT count, unless `tcp_tw_reuse`
//! lets them be taken again. Who binds to port 0 first has the port for himself, whatever the destination, and
//! so has a UDP socket: there `bind()` fails with EADDRINUSE, `connect()` with EAGAIN (`udp_lib_get_port`).
//! Whether a connection was bound first no table tells; the call that was refused does.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use plumb_model::finding::{Confidence, Evidence, Finding, Severity, Subject};
use plumb_model::notice::RefusedCall;
use plumb_model::snapshot::{Kind, Socket};
use plumb_model::socket::SocketState;

use super::{Case, evidence, sockets};
use crate::ports::{self, Look, Range, Target, Use};

/// The id of the finding.
pub const ID: &str = "ephemeral-port-exhaustion";
/// From this share of the range on it is said, in percent …
const NEAR_PERCENT: u32 = 80;
/// … and from this on it is failing.
const FULL_PERCENT: u32 = 97;
/// `EADDRINUSE`, `EADDRNOTAVAIL`, `EAGAIN`.
const IN_USE: i32 = 98;
const NOT_AVAILABLE: i32 = 99;
const AGAIN: i32 = 11;
/// `IPPROTO_UDP`.
const UDP: u8 = 17;

/// A range of ports that is (nearly) used up.
struct Short {
    /// What uses it: `destination` or `process`.
    kind: &'static str,
    protocol: &'static str,
    /// The address whose ports they are.
    source: Option<IpAddr>,
    peer: Option<SocketAddr>,
    used: u32,
    time_wait: u32,
    size: u32,
    /// Sockets by the place of the process that holds them.
    holders: BTreeMap<u32, u64>,
    refused: Vec<String>,
}

/// Looks for destinations, addresses and protocols for which few ports are left.
pub fn check(case: &Case<'_>) -> Vec<Finding> {
    let sample = case.span.after;
    let (Some(range), Some(netns)) = (range(case), sample.snapshot.namespaces.first()) else {
        return Vec::new();
    };
    let look = ports::look(&sample.snapshot, netns.id, &range);
    // Where most of them still wait for an answer, that is the trouble.
    let hangs = |used: &Use| used.connecting.saturating_mul(2) > used.used();
    let uses = look.uses.iter().filter(|(_, used)| !hangs(used));
    let tcp = uses.filter_map(|(target, used)| match target {
        Target::Tcp {
            source,
            destination,
        } => Some(tcp(case, &look, &range, (*source, *destination), used)),
        Target::Udp => None,
    });
    let mut all: Vec<Short> = tcp.collect();
    all.extend(
        look.uses
            .get(&Target::Udp)
            .map(|used| udp(case, &range, used)),
    );
    let mut short: Vec<Short> = all.into_iter().filter(Short::is_near).collect();
    if !short.iter().any(|one| one.protocol == "tcp") {
        short.extend(bound(case, &range));
    }
    short.iter().map(|one| finding(case, one)).collect()
}

/// Gives the range that sockets get ports of.
fn range(case: &Case<'_>) -> Option<Range> {
    let settings = &case.span.after.settings;
    let &[first, last] = settings.numbers("net.ipv4.ip_local_port_range") else {
        return None;
    };
    let port = |number: u64| u16::try_from(number).ok();
    let reserved = settings
        .numbers("net.ipv4.ip_local_reserved_ports")
        .chunks_exact(2);
    Some(Range {
        first: port(first)?,
        last: port(last)?,
        reserved: reserved
            .filter_map(|ends| Some((port(*ends.first()?)?, port(*ends.last()?)?)))
            .collect(),
    })
}

/// Weighs the connections of one source to one destination.
fn tcp(
    case: &Case<'_>,
    look: &Look,
    range: &Range,
    (source, destination): (IpAddr, SocketAddr),
    used: &Use,
) -> Short {
    let taken = u32::try_from(look.taken.len()).unwrap_or(u32::MAX);
    let reuse = case
        .span
        .after
        .settings
        .number("net.ipv4.tcp_tw_reuse")
        .ok();
    let reuse = reuse
        .and_then(|reuse| u32::try_from(reuse).ok())
        .unwrap_or(0);
    let target = Target::Tcp {
        source,
        destination,
    };
    let capacity = range.size().saturating_sub(taken);
    let pressure = ports::pressure(
        &target,
        used,
        None,
        capacity,
        ports::is_reusable(&target, reuse),
    );
    let refused = refused(case, |call| {
        call.call == "connect"
            && call.errno == NOT_AVAILABLE
            && sockets::plain(call.address) == destination
    });
    Short {
        kind: "destination",
        protocol: "tcp",
        source: Some(source),
        peer: Some(destination),
        used: pressure.used,
        time_wait: used.time_wait,
        size: capacity,
        holders: holders(used),
        refused,
    }
}

/// Weighs the UDP sockets: a port of one is no other's who asks for any.
fn udp(case: &Case<'_>, range: &Range, used: &Use) -> Short {
    let sockets = case.span.after.snapshot.sockets.iter();
    let of_range = sockets.filter(|socket| {
        let port = socket.local.port();
        socket.kind == Kind::Udp && port.is_some_and(|port| range.gives(port))
    });
    let (mut sources, mut peers) = (BTreeSet::new(), BTreeSet::new());
    for socket in of_range {
        sources.extend(socket.local.inet().map(|end| end.ip().to_canonical()));
        peers.insert(
            socket
                .peer
                .port()
                .and(socket.peer.inet())
                .map(sockets::plain),
        );
    }
    let one = |peers: &BTreeSet<Option<SocketAddr>>| match peers.first() {
        Some(first) if peers.len() == 1 => *first,
        _ => None,
    };
    let refused = refused(case, |call| {
        call.protocol == UDP
            && (call.call == "bind" && call.errno == IN_USE && call.address.port() == 0
                || call.call == "connect" && call.errno == AGAIN)
    });
    Short {
        kind: "process",
        protocol: "udp",
        source: sources.first().copied().filter(|_| sources.len() == 1),
        peer: one(&peers),
        used: used.used(),
        time_wait: 0,
        size: range.size(),
        holders: holders(used),
        refused,
    }
}

/// Weighs the TCP ports of one address, whatever their destinations, where a program was refused one.
fn bound(case: &Case<'_>, range: &Range) -> Vec<Short> {
    let is_refused = |call: &RefusedCall| {
        call.protocol != UDP
            && (call.call == "bind" && call.errno == IN_USE && call.address.port() == 0
                || call.call == "connect" && call.errno == NOT_AVAILABLE)
    };
    let refused = refused(case, is_refused);
    if refused.is_empty() {
        return Vec::new();
    }
    let snapshot = &case.span.after.snapshot;
    let mut by_address: BTreeMap<IpAddr, (BTreeSet<u16>, Short)> = BTreeMap::new();
    for (place, socket) in snapshot.sockets.iter().enumerate() {
        let Some(local) = in_range(socket, range) else {
            continue;
        };
        let (ports, short) = by_address.entry(local.ip()).or_insert_with(|| {
            let short = Short {
                kind: "process",
                protocol: "tcp",
                source: Some(local.ip()),
                peer: None,
                used: 0,
                time_wait: 0,
                size: range.size(),
                holders: BTreeMap::new(),
                refused: refused.clone(),
            };
            (BTreeSet::new(), short)
        });
        ports.insert(local.port());
        let held = snapshot.owners.of(place).ok();
        if let Some(first) = held.and_then(|held| held.first()) {
            *short.holders.entry(first.process).or_default() += 1;
        }
    }
    let counted = by_address.into_values().map(|(ports, short)| Short {
        used: u32::try_from(ports.len()).unwrap_or(u32::MAX),
        ..short
    });
    counted.filter(Short::is_near).collect()
}

fn in_range(socket: &Socket, range: &Range) -> Option<SocketAddr> {
    let local = socket.local.inet().map(sockets::plain)?;
    let is_one = socket.kind == Kind::Tcp && socket.state != SocketState::SYN_SENT;
    (is_one && range.gives(local.port())).then_some(local)
}

fn holders(used: &Use) -> BTreeMap<u32, u64> {
    let holders = used.holders.iter();
    holders
        .map(|(process, count)| (*process, u64::from(*count)))
        .collect()
}

/// Says of the calls that failed, each in words.
fn refused(case: &Case<'_>, is: impl Fn(&RefusedCall) -> bool) -> Vec<String> {
    let calls = case.notices.refused_calls.iter().filter(|call| is(call));
    let words = |call: &RefusedCall| {
        let who = String::from_utf8_lossy(&call.comm).into_owned();
        format!(
            "{}({}) of {who} (pid {}) failed {} times",
            call.call, call.address, call.pid.0, call.count
        )
    };
    calls.map(words).take(3).collect()
}

impl Short {
    fn is_near(&self) -> bool {
        self.reaches(NEAR_PERCENT)
    }

    fn is_failing(&self) -> bool {
        self.reaches(FULL_PERCENT) || !self.refused.is_empty()
    }

    fn reaches(&self, percent: u32) -> bool {
        u64::from(self.used) * 100 >= u64::from(self.size) * u64::from(percent)
    }

    /// Says whose ports they are.
    fn words(&self) -> String {
        match (self.source, self.peer) {
            (Some(source), Some(peer)) => format!("from {source} to {peer}"),
            (Some(source), None) => format!("at {source}"),
            (None, Some(peer)) => format!("to {peer}"),
            (None, None) => "of this host".to_owned(),
        }
    }

    fn facts(&self) -> Vec<Evidence> {
        let mut facts = vec![evidence::fact(
            "sock_diag, net.ipv4.ip_local_port_range, ip_local_reserved_ports",
            format!(
                "{} of {} ports of {} {} are in use, {} sockets are in TIME_WAIT",
                self.used,
                self.size,
                self.protocol,
                self.words(),
                self.time_wait
            ),
        )];
        let refused = self.refused.iter();
        facts.extend(refused.map(|text| evidence::fact("calls that failed", text)));
        facts
    }

    fn hints(&self) -> Vec<String> {
        let first = if self.protocol == "udp" {
            "use one socket for many peers (sendto), and close those that are done"
        } else if self.peer.is_none() {
            "leave bind() out before connect(), or set IP_BIND_ADDRESS_NO_PORT: a port then serves every destination"
        } else {
            "keep connections and use them again (a pool, HTTP keep-alive)"
        };
        let mut hints = vec![
            first.to_owned(),
            "widen net.ipv4.ip_local_port_range, or use more source or destination addresses"
                .to_owned(),
        ];
        if self.time_wait.saturating_mul(2) > self.used {
            hints.push(
                "most are in TIME_WAIT: let the peer close first, or set net.ipv4.tcp_tw_reuse=1"
                    .to_owned(),
            );
        }
        hints
    }
}

fn finding(case: &Case<'_>, short: &Short) -> Finding {
    let processes = &case.span.after.snapshot.owners.processes;
    let owner = sockets::most(&short.holders).and_then(|(process, count)| {
        let process = processes.get(usize::try_from(process).ok()?)?;
        let name = String::from_utf8_lossy(&process.comm).into_owned();
        Some((process.pid, name, count))
    });
    let mut facts = short.facts();
    if let Some((pid, name, count)) = &owner {
        facts.push(evidence::fact(
            "/proc/PID/fd",
            format!("{count} of them belong to {name} (pid {})", pid.0),
        ));
    }
    let left = short.size.saturating_sub(short.used);
    Finding {
        kind: ID,
        severity: if short.is_failing() {
            Severity::Critical
        } else {
            Severity::Warning
        },
        summary: format!(
            "local ports of {} {} run out: {left} of {} are left",
            short.protocol,
            short.words(),
            short.size
        ),
        subject: Subject {
            kind: short.kind,
            local: short
                .source
                .filter(|_| short.kind == "process")
                .map(|ip| ip.to_string()),
            peer: short.peer.map(|peer| peer.to_string()),
            protocol: Some(short.protocol),
            pid: owner.as_ref().map(|(pid, ..)| *pid),
            process: owner.map(|(_, name, _)| name),
            ..Subject::default()
        },
        evidence: facts,
        hints: short.hints(),
        confidence: Confidence::Certain,
    }
}
