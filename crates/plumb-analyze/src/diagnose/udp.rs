//! `udp-receive-overflow`, `udp-no-listener`: datagrams that nobody gets.
//!
//! A datagram for a socket whose buffer is full is dropped and counted at the socket
//! (`SK_MEMINFO_DROPS`) and in `RcvbufErrors`. For a port nobody has, the kernel answers with an ICMP
//! error, which tells the port.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use plumb_model::finding::{Confidence, Finding, Severity, Subject};
use plumb_model::notice::{Direction, What};
use plumb_model::snapshot::Kind;

use super::{Case, evidence, firewall_drop, sockets, subject};

/// The id of the finding: dropped at a full buffer.
pub const OVERFLOW: &str = "udp-receive-overflow";
/// The id of the finding: nobody has the port.
pub const NOBODY: &str = "udp-no-listener";
/// `IPPROTO_UDP`.
const UDP: u8 = 17;
/// ICMP and ICMPv6 codes for "port unreachable".
const PORT_UNREACHABLE: [u8; 2] = [3, 4];
/// So many are no accident.
const SEVERAL: u64 = 3;

/// Looks for UDP sockets that dropped datagrams.
pub fn check_overflow(case: &Case<'_>) -> Vec<Finding> {
    let counters = ["Udp", "Udp6"];
    let grown = counters.map(|group| {
        let name = if group == "Udp" {
            "RcvbufErrors"
        } else {
            "Udp6RcvbufErrors"
        };
        evidence::grown(case.span, group, name)
    });
    let mut findings = Vec::new();
    for (place, socket) in case.span.after.snapshot.sockets.iter().enumerate() {
        let dropped = sockets::dropped_since(case.span.before, socket);
        if socket.kind != Kind::Udp || dropped == 0 {
            continue;
        }
        let subject = subject::of_socket(&case.span.after.snapshot, place, "socket");
        let who = subject
            .process
            .clone()
            .unwrap_or_else(|| "the process".to_owned());
        let local = subject.local.clone().unwrap_or_default();
        let words = socket.memory.map(|memory| memory.words).unwrap_or_default();
        let mut facts = vec![
            evidence::fact(
                "sock_diag SK_MEMINFO_DROPS",
                format!(
                    "{dropped} datagrams dropped in {:.1} s",
                    case.span.seconds()
                ),
            ),
            evidence::fact(
                "sock_diag SK_MEMINFO_RMEM_ALLOC, SK_MEMINFO_RCVBUF",
                format!(
                    "{} of {} bytes of the receive buffer are taken",
                    words[0], words[1]
                ),
            ),
        ];
        facts.extend(grown.iter().flatten().cloned());
        findings.push(Finding {
            kind: OVERFLOW,
            severity: Severity::Critical,
            summary: format!(
                "{who} loses datagrams for {local}: it does not read them fast enough"
            ),
            subject,
            evidence: facts,
            hints: vec![
                "read in a thread of its own, several datagrams at once (recvmmsg)".to_owned(),
                "for bursts: a larger SO_RCVBUF, up to net.core.rmem_max".to_owned(),
            ],
            confidence: Confidence::Certain,
        });
    }
    findings
}

/// Looks for datagrams to ports that nobody has.
pub fn check_nobody(case: &Case<'_>) -> Vec<Finding> {
    let refused =
        |what| matches!(what, What::Unreachable { code, .. } if PORT_UNREACHABLE.contains(&code));
    let mut ports: BTreeMap<SocketAddr, BTreeMap<IpAddr, u64>> = BTreeMap::new();
    for notice in case
        .notices
        .of(Direction::Sent, refused)
        .filter(|notice| notice.protocol == UDP)
    {
        let peers = ports.entry(sockets::plain(notice.local)).or_default();
        *peers.entry(notice.peer.ip().to_canonical()).or_default() += notice.count;
    }
    ports
        .into_iter()
        .filter(|(_, peers)| {
            let count = peers.values().sum::<u64>();
            // What the firewall rejects, no transport counts.
            let firewall = ["Udp", "Udp6"].iter().all(|group| {
                let counter = if *group == "Udp" {
                    "NoPorts"
                } else {
                    "Udp6NoPorts"
                };
                firewall_drop::refuses_itself(case, count, group, counter)
            });
            count >= SEVERAL && !firewall
        })
        .map(|(end, peers)| nobody(case, end, &peers))
        .collect()
}

fn nobody(case: &Case<'_>, end: SocketAddr, peers: &BTreeMap<IpAddr, u64>) -> Finding {
    let count: u64 = peers.values().sum();
    let who = sockets::most(peers).map_or_else(String::new, |(peer, _)| peer.to_string());
    let mut facts = vec![evidence::fact(
        "packets sent: ICMP port unreachable",
        format!(
            "{count} datagrams to {end} were refused in {:.1} s",
            case.span.seconds()
        ),
    )];
    facts.extend(evidence::grown(case.span, "Udp", "NoPorts"));
    Finding {
        kind: NOBODY,
        severity: Severity::Warning,
        summary: format!("{who} sends datagrams to {end}, which nobody has"),
        subject: Subject {
            kind: "socket",
            local: Some(end.to_string()),
            peer: Some(who).filter(|_| peers.len() == 1),
            protocol: Some("udp"),
            ..Subject::default()
        },
        evidence: facts,
        hints: vec!["start the program that should receive them, or stop the sender".to_owned()],
        confidence: Confidence::Certain,
    }
}
