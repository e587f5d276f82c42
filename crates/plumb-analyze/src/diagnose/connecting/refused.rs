//! `connection-refused`: who turns attempts and datagrams down, the destination itself or a firewall on the way.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use plumb_model::finding::{Confidence, Evidence, Finding, Severity, Subject};
use plumb_model::notice::{Direction, What};

use super::super::tries::Tries;
use super::super::{Case, evidence, sockets, turned_away};
use super::{REFUSED, destination, translated};

/// So many refusals are no accident.
const SEVERAL: u64 = 2;

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
    // What our own attempts were told is known without watching the wire.
    if case.notices.is_blind {
        for peer in case.notices.probed.refused.iter().copied() {
            if !sockets::is_local(sample, peer.ip()) {
                refused.entry((turned_away::TCP, peer)).or_default().probes += 1;
            }
        }
    }
    refused
        .into_iter()
        .filter(|((_, peer), refusals)| refusals.tries.count + refusals.probes >= enough(*peer))
        .map(|((protocol, peer), refusals)| refusal(case, protocol, peer, &refusals))
        .chain(translated::check(case))
        .collect()
}

/// How one end refuses.
#[derive(Default)]
struct Refusals {
    tries: Tries,
    resets: u64,
    errors: Option<turned_away::Errors>,
    /// Attempts of our own that nothing was seen of.
    probes: u64,
}

impl Refusals {
    /// Gives who refuses, where it is another than the destination: no router has ports of others.
    fn other(&self, peer: SocketAddr) -> Option<IpAddr> {
        let errors = self.errors.as_ref().filter(|_| self.resets == 0)?;
        let is_its = |by: &IpAddr| *by == peer.ip();
        let other = errors.by.iter().next().copied();
        other.filter(|_| !errors.by.iter().any(is_its))
    }

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
        let probes = (self.probes > 0).then(|| {
            let text = format!(
                "{} of our own failed: ECONNREFUSED",
                evidence::attempts(self.probes)
            );
            evidence::fact("connect() of --probe returned", text)
        });
        resets.into_iter().chain(errors).chain(probes).collect()
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
    let in_its_name = case.notices.probed.impostors.iter();
    let in_its_name = in_its_name.filter(|_| !is_udp).find(|by| by.end == peer);
    facts.extend(in_its_name.map(|by| {
        let text = format!(
            "the refusal comes from {}; other packets go on to {}",
            by.place(),
            by.goes_on_to
        );
        evidence::fact("probes of --probe with rising TTL", text)
    }));
    let who = if is_udp {
        "who sends: plumb ls --udp"
    } else {
        "who tries: plumb connects --failed"
    };
    let Told { summary, hints } = match (in_its_name, refusals.other(peer)) {
        (Some(by), _) => told_of_firewall(&by.place(), peer, "TCP"),
        (None, Some(by)) => told_of_firewall(&by.to_string(), peer, word(is_udp)),
        (None, None) => told_of_host(peer, is_udp),
    };
    Finding {
        kind: REFUSED,
        severity,
        summary,
        subject: Subject {
            protocol: Some(if is_udp { "udp" } else { "tcp" }),
            ..destination(peer)
        },
        evidence: facts,
        hints: hints.into_iter().chain([who.to_owned()]).collect(),
        confidence: Confidence::Certain,
    }
}

/// The words of a finding.
struct Told {
    summary: String,
    hints: Vec<String>,
}

fn word(is_udp: bool) -> &'static str {
    if is_udp { "UDP" } else { "TCP" }
}

fn told_of_host(peer: SocketAddr, is_udp: bool) -> Told {
    let does = if is_udp {
        "has its UDP"
    } else {
        "listens on its"
    };
    let mut hints = vec![
        format!("start the server at {peer}, or let it listen on that address"),
        "if it runs, a firewall on the way refuses in its name".to_owned(),
    ];
    if !is_udp {
        hints.push(format!("which of the two: plumb path {peer}"));
    }
    Told {
        summary: format!(
            "{} is there, but nothing {does} port {}",
            peer.ip(),
            peer.port()
        ),
        hints,
    }
}

/// Who refuses is not the destination: nothing is known of who listens there.
fn told_of_firewall(by: &str, peer: SocketAddr, transport: &str) -> Told {
    let (ip, port) = (peer.ip(), peer.port());
    Told {
        summary: format!(
            "a firewall on the way, {by}, refuses what is sent to {transport} port {port} of {ip}"
        ),
        hints: vec![
            format!("let it through in the rules there: {transport} to {ip} port {port}"),
            format!(
                "how far it gets: plumb path {peer} --{}",
                transport.to_lowercase()
            ),
        ],
    }
}

#[cfg(test)]
mod tests;
