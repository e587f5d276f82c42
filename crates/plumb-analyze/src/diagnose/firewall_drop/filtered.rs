//! Sockets whose packets a rule threw away, as the kernel itself tells where drops can be heard.
//!
//! Datagrams have no other witness: `send()` returns EPERM, and most programs do not look. Of TCP, attempts are told by
//! what is seen of them on the wire; here are connections that stand still, or lose much, and those that hear nothing.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use plumb_model::finding::Subject;
use plumb_model::notice::Filtered;
use plumb_model::sample::Sample;
use plumb_model::socket::SocketState;

use super::super::flow::{Flow, lasting};
use super::super::turned_away::{TCP, UDP};
use super::super::{Case, evidence, sockets, subject};
use super::Victim;

/// So many datagrams of one socket are no accident.
const SEVERAL: u64 = 2;
/// Nor are so many segments of one connection, if they are one in a hundred or more.
const MUCH: u64 = 3;

pub(super) fn victims(case: &Case<'_>) -> Vec<Victim> {
    let mut by_peer: BTreeMap<(u8, SocketAddr), (u64, SocketAddr)> = BTreeMap::new();
    let unheard = unheard(case);
    let strays = case
        .notices
        .strays
        .iter()
        .filter(|stray| stray.protocol == TCP);
    let told = case.notices.filtered.iter().chain(strays);
    let missed = told.filter(|flow| is_missed(case, flow));
    for flow in missed.chain(&unheard) {
        let key = (flow.protocol, sockets::plain(flow.peer));
        let (count, _) = by_peer
            .entry(key)
            .or_insert((0, sockets::plain(flow.local)));
        *count += flow.count;
    }
    // A connection that stands still repeats itself seldom.
    let enough = |protocol: u8, peer: IpAddr| {
        if protocol == TCP || case.focus.counts_each(peer) {
            1
        } else {
            SEVERAL
        }
    };
    by_peer
        .into_iter()
        .filter(|((protocol, peer), (count, _))| *count >= enough(*protocol, peer.ip()))
        .map(|((protocol, peer), (count, local))| victim(case, protocol, peer, count, local))
        .collect()
}

/// Gives what was thrown away of connections with an end where one of them hears nothing, if it is several packets. Before it is known whom a packet is for, it is nobody's.
fn unheard(case: &Case<'_>) -> Vec<Filtered> {
    let all = case.notices.filtered.iter().chain(&case.notices.strays);
    let mut by_end: BTreeMap<SocketAddr, Vec<Filtered>> = BTreeMap::new();
    for flow in all.filter(|flow| flow.protocol == TCP) {
        by_end
            .entry(sockets::plain(flow.peer))
            .or_default()
            .push(*flow);
    }
    by_end.retain(|_, flows| {
        flows.iter().map(|flow| flow.count).sum::<u64>() >= MUCH
            && flows.iter().any(|flow| is_deaf(case, flow))
    });
    let missed = by_end.into_values().flatten();
    missed.filter(|flow| !is_missed(case, flow)).collect()
}

/// Says whether a packet is of a connection that is open and got no byte in the watch.
fn is_deaf(case: &Case<'_>, flow: &Filtered) -> bool {
    let ends = (sockets::plain(flow.local), sockets::plain(flow.peer));
    let received = |sample| {
        let mut open = sockets::tcp(sample, SocketState::ESTABLISHED);
        open.find_map(|(_, socket)| {
            let (local, peer) = (socket.local.inet()?, socket.peer.inet()?);
            let is_it = (sockets::plain(local), sockets::plain(peer)) == ends;
            let info = socket.tcp.as_ref().filter(|_| is_it)?;
            Some(info.bytes_received)
        })
    };
    let was = received(case.span.before).unwrap_or(0);
    received(case.span.after) == Some(was)
}

/// Says whether somebody misses the packets: those for a single other host, and of TCP those of a connection that
/// stands still.
fn is_missed(case: &Case<'_>, flow: &Filtered) -> bool {
    let sample = case.span.after;
    let peer = flow.peer.ip().to_canonical();
    if flow.peer.port() == 0 || !is_one_host(sample, peer) {
        return false;
    }
    match flow.protocol {
        UDP => true,
        TCP => {
            let ends = (sockets::plain(flow.local), sockets::plain(flow.peer));
            lasting(case).any(|other| {
                let both = (other.after.local.inet(), other.after.peer.inet());
                let (Some(local), Some(peer)) = both else {
                    return false;
                };
                let stands_still = other.unsent() > 0
                    && other.is.bytes_acked == other.was.bytes_acked
                    && other.is.bytes_received == other.was.bytes_received;
                (sockets::plain(local), sockets::plain(peer)) == ends
                    && (stands_still || loses(&other, flow.count))
            })
        }
        _ => false,
    }
}

/// Says whether so many packets are much of what a connection sent and got, or leave gaps before much of it: where
/// segments are put together one packet is many. A rule that throws away what is invalid meets a late segment now and
/// then.
fn loses(flow: &Flow<'_>, count: u64) -> bool {
    let got = u64::from(flow.is.segs_in.wrapping_sub(flow.was.segs_in));
    let sent = u64::from(flow.is.segs_out.wrapping_sub(flow.was.segs_out));
    let behind = u64::from(flow.is.rcv_ooopack.wrapping_sub(flow.was.rcv_ooopack));
    count >= MUCH && (count * 100 >= got + sent || behind * 20 >= got.max(1))
}

/// Says whether an address is one other host's: announcements to all are often thrown away on purpose.
pub(super) fn is_one_host(sample: &Sample, ip: IpAddr) -> bool {
    let broadcast = |own: Ipv4Addr, bits: u8, ip: Ipv4Addr| {
        let host = u32::MAX.checked_shr(bits.into()).unwrap_or(0);
        bits < 31 && u32::from(own) | host == u32::from(ip)
    };
    let to_all = match ip {
        IpAddr::V6(_) => false,
        IpAddr::V4(ip) => {
            ip.is_broadcast()
                || sample.addresses.iter().any(|own| match own.ip {
                    IpAddr::V4(address) => broadcast(address, own.prefix_len, ip),
                    IpAddr::V6(_) => false,
                })
        }
    };
    !to_all && !ip.is_multicast() && !ip.is_unspecified()
}

fn victim(
    case: &Case<'_>,
    protocol: u8,
    peer: SocketAddr,
    count: u64,
    local: SocketAddr,
) -> Victim {
    let snapshot = &case.span.after.snapshot;
    let owner = snapshot.sockets.iter().position(|socket| {
        let own = socket.local.inet().map(sockets::plain);
        own.is_some_and(|own| {
            own == local || own.ip().is_unspecified() && own.port() == local.port()
        })
    });
    let owner = owner.map(|place| subject::of_socket(snapshot, place, "destination"));
    Victim {
        subject: Subject {
            kind: "destination",
            local: None,
            peer: Some(peer.to_string()),
            protocol: Some(if protocol == UDP { "udp" } else { "tcp" }),
            ..owner.unwrap_or_default()
        },
        fact: evidence::fact(
            "skb:kfree_skb NETFILTER_DROP",
            format!(
                "{count} packets between {local} and {peer} were thrown away by a rule in {:.1} s",
                case.span.seconds()
            ),
        ),
        summary: format!("the local firewall throws away packets between this host and {peer}"),
    }
}

#[cfg(test)]
mod tests {
    use plumb_model::diag::tcp_info::TcpInfo;
    use plumb_model::notice::Notices;

    use super::*;
    use crate::diagnose::diagnose;
    use crate::made_up;

    /// Gives what is found where a rule threw so many packets away that came for a connection, which got bytes or did not.
    fn found(count: u64, got: u64) -> Vec<&'static str> {
        let sample = |at_us, bytes_received| {
            let info = TcpInfo {
                bytes_received,
                ..TcpInfo::default()
            };
            made_up::sample(at_us, &info)
        };
        let (before, after) = (sample(1_000_000, 100), sample(3_000_000, 100 + got));
        let notices = Notices {
            strays: vec![Filtered {
                protocol: TCP,
                local: ([10, 0, 0, 1], 40_000).into(),
                peer: ([10, 0, 0, 2], 80).into(),
                count,
            }],
            ..Notices::default()
        };
        let case = Case {
            notices: &notices,
            ..made_up::between(&before, &after)
        };
        diagnose(&case).iter().map(|found| found.kind).collect()
    }

    #[test]
    fn answers_that_are_thrown_away_before_it_is_known_whose_they_are_are_told() {
        assert_eq!(found(3, 0), ["firewall-drop"]);
        // A late one, and a connection that goes on.
        assert_eq!(found(2, 0), [""; 0]);
        assert_eq!(found(2, 9_000), [""; 0]);
    }
}
