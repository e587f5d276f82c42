//! `half-open-peer`: the peer is gone without a word, and we still send to it.
//!
//! Retransmission timeouts back off one after the other (`tcpi_backoff`, `tcpi_retransmits`) and not one acknowledgement comes
//! (`tcpi_last_ack_recv`), nor anything else from that host. Where packets are lost at random, earlier ones
//! were, too, and so many in a row are no surprise.
//! A host that answers on other connections is there; one that it, or a NAT on the way, has forgotten is told after a longer
//! silence, unless it is the size of its segments that keeps them from arriving.
//! Probes of a closed window, and those of SO_KEEPALIVE on a connection that has nothing to send, go without an
//! answer, too (`tcpi_probes`, which an acknowledgement sets back).

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use plumb_model::finding::{Confidence, Finding, Severity, Subject};
use plumb_model::id::Pid;

use super::flow::{Flow, lasting};
use super::rows::{self, Ended};
use super::{Case, chance, evidence, sockets, subject, turned_away};

/// The id of the finding.
pub const ID: &str = "half-open-peer";
/// So many timeouts in a row without an answer.
const TIMEOUTS: u8 = 3;
/// So many probes of a closed window: a peer that is there answers each, and those behind come ever more seldom.
const INTO_WINDOW: u8 = 2;
/// So many, and the last word so old, of a connection whose host still answers on others.
const LONG_ROW: u8 = 4;
const FORGOTTEN_MS: u32 = 5_000;
/// The last word of the peer is at least so old.
const SILENT_MS: u32 = 2_000;

/// Looks for connections whose peer says nothing any more.
pub fn check(case: &Case<'_>) -> Vec<Finding> {
    // Whoever says why nothing arrives is not without a word.
    let told = turned_away::no_way(case);
    let is_told = |peer: SocketAddr| told.contains_key(&peer.ip().to_canonical());
    let owners = &case.span.after.snapshot.owners;
    // A host that is gone is gone on all its ports; each process has its own trouble with it.
    let mut silent: BTreeMap<(IpAddr, Option<Pid>), Vec<Flow<'_>>> = BTreeMap::new();
    let ended = chance::ended_rows(case);
    for flow in lasting(case) {
        if is_silent(&flow, &ended)
            && (!flow.peer_talks(case) || is_forgotten(&flow))
            && let Some(peer) = flow.after.peer.inet()
            && !is_told(peer)
        {
            let holder = owners.processes_of(flow.place).first().map(|one| one.pid);
            let key = (peer.ip().to_canonical(), holder);
            silent.entry(key).or_default().push(flow);
        }
    }
    silent
        .into_values()
        .filter_map(|flows| finding(case, &flows))
        .collect()
}

/// Says whether a peer says nothing any more, by timeouts or probes in a row.
pub(super) fn is_silent(flow: &Flow<'_>, ended: &Ended) -> bool {
    let row = rows::in_a_row(flow.is);
    let resends = flow.is.unacked > 0
        && row >= TIMEOUTS
        && !flow.heard_in_row()
        && !flow.is_lost_by_chance(ended);
    let enough = if flow.probes() { INTO_WINDOW } else { TIMEOUTS };
    // What our own host does not let out nobody can answer.
    let asks = flow.is.probes >= enough && !flow.cannot_send() && !flow.asks_by_chance(ended);
    (resends || asks) && flow.is.last_ack_recv_ms >= SILENT_MS
}

/// Says whether an interface has an address, or it loops back.
fn has_address(case: &Case<'_>, ip: IpAddr) -> bool {
    let mut addresses = case.span.after.addresses.iter();
    ip.is_loopback() || addresses.any(|own| own.ip == ip)
}

/// Says whether it is this connection alone that nobody knows any more: for long nothing at all comes on it, and what is
/// sent is not too large to arrive.
fn is_forgotten(flow: &Flow<'_>) -> bool {
    let waiting = flow.after.send_q.ok().unwrap_or(0);
    let under_way = waiting.saturating_sub(flow.is.notsent_bytes.into());
    let fits = under_way < u64::from(flow.is.snd_mss) || flow.got_large();
    fits && rows::in_a_row(flow.is) >= LONG_ROW && flow.is.last_ack_recv_ms >= FORGOTTEN_MS
}

/// Gives the connection that stands for all: one that was asked about.
fn first<'f, 's>(case: &Case<'_>, silent: &'f [Flow<'s>]) -> Option<(&'f Flow<'s>, Subject)> {
    let snapshot = &case.span.after.snapshot;
    let all = silent.iter().map(|flow| {
        let owner = subject::of_socket(snapshot, flow.place, "destination");
        (flow, owner)
    });
    let mut asked = all.clone();
    asked
        .find(|(_, owner)| case.focus.concerns(owner))
        .or_else(|| all.clone().next())
}

fn finding(case: &Case<'_>, silent: &[Flow<'_>]) -> Option<Finding> {
    let (flow, owner) = first(case, silent)?;
    let end_of = |flow: &Flow<'_>| flow.after.peer.inet().map(sockets::plain);
    let end = end_of(flow)?;
    let info = flow.is;
    let count = silent.len();
    let is_one_port = silent.iter().all(|flow| end_of(flow) == Some(end));
    let peer = if is_one_port {
        end.to_string()
    } else {
        end.ip().to_string()
    };
    // What is sent to an address that is not ours any more does not come to us.
    let own = flow.after.local.inet().map(|own| own.ip().to_canonical());
    let gone = own.filter(|own| !case.span.after.addresses.is_empty() && !has_address(case, *own));
    let what = match gone {
        Some(own) => {
            format!("no interface has our address {own} any more, so nothing of {peer} comes")
        }
        None if flow.peer_talks(case) => {
            format!("{peer} does not answer on a connection any more, as it does on others")
        }
        None => format!("{peer} does not answer any more"),
    };
    let mut hints = vec![
        format!("is the host there at all: plumb path {end}"),
        "give up sooner: TCP_USER_TIMEOUT on the socket; notice idle ones: SO_KEEPALIVE".to_owned(),
    ];
    if flow.peer_talks(case) {
        hints.insert(
            0,
            "a NAT or a firewall on the way may have forgotten it: SO_KEEPALIVE more often than that does".to_owned(),
        );
    }
    if let Some(own) = gone {
        hints.insert(
            0,
            format!("give it back, or connect again: ip addr add {own}/… dev …"),
        );
    }
    Some(Finding {
        kind: ID,
        severity: Severity::Warning,
        summary: format!(
            "{what}; on {} to it there are only repetitions and probes",
            evidence::connections(count)
        ),
        subject: Subject {
            local: owner.local.clone().filter(|_| count == 1),
            peer: Some(end.to_string()),
            ..owner
        },
        evidence: vec![evidence::fact(
            "sock_diag tcp_info.tcpi_retransmits, tcpi_backoff, tcpi_probes, tcpi_last_ack_recv",
            format!(
                "{} timeouts in a row, {} probes without an answer, nothing from the peer for {:.1} s, {} segments unacknowledged",
                rows::in_a_row(info),
                info.probes,
                f64::from(info.last_ack_recv_ms) / 1000.0,
                info.unacked
            ),
        )],
        hints,
        // A way back that loses nearly everything looks the same.
        confidence: if gone.is_some() {
            Confidence::Certain
        } else {
            Confidence::Likely
        },
    })
}

#[cfg(test)]
mod tests {
    use plumb_model::Known;
    use plumb_model::diag::tcp_info::TcpInfo;
    use plumb_model::id::Cookie;
    use plumb_model::rtnl::Address;
    use plumb_model::snapshot::End;

    use super::*;
    use crate::made_up;

    /// What is told of a connection without an answer for so long beside one that goes on, with so many bytes under way.
    fn beside_another(last_ack_recv_ms: u32, under_way: u64) -> Vec<String> {
        let silent = TcpInfo {
            snd_mss: 1448,
            unacked: 1,
            backoff: 5,
            retransmits: 5,
            total_retrans: 5,
            data_segs_out: 100,
            delivered: 95,
            bytes_acked: 800,
            last_ack_recv_ms,
            ..TcpInfo::default()
        };
        let sample = |at_us, segs_in| {
            let goes_on = TcpInfo {
                segs_in,
                ..TcpInfo::default()
            };
            let mut sample = made_up::sample(at_us, &silent);
            for socket in &mut sample.snapshot.sockets {
                socket.send_q = Known::Known(under_way);
            }
            let mut other = made_up::connection(&goes_on);
            other.cookie = Known::Known(Cookie(8));
            other.local = End::Inet(([10, 0, 0, 1], 40_001).into());
            sample.snapshot.sockets.push(other);
            sample
        };
        let (before, after) = (sample(1_000_000, 10), sample(3_000_000, 20));
        let case = made_up::between(&before, &after);
        let found = check(&case).into_iter();
        found.map(|found| found.summary).collect()
    }

    #[test]
    fn a_connection_that_was_forgotten_on_the_way_is_told_while_others_go_on() {
        let told = beside_another(9_000, 8);
        assert_eq!(told.len(), 1);
        assert!(told[0].contains("as it does on others"), "{told:?}");
        // Not long enough, and too large to tell it from a hole for large segments.
        assert_eq!(beside_another(3_000, 8), [""; 0]);
        assert_eq!(beside_another(9_000, 8_000), [""; 0]);
    }

    #[test]
    fn a_peer_is_not_gone_whom_our_own_host_sends_nothing() {
        let told = |snd_wnd| {
            let info = TcpInfo {
                probes: 5,
                snd_wnd,
                snd_mss: 1448,
                notsent_bytes: 60_000,
                sent_bytes: 1_000,
                last_ack_recv_ms: 2_500,
                ..TcpInfo::default()
            };
            let sample = |at_us| {
                let mut sample = made_up::sample(at_us, &info);
                for socket in &mut sample.snapshot.sockets {
                    socket.send_q = Known::Known(60_000);
                    // The timer of zero-window probes.
                    socket.timer.code = 4;
                }
                sample
            };
            let (before, after) = (sample(1_000_000), sample(3_000_000));
            check(&made_up::between(&before, &after)).len()
        };
        assert_eq!(told(0), 1);
        // He has room; the interface drops what is too long for its other end.
        assert_eq!(told(64_000), 0);
    }

    #[test]
    fn a_host_that_is_gone_is_one_trouble_whatever_ports_were_used() {
        let info = TcpInfo {
            unacked: 1,
            backoff: 4,
            retransmits: 4,
            total_retrans: 4,
            data_segs_out: 100,
            last_ack_recv_ms: 5_000,
            ..TcpInfo::default()
        };
        let sample = |at_us| {
            let mut sample = made_up::sample(at_us, &info);
            for place in 0..3 {
                let mut other = made_up::connection(&info);
                other.cookie = Known::Known(Cookie(8 + u64::from(place)));
                other.peer = End::Inet(([10, 0, 0, 2], 81 + place).into());
                sample.snapshot.sockets.push(other);
            }
            sample
        };
        let (before, after) = (sample(1_000_000), sample(3_000_000));
        let found = check(&made_up::between(&before, &after));
        assert_eq!(found.len(), 1);
        let said = "10.0.0.2 does not answer any more; on 4 connections to it";
        assert!(found[0].summary.starts_with(said), "{}", found[0].summary);
        assert_eq!(found[0].subject.peer.as_deref(), Some("10.0.0.2:80"));
    }

    #[test]
    fn an_address_that_was_taken_from_us_is_said() {
        let info = TcpInfo {
            unacked: 1,
            backoff: 4,
            retransmits: 4,
            total_retrans: 4,
            data_segs_out: 100,
            last_ack_recv_ms: 5_000,
            ..TcpInfo::default()
        };
        let told = |own: [u8; 4]| {
            let sample = |at_us| {
                let mut sample = made_up::sample(at_us, &info);
                sample.addresses = vec![Address {
                    interface: 2,
                    ip: own.into(),
                    prefix_len: 24,
                    scope: 0,
                    flags: 0,
                }];
                sample
            };
            let (before, after) = (sample(1_000_000), sample(3_000_000));
            let case = made_up::between(&before, &after);
            let found = check(&case).into_iter();
            found.map(|found| found.summary).collect::<String>()
        };
        let gone = "no interface has our address 10.0.0.1";
        assert!(told([10, 0, 0, 1]).starts_with("10.0.0.2:80 does not answer any more;"));
        assert!(told([10, 0, 0, 9]).contains(gone));
    }
}
