//! `port-in-use`: a program cannot bind an address, because somebody is in its way.
//!
//! The refused call itself is heard (`bind()` with EADDRINUSE). Who is in the way is found among the sockets:
//! the same port, an address that overlaps, and no agreement by SO_REUSEADDR or SO_REUSEPORT
//! (`inet_csk_get_port`). A socket that is bound and does not listen is in no table; then nobody is named.

use std::net::{IpAddr, SocketAddr};

use plumb_model::finding::{Confidence, Finding, Severity, Subject};
use plumb_model::notice::RefusedCall;
use plumb_model::snapshot::{Kind, Socket};
use plumb_model::socket::SocketState;

use super::{Case, evidence, sockets, subject};

/// The id of the finding.
pub const ID: &str = "port-in-use";
/// `EADDRINUSE`.
const IN_USE: i32 = 98;
/// `IPPROTO_UDP`.
const UDP: u8 = 17;

/// Looks for refused binds.
pub fn check(case: &Case<'_>) -> Vec<Finding> {
    let calls = case.notices.refused_calls.iter();
    // Port 0 asks for any: refused, there is none left, and nobody is in the way.
    let refused =
        calls.filter(|call| is_bind(call) && call.errno == IN_USE && call.address.port() != 0);
    let services = services(case, refused);
    let mut findings: Vec<Finding> = services
        .iter()
        .map(|service| finding(case, service))
        .collect();
    let tried = case.notices.probed.binds.iter();
    findings.extend(
        tried
            .filter(|bind| bind.errno == Some(IN_USE))
            .filter(|bind| !findings.iter().any(|found| is_about(found, bind.address)))
            .map(|bind| tried_in_vain(case, bind.address))
            .collect::<Vec<_>>(),
    );
    findings
}

/// What the processes of one name were refused at one address: a service that is started again each time it fails is
/// one trouble.
struct Service {
    /// The calls together; the process is one that was asked about, else the last.
    call: RefusedCall,
    processes: u64,
}

fn services<'c>(case: &Case<'_>, refused: impl Iterator<Item = &'c RefusedCall>) -> Vec<Service> {
    let mut services: Vec<Service> = Vec::new();
    for call in refused {
        let is_one = |service: &&mut Service| {
            let known = &service.call;
            (&known.comm, known.address, known.protocol)
                == (&call.comm, call.address, call.protocol)
        };
        let Some(service) = services.iter_mut().find(is_one) else {
            services.push(Service {
                call: call.clone(),
                processes: 1,
            });
            continue;
        };
        let known = &mut service.call;
        known.count += call.count;
        // One of them that has nothing is trouble enough.
        known.instead = known.instead.and(call.instead);
        if known.pid != call.pid {
            service.processes += 1;
            if !case.focus.pids.contains(&known.pid.0) {
                known.pid = call.pid;
            }
        }
    }
    services
}

/// Two sockets may be bound alike with SO_REUSEADDR; of them the first that listens has the port.
fn is_bind(call: &RefusedCall) -> bool {
    matches!(call.call, "bind" | "listen")
}

fn is_about(finding: &Finding, end: SocketAddr) -> bool {
    finding.subject.local.as_deref() == Some(end.to_string().as_str())
}

/// An attempt of ours was refused although nobody listens.
fn tried_in_vain(case: &Case<'_>, end: SocketAddr) -> Finding {
    let rivals = rivals(case, Kind::Tcp, end);
    let (holder, is, rule) = holder(case, &rivals, end);
    let mut facts = vec![evidence::fact(
        "bind() returned EADDRINUSE",
        format!("{end} cannot be bound, although nobody listens there"),
    )];
    facts.extend(
        rule.map(|rule| evidence::fact("sock_diag", format!("{holder} {is} in the way: {rule}"))),
    );
    Finding {
        kind: ID,
        severity: Severity::Critical,
        summary: format!("nobody listens on {end} and nobody could: {holder} {is} in the way"),
        subject: Subject {
            kind: "listener",
            local: Some(end.to_string()),
            protocol: Some("tcp"),
            ..Subject::default()
        },
        evidence: facts,
        hints: vec![format!(
            "the rule, the holder and until when: plumb bind {end}"
        )],
        confidence: Confidence::Certain,
    }
}

/// Gives the sockets in the way, those that are in everybody's way first.
fn rivals<'s>(case: &Case<'s>, kind: Kind, end: SocketAddr) -> Vec<(usize, &'s Socket)> {
    let all = &case.span.after.snapshot.sockets;
    let mut rivals: Vec<(usize, &Socket)> = all
        .iter()
        .enumerate()
        .filter(|(_, socket)| socket.kind == kind && overlaps(socket, end))
        .collect();
    // A listener is in the way of everybody, the rest of those who agreed on nothing.
    rivals.sort_by_key(|(_, socket)| !socket.is_listener());
    rivals
}

/// Names who is in the way, with the verb that goes with it, and the rule.
fn holder(
    case: &Case<'_>,
    rivals: &[(usize, &Socket)],
    end: SocketAddr,
) -> (String, &'static str, Option<String>) {
    let Some((place, socket)) = rivals.first() else {
        let nobody = "somebody who is bound and does not listen, or has ended since";
        return (nobody.to_owned(), "is", None);
    };
    let rival = subject::of_socket(&case.span.after.snapshot, *place, "listener");
    let name = match (&rival.process, rival.pid) {
        (Some(name), Some(pid)) => format!("{name} (pid {})", pid.0),
        _ if socket.state == SocketState::TIME_WAIT => in_time_wait(rivals),
        _ => "a socket without owner".to_owned(),
    };
    let several = rivals.len() > 1 && socket.state == SocketState::TIME_WAIT;
    (
        name,
        if several { "are" } else { "is" },
        Some(rule(socket, end)),
    )
}

/// Says that connections in TIME_WAIT are in the way, and until when: nobody holds them.
fn in_time_wait(rivals: &[(usize, &Socket)]) -> String {
    let waiting = rivals.iter().map(|(_, socket)| socket);
    let waiting = waiting.filter(|socket| socket.state == SocketState::TIME_WAIT);
    let left_ms = waiting.clone().map(|socket| socket.timer.expires_ms).max();
    format!(
        "{} in TIME_WAIT, for {} s more,",
        evidence::connections(waiting.count()),
        left_ms.unwrap_or(0).div_ceil(1000)
    )
}

fn finding(case: &Case<'_>, service: &Service) -> Finding {
    let call = &service.call;
    let end = sockets::plain(call.address);
    let kind = if call.protocol == UDP {
        Kind::Udp
    } else {
        Kind::Tcp
    };
    let who = String::from_utf8_lossy(&call.comm).into_owned();
    let rivals = rivals(case, kind, end);
    let (holder, is, rule) = holder(case, &rivals, end);
    let mut facts = vec![evidence::fact(
        &format!("{}() returned EADDRINUSE", call.call),
        format!(
            "{who} (pid {}) asked for {end} {} times in {:.1} s",
            call.pid.0,
            call.count,
            case.span.seconds()
        ),
    )];
    if service.processes > 1 {
        facts.push(evidence::fact(
            "processes of that name",
            format!(
                "{} tried, one after the other or beside each other",
                service.processes
            ),
        ));
    }
    if let Some(rule) = &rule {
        facts.push(evidence::fact(
            "sock_diag",
            format!("{holder} {is} in the way: {rule}"),
        ));
    }
    // As development servers do, who go on to the next port that is free.
    let (severity, summary) = if let Some(own) = own(case, call, &rivals) {
        let text = if own == end {
            format!("{who} was refused {end} and has it now")
        } else {
            format!("{who} has {own} itself already, so {end} is refused to it")
        };
        (Severity::Info, text)
    } else if let Some(instead) = call.instead.map(sockets::plain) {
        let text = format!("{who} took {instead} instead of {end}, where {holder} {is} in the way");
        (Severity::Info, text)
    } else {
        let text = format!("{who} cannot bind {end}: {holder} {is} in the way");
        (Severity::Critical, text)
    };
    Finding {
        kind: ID,
        severity,
        summary,
        subject: Subject {
            kind: "listener",
            local: Some(end.to_string()),
            protocol: Some(kind.word()),
            pid: Some(call.pid),
            process: Some(who),
            ..Subject::default()
        },
        evidence: facts,
        hints: vec![
            format!("the rule, the holder and until when: plumb bind {end}"),
            "SO_REUSEADDR lets a server bind over TIME_WAIT, SO_REUSEPORT lets several share"
                .to_owned(),
        ],
        confidence: Confidence::Certain,
    }
}

/// Gives the end at which the process itself is in its way: who binds 0.0.0.0 and then [::], which takes IPv4, too,
/// serves both all the same, or means to serve one.
fn own(case: &Case<'_>, call: &RefusedCall, rivals: &[(usize, &Socket)]) -> Option<SocketAddr> {
    let owners = &case.span.after.snapshot.owners;
    let is_own = |place: usize| {
        let mut holders = owners.processes_of(place).into_iter();
        holders.any(|holder| holder.pid == call.pid)
    };
    let listening = rivals
        .iter()
        .find(|(place, socket)| socket.is_listener() && is_own(*place))
        .and_then(|(_, socket)| socket.local.inet());
    let heard = call.instead.filter(|own| own.port() == call.address.port());
    listening.or(heard).map(sockets::plain)
}

/// Says whether a socket has the port, at an address that overlaps.
fn overlaps(socket: &Socket, end: SocketAddr) -> bool {
    let Some(local) = socket
        .local
        .inet()
        .filter(|local| local.port() == end.port())
    else {
        return false;
    };
    let any = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => ip.is_unspecified(),
        IpAddr::V6(ip) => ip.is_unspecified(),
    };
    let (has, wants) = (local.ip().to_canonical(), end.ip());
    if has.is_ipv4() != wants.is_ipv4() {
        // An IPv6 socket for all addresses takes those of IPv4, too, if it may.
        return any(has) && has.is_ipv6() && !socket.v6only || any(wants) && wants.is_ipv6();
    }
    any(has) || any(wants) || has == wants
}

/// Names the rule that speaks against it.
fn rule(socket: &Socket, end: SocketAddr) -> String {
    let local = socket.local.inet().map(sockets::plain);
    let at = local.map_or_else(String::new, |local| local.to_string());
    match socket.state {
        SocketState::LISTEN if local == Some(end) => format!("it listens on {at}"),
        SocketState::LISTEN => format!("it listens on {at}, which overlaps"),
        SocketState::TIME_WAIT => {
            let left = socket.timer.expires_ms / 1000;
            format!(
                "a connection from {at} is in TIME_WAIT for {left} s more, and SO_REUSEADDR is not set"
            )
        }
        state => format!(
            "a connection from {at} is in {}",
            state.tcp_name().unwrap_or("use")
        ),
    }
}

#[cfg(test)]
mod tests;
