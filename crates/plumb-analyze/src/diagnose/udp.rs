//! `udp-receive-overflow`, `udp-no-listener`: datagrams that nobody gets.
//!
//! A datagram for a socket whose buffer is full is dropped and counted at the socket
//! (`SK_MEMINFO_DROPS`) and in `RcvbufErrors`. For a port nobody has, the kernel answers with an ICMP
//! error, which tells the port.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use plumb_model::finding::{Confidence, Evidence, Finding, Severity, Subject};
use plumb_model::notice::Direction;
use plumb_model::snapshot::{Kind, Socket};

use super::tries::Tries;
use super::{Case, evidence, firewall_drop, sockets, subject, turned_away};

/// The id of the finding: dropped at a full buffer.
pub const OVERFLOW: &str = "udp-receive-overflow";
/// The id of the finding: nobody has the port.
pub const NOBODY: &str = "udp-no-listener";
/// `IPPROTO_UDP`.
const UDP: u8 = 17;
/// One dropped of more than so many that came is rare.
const RARE: u64 = 100;
/// So many may be dropped between the reading of the sockets and that of the counters.
const AT_ONCE: u64 = 200;
/// So many datagrams, so many a second, of one host to one port are no check of whether somebody is there.
const SEVERAL: u32 = 3;
const FAST_PER_S: f64 = 2.0;

/// Looks for UDP sockets that dropped datagrams.
pub fn check_overflow(case: &Case<'_>) -> Vec<Finding> {
    let families = ["Udp", "Udp6"];
    let grown = families.map(|group| evidence::grown(case.span, group, "RcvbufErrors"));
    let came: u64 = families
        .iter()
        .filter_map(|group| case.span.grown(group, "InDatagrams").ok())
        .sum();
    if grown.iter().all(Option::is_none) {
        // A socket counts what its own filter refuses, too; that no buffer was full for.
        return Vec::new();
    }
    let full = growth(&grown);
    let mut findings = Vec::new();
    let earlier = sockets::by_cookie(case.span.before);
    for (place, socket) in case.span.after.snapshot.sockets.iter().enumerate() {
        let dropped = sockets::dropped_since(&earlier, socket);
        if socket.kind != Kind::Udp || dropped == 0 || refuses_itself(dropped, full) {
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
            // One in a hundred, of a reader that has caught up again, is the life of UDP.
            severity: if dropped.saturating_mul(RARE) >= came || is_filled(words[0], words[1]) {
                Severity::Critical
            } else {
                Severity::Info
            },
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

/// Gives what both families dropped at full buffers.
fn growth(grown: &[Option<Evidence>]) -> u64 {
    let changes = grown.iter().flatten().filter_map(|fact| fact.change);
    changes.map(|change| change.after - change.before).sum()
}

/// Says whether a socket dropped much more than was dropped at all the full buffers together: that its filter refuses.
/// The two are not read at quite the same moment.
fn refuses_itself(dropped: u64, full: u64) -> bool {
    dropped > full.saturating_mul(2).saturating_add(AT_ONCE)
}

/// Says whether a receive buffer has hardly any room, more than four fifths being taken.
fn is_filled(taken: u32, size: u32) -> bool {
    size > 0 && u64::from(taken) * 5 >= u64::from(size) * 4
}

/// Looks for datagrams to ports that nobody has.
pub fn check_nobody(case: &Case<'_>) -> Vec<Finding> {
    let mut ports: BTreeMap<SocketAddr, Tries> = BTreeMap::new();
    for notice in case
        .notices
        .of(Direction::Sent, |_| true)
        .filter(|notice| notice.protocol == UDP && turned_away::is_port_unreachable(notice))
    {
        let end = sockets::plain(notice.local);
        ports.entry(end).or_default().add(notice);
    }
    let misses = case.span.grown("Udp", "NoPorts").ok().unwrap_or(0)
        + case.span.grown("Udp6", "NoPorts").ok().unwrap_or(0);
    let is_alone = ports.len() == 1;
    ports
        .into_iter()
        .map(|(end, tries)| {
            let fast = is_alone && tries.peers.len() == 1 && is_fast(misses, case.span.seconds());
            (end, tries, fast)
        })
        .filter(|(_, tries, fast)| {
            // What the firewall rejects, no transport counts.
            let mut families = ["Udp", "Udp6"].iter();
            let firewall = families
                .all(|group| firewall_drop::refuses_itself(case, tries.count, group, "NoPorts"));
            (tries.are_kept_up() || *fast) && !firewall
        })
        .map(|(end, tries, fast)| {
            let mut found = nobody(case, end, &tries);
            if fast {
                found.severity = Severity::Warning;
            }
            found
        })
        .collect()
}

/// Says whether so many datagrams for ports that nobody has are of somebody in a hurry. The kernel answers a host at most
/// once a second (`icmp_ratelimit`), and counts them all.
fn is_fast(misses: u64, seconds: f64) -> bool {
    let misses = u32::try_from(misses).unwrap_or(u32::MAX);
    misses >= SEVERAL && f64::from(misses) >= FAST_PER_S * seconds
}

/// Gives who has the port at another address, and that address.
fn elsewhere(case: &Case<'_>, end: SocketAddr) -> Option<(String, SocketAddr)> {
    let snapshot = &case.span.after.snapshot;
    let has_port = |socket: &Socket| {
        let is_connected = socket.peer.port().is_some_and(|port| port != 0);
        socket.kind == Kind::Udp && !is_connected && socket.local.port() == Some(end.port())
    };
    let place = snapshot.sockets.iter().position(has_port)?;
    let bound = snapshot.sockets.get(place)?.local.inet()?;
    let who = subject::of_socket(snapshot, place, "socket").process;
    Some((who.unwrap_or_else(|| "a program".to_owned()), bound))
}

fn nobody(case: &Case<'_>, end: SocketAddr, tries: &Tries) -> Finding {
    let (count, who) = (tries.count, tries.who());
    let mut facts = vec![evidence::fact(
        "packets sent: ICMP port unreachable",
        format!(
            "{count} datagrams to {end} were refused in {:.1} s",
            case.span.seconds()
        ),
    )];
    facts.extend(evidence::grown(case.span, "Udp", "NoPorts"));
    facts.extend(evidence::grown(case.span, "Udp6", "NoPorts"));
    let mut hints =
        vec!["start the program that should receive them, or stop the sender".to_owned()];
    if let Some((who, bound)) = elsewhere(case, end) {
        facts.push(evidence::fact(
            "sock_diag",
            format!("{who} has port {} at {bound} alone", end.port()),
        ));
        hints = vec![format!(
            "let {who} receive at {} or at every address",
            end.ip()
        )];
    }
    Finding {
        kind: NOBODY,
        severity: tries.severity(),
        summary: format!("{who} sends datagrams to {end}, which nobody has"),
        subject: Subject {
            kind: "socket",
            local: Some(end.to_string()),
            peer: tries.only_peer(),
            protocol: Some("udp"),
            ..Subject::default()
        },
        evidence: facts,
        hints,
        confidence: Confidence::Certain,
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use plumb_model::diag::tcp_info::TcpInfo;
    use plumb_model::notice::{Notice, Notices, What};
    use plumb_model::sample::Sample;
    use plumb_model::snapshot::End;

    use super::*;
    use crate::made_up;

    #[test]
    fn who_has_the_port_at_another_address_is_told() {
        let told = |peer: End| {
            let mut sample = made_up::sample(0, &TcpInfo::default());
            for socket in &mut sample.snapshot.sockets {
                socket.kind = Kind::Udp;
                socket.local = End::Inet(([127, 0, 0, 1], 9999).into());
                socket.peer = peer.clone();
            }
            let case = made_up::between(&sample, &sample);
            let found = nobody(&case, ([10, 0, 0, 1], 9999).into(), &Tries::default());
            let facts = found.evidence.iter();
            facts.filter(|fact| fact.source == "sock_diag").count()
        };
        assert_eq!(told(End::None), 1);
        // A connected one hears its peer alone.
        assert_eq!(told(End::Inet(([127, 0, 0, 1], 53).into())), 0);
    }

    #[test]
    fn a_sender_in_a_hurry_is_told_by_what_the_kernel_counted_where_it_answers_once_a_second() {
        assert!(is_fast(66, 2.0) && is_fast(5, 2.0));
        assert!(!is_fast(2, 2.0) && !is_fast(4, 4.0) && !is_fast(2, 0.5));
    }

    #[test]
    fn who_drops_more_than_all_full_buffers_together_refuses_himself() {
        // 4000 refused by a filter while another socket lost 12 at its buffer.
        assert!(refuses_itself(4000, 12));
        // The only one that loses, with both read a moment apart.
        assert!(!refuses_itself(4000, 3900) && !refuses_itself(30, 12));
    }

    #[test]
    fn a_neighbour_that_does_not_answer_ipv6_is_no_closed_port() {
        let told = |code| {
            let notice = |place: u16| Notice {
                what: What::Unreachable {
                    code,
                    by: Ipv6Addr::LOCALHOST.into(),
                },
                direction: Direction::Sent,
                protocol: UDP,
                local: (Ipv6Addr::from([0xfd01, 0, 0, 0, 0, 0, 0, 2]), 6343).into(),
                peer: (
                    Ipv6Addr::from([0xfd01, 0, 0, 0, 0, 0, 0, 1]),
                    40_000 + place,
                )
                    .into(),
                interface: 1,
                count: 10,
                age_us: 1_500_000,
                last_age_us: 10,
            };
            let notices = Notices {
                all: (0..8).map(notice).collect(),
                ..Notices::default()
            };
            let sample = Sample::default();
            check_nobody(&Case {
                notices: &notices,
                ..made_up::between(&sample, &sample)
            })
            .len()
        };
        // Port unreachable, then address unreachable (RFC 4443).
        assert_eq!((told(4), told(3)), (1, 0));
    }
}
