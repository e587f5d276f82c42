//! The order of findings, and which of them say the same.

use std::net::{IpAddr, SocketAddr};

use plumb_model::finding::{Confidence, Finding, Severity, Subject};
use plumb_model::link::Link;

use super::servers::Servers;
use super::{
    Case, EXPLAINS, EXPLAINS_ALL, Found, asked, connecting, firewall_drop, half_open_peer,
    interfaces, names, neighbour, no_route, routers, slow_reader, sockets,
};

/// What a router does with packets of others, and what their senders have of it.
const STOPS: &[(&str, &str)] = &[
    (no_route::ID, connecting::TIMEOUT),
    (firewall_drop::ID, connecting::TIMEOUT),
    (firewall_drop::ID, half_open_peer::ID),
    (firewall_drop::ID, names::FAILING),
    (routers::ID, connecting::TIMEOUT),
];

/// Drops what another finding explains or what does not concern the focus, and puts the worst first;
/// among equals the surer, then the order of the checks.
pub(super) fn rank(case: &Case<'_>, found: &[Finding], servers: &Servers) -> Vec<Finding> {
    let explains = |other: &Finding, finding: &Finding| {
        let kinds = (other.kind, finding.kind);
        let is_hosts = other.subject.kind == "host" && other.severity == Severity::Critical;
        is_hosts && EXPLAINS_ALL.contains(&kinds)
            || EXPLAINS.contains(&kinds)
                && is_reason(case, other, finding)
                // A guess is no reason for what is surer.
                && (other.confidence > Confidence::Possible
                    || other.confidence >= finding.confidence)
                // What harms nobody is no reason for what does.
                && (other.severity > Severity::Info || finding.severity == Severity::Info)
                && (same(&other.subject, &finding.subject)
                    || holds(&other.subject, &finding.subject)
                    || meet(case, &other.subject, &finding.subject)
                    || meet(case, &finding.subject, &other.subject)
                    || leads_to(case, &other.subject, finding))
    };
    let explained = |finding: &Finding| found.iter().any(|other| explains(other, finding));
    let asked = asked::Ends::of(case);
    let concerns = |subject: &Subject| {
        if case.focus.is_elsewhere {
            return asked.face(subject);
        }
        !servers.is_elsewhere(subject)
            && (case.focus.concerns(subject) || case.focus.has_ends(subject) && asked.face(subject))
    };
    // So does what is behind it.
    let is_root = |finding: &Finding| {
        let mut others = found.iter();
        others.any(|other| explains(finding, other) && concerns(&other.subject))
    };
    let told = found.iter().filter(|finding| !explained(finding)).cloned();
    let (mut kept, others): (Vec<Finding>, Vec<Finding>) =
        told.partition(|finding| concerns(&finding.subject) || is_root(finding));
    kept.extend(others.into_iter().filter_map(|mut finding| {
        let relation = servers.relation(&finding.subject)?;
        finding.subject.relation = Some(relation);
        Some(finding)
    }));
    gather(&mut kept);
    sort(&mut kept);
    kept
}

/// Puts the worst first, what was asked about before what is related to it; what is equally bad and sure stays in its
/// order.
pub(super) fn sort(findings: &mut [Finding]) {
    findings.sort_by_key(|finding| {
        let is_itself = finding.subject.relation.is_none();
        std::cmp::Reverse((is_itself, finding.severity, finding.confidence))
    });
}

/// Leaves one of several findings of a kind about the same process and the same end, or the same
/// destination, and lets it say how many more there are: a server with a hundred stuck connections has
/// one trouble.
fn gather(findings: &mut Vec<Finding>) {
    let mut kept: Vec<(Finding, usize)> = Vec::new();
    for finding in findings.drain(..) {
        let alike = |(other, _): &&mut (Finding, usize)| {
            other.kind == finding.kind && is_one_trouble(&other.subject, &finding.subject)
        };
        match kept.iter_mut().find(alike) {
            Some((_, more)) => *more += 1,
            None => kept.push((finding, 0)),
        }
    }
    findings.extend(kept.into_iter().map(|(mut finding, more)| {
        if more > 0 {
            let text = format!("{more} more connections of the same kind");
            finding
                .evidence
                .push(super::evidence::fact("sock_diag", text));
        }
        finding
    }));
}

fn is_one_trouble(one: &Subject, other: &Subject) -> bool {
    let host = |subject: &Subject| Some(host_of(subject.peer.as_deref()?).to_owned());
    let local = alike(one.local.as_ref(), other.local.as_ref()) == Some(true);
    let peer = alike(host(one).as_ref(), host(other).as_ref()) == Some(true);
    // Who comes to two ports has two troubles there.
    let is_port = one.kind == "listener" && other.kind == "listener";
    // The processes of one program that talk to one end, or serve one, have one trouble.
    let is_program = one.process.is_some() && one.process == other.process;
    let at_one_peer = one.peer.is_some() && one.peer == other.peer;
    let are_workers = is_program && !is_port && (at_one_peer || local);
    one.pid == other.pid && (local || peer && !is_port) || are_workers
}

/// Gives an end without its port.
fn host_of(end: &str) -> &str {
    match end.rsplit_once(':') {
        // Behind the last colon of a bare IPv6 address is no port.
        Some((host, _)) if end.parse::<IpAddr>().is_err() => {
            host.trim_start_matches('[').trim_end_matches(']')
        }
        _ => end,
    }
}

/// Compares peers that both name: a host without port is all of its ports.
fn peers_alike(one: &Subject, other: &Subject) -> Option<bool> {
    let (one, other) = (one.peer.as_deref()?, other.peer.as_deref()?);
    let is_host = |end: &str| end.parse::<IpAddr>().is_ok();
    if is_host(one) || is_host(other) {
        return Some(host_of(one) == host_of(other));
    }
    Some(one == other)
}

/// Says whether two subjects may be one: nothing that both name differs, and something is alike.
fn same(one: &Subject, other: &Subject) -> bool {
    let pid = alike(one.pid.as_ref(), other.pid.as_ref());
    let local = alike(one.local.as_ref(), other.local.as_ref());
    let peer = peers_alike(one, other);
    let interface = alike(one.interface.as_ref(), other.interface.as_ref());
    let all = [pid, local, peer, interface];
    // What is wrong on the way to one host says nothing of the way to another.
    let ways = one.kind == "destination" && other.kind == "destination";
    if ways && peer == Some(false) {
        return false;
    }
    // Two sockets of one process are one trouble; two processes never are.
    pid == Some(true) || (!all.contains(&Some(false)) && all.contains(&Some(true)))
}

/// Says whether one is every address of a port, of which the other is one.
fn holds(any: &Subject, one: &Subject) -> bool {
    let end = |subject: &Subject| subject.local.as_deref()?.parse::<SocketAddr>().ok();
    let ends = end(any).zip(end(one));
    let is_any = |(any, one): (SocketAddr, SocketAddr)| {
        any.ip().is_unspecified() && any.port() == one.port()
    };
    any.kind == "listener" && one.kind == "listener" && ends.is_some_and(is_any)
}

/// Says whether one is the listener that the other, a client of this host, wants to reach.
fn meet(case: &Case<'_>, listener: &Subject, client: &Subject) -> bool {
    let peer = end_at(listener, client);
    peer.is_some_and(|peer| sockets::is_local(case.span.after, peer.ip()))
}

/// Says whether one can be a reason for the other at all: a few damaged frames do not keep anybody from being asked for.
fn is_reason(case: &Case<'_>, other: &Finding, finding: &Finding) -> bool {
    (other.kind, finding.kind) != (interfaces::ERRORS, neighbour::UNRESOLVED)
        || link_of(case, &other.subject).is_some_and(|link| interfaces::carries_nothing(case, link))
}

/// Gives the interface that a subject names.
fn link_of<'s>(case: &Case<'s>, subject: &Subject) -> Option<&'s Link> {
    let mut links = case.span.after.links.iter();
    links.find(|link| {
        let name = String::from_utf8_lossy(&link.base.name);
        subject.interface.as_deref() == Some(&*name)
    })
}

/// Says whether one is the interface by which packets go to the other, or should: to an address of the network of one
/// that is switched off there is no way by it any more; or on which the other rests.
fn leads_to(case: &Case<'_>, interface: &Subject, finding: &Finding) -> bool {
    let other = &finding.subject;
    if interface.kind != "interface" {
        return false;
    }
    let Some(link) = link_of(case, interface) else {
        return false;
    };
    let upper = other.interface.as_deref();
    if upper.is_some_and(|upper| {
        interfaces::carries(case, link, |link| link.base.name == upper.as_bytes())
    }) {
        return true;
    }
    let Some(peer) = other.peer.as_deref() else {
        return false;
    };
    let Ok(peer) = host_of(peer).parse::<IpAddr>() else {
        return false;
    };
    if finding.kind == no_route::ID {
        return interfaces::took_route_to(case, link, peer);
    }
    let mut destinations = case.span.after.destinations.iter();
    let by_route = destinations.any(|to| {
        let by = to.route.as_ref().ok().and_then(|route| route.interface);
        let rests = |by| interfaces::carries(case, link, |upper| upper.base.index == by);
        to.ip == peer && by.is_some_and(|by| by == link.base.index || rests(by))
    });
    by_route || interfaces::belongs_to_dead(case, link, peer)
}

/// Says whether a listener or a router of another network namespace explains what a client has found.
pub(super) fn explains_from_afar(there: &Found, client: &Finding) -> bool {
    let is_stopped = |other: &Finding| {
        refuses(other, client) || is_told_by_sender(other, client) || does_not_read(other, client)
    };
    there.findings.iter().any(is_stopped)
        || there.findings.iter().any(|listener| {
            let peer = end_at(&listener.subject, &client.subject);
            EXPLAINS.contains(&(listener.kind, client.kind))
                && peer.is_some_and(|peer| there.addresses.contains(&peer.ip()))
        })
}

/// Says whether a finding is of a router that refuses what clients in another namespace try.
pub(super) fn stops(router: &Finding, there: &Found) -> bool {
    there.findings.iter().any(|client| refuses(router, client))
}

/// Says whether a host that a router does not hand packets on to is the one that gives a client no answer, or the router
/// gives up what the client says is given up.
fn refuses(router: &Finding, client: &Finding) -> bool {
    let subject = &router.subject;
    // What is kept from a process of its own has that for its subject.
    let hands_on =
        subject.kind == "destination" && subject.pid.is_none() && subject.local.is_none();
    STOPS.contains(&(router.kind, client.kind))
        && hands_on
        && peers_alike(subject, &client.subject) == Some(true)
}

/// Says whether a router tells of packets that their sender, in another namespace, tells of himself.
fn is_told_by_sender(sender: &Finding, router: &Finding) -> bool {
    sender.kind == routers::ID
        && router.kind == routers::ID
        && sender.severity > router.severity
        && peers_alike(&sender.subject, &router.subject) == Some(true)
}

/// Says whether a finding is of the reader, in another namespace, that a writer waits for.
fn does_not_read(reader: &Finding, writer: &Finding) -> bool {
    let (there, here) = (&reader.subject, &writer.subject);
    reader.kind == slow_reader::LOCAL
        && writer.kind == slow_reader::PEER
        && reader.severity >= writer.severity
        && alike(there.local.as_ref(), here.peer.as_ref()) == Some(true)
        && alike(there.peer.as_ref(), here.local.as_ref()) == Some(true)
}

/// Gives the end that a client wants to reach, if a listener serves it, provided that it is where the listener is.
fn end_at(listener: &Subject, client: &Subject) -> Option<SocketAddr> {
    let end = |text: &Option<String>| text.as_deref()?.parse::<SocketAddr>().ok();
    let (bound, peer) = (end(&listener.local)?, end(&client.peer)?);
    let reaches = bound.ip().is_unspecified() || bound.ip() == peer.ip();
    let serves = listener.kind == "listener" || listener.protocol == Some("udp");
    (serves && bound.port() == peer.port() && reaches).then_some(peer)
}

/// Compares what both name.
fn alike<T: PartialEq>(one: Option<&T>, other: Option<&T>) -> Option<bool> {
    Some(one? == other?)
}

#[cfg(test)]
mod tests;
