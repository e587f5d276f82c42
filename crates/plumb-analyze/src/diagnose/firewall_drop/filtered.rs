//! Sockets whose packets a rule threw away, as the kernel itself tells where drops can be heard.
//!
//! Datagrams have no other witness: `send()` returns EPERM, and most programs do not look. Of TCP, attempts are told by
//! what is seen of them on the wire; here are connections that stand still, or lose much.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use plumb_model::finding::Subject;
use plumb_model::notice::Filtered;
use plumb_model::sample::Sample;

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
    for flow in case
        .notices
        .filtered
        .iter()
        .filter(|flow| is_missed(case, flow))
    {
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

/// Says whether so many packets are much of what a connection sent and got. A rule that throws away what is invalid meets
/// a late segment now and then.
fn loses(flow: &Flow<'_>, count: u64) -> bool {
    let got = flow.is.segs_in.wrapping_sub(flow.was.segs_in);
    let sent = flow.is.segs_out.wrapping_sub(flow.was.segs_out);
    count >= MUCH && count * 100 >= u64::from(got) + u64::from(sent)
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
        is_through: false,
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
        does: format!("throws away packets between this host and {peer}"),
    }
}
