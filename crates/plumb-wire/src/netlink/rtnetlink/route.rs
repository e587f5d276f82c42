//! `RTM_NEWROUTE`: routes, and the question which one a packet would take (`linux/rtnetlink.h`).

use std::net::IpAddr;

use plumb_model::diag::inet::{AF_INET, AF_INET6};
use plumb_model::rtnl::{NextHop, Route, RouteType};

use super::super::frame::{attributes, u16_at, u32_at};
use super::super::request::Request;
use super::{GET_ROUTE, ip, octets, word};

/// Bytes of `struct rtmsg`, and of what begins messages of rules and neighbours.
pub(super) const BODY_BYTES: usize = 12;
/// `RTM_NEWROUTE`.
pub const NEW_ROUTE: u16 = 24;

const RTA_DST: u16 = 1;
const RTA_SRC: u16 = 2;
const RTA_OIF: u16 = 4;
const RTA_GATEWAY: u16 = 5;
const RTA_PRIORITY: u16 = 6;
const RTA_PREFSRC: u16 = 7;
const RTA_METRICS: u16 = 8;
const RTA_MULTIPATH: u16 = 9;
const RTA_CACHEINFO: u16 = 12;
const RTA_TABLE: u16 = 15;
const RTA_MARK: u16 = 16;
const RTA_VIA: u16 = 18;
const RTA_UID: u16 = 25;
const RTA_IP_PROTO: u16 = 27;
const RTA_DPORT: u16 = 29;
const RTAX_MTU: u16 = 2;
const RTAX_HOPLIMIT: u16 = 10;
/// `RTM_F_LOOKUP_TABLE`: the answer names the table that decided.
const LOOKUP_TABLE: u32 = 0x1000;
/// `RTM_F_FIB_MATCH`: the answer is the entry of the table, not the route made of it.
const FIB_MATCH: u32 = 0x2000;
/// Where `rtm_flags` stand, and the one of entries that the kernel made of others.
const FLAGS: usize = 8;
const RTM_F_CLONED: u32 = 0x200;
/// Bytes of `struct rtnexthop`.
const NEXT_HOP_BYTES: usize = 8;

/// The question for the route of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteQuestion {
    /// Where it goes.
    pub destination: IpAddr,
    /// Its source, where a socket chose one.
    pub source: Option<IpAddr>,
    /// The interface a socket is bound to.
    pub interface: Option<u32>,
    /// Its mark.
    pub mark: Option<u32>,
    /// The user whose socket sends it.
    pub uid: Option<u32>,
    /// IP protocol and destination port, which rules may look at.
    pub transport: Option<(u8, u16)>,
    /// Type of service of the packet.
    pub tos: u8,
    /// Asks for the entry of the table instead of the route made of it (since 5.1 for IPv4, 5.4 for IPv6).
    pub entry: bool,
}

impl RouteQuestion {
    /// The question for a destination alone.
    pub fn new(destination: IpAddr) -> Self {
        Self {
            destination,
            source: None,
            interface: None,
            mark: None,
            uid: None,
            transport: None,
            tos: 0,
            entry: false,
        }
    }
}

/// Encodes the question.
pub fn encode_route_question(question: &RouteQuestion) -> Vec<u8> {
    let (family, bits) = if question.destination.is_ipv6() {
        (AF_INET6, 128)
    } else {
        (AF_INET, 32)
    };
    let source_bits = if question.source.is_some() { bits } else { 0 };
    let flags = if question.entry { FIB_MATCH } else { 0 } | LOOKUP_TABLE;
    let [a, b, c, d] = flags.to_ne_bytes();
    let head = [
        family,
        bits,
        source_bits,
        question.tos,
        0,
        0,
        0,
        0,
        a,
        b,
        c,
        d,
    ];
    let mut request =
        Request::single(GET_ROUTE, &head).attribute(RTA_DST, &octets(question.destination));
    if let Some(source) = question.source {
        request = request.attribute(RTA_SRC, &octets(source));
    }
    let words = [
        (RTA_OIF, question.interface),
        (RTA_MARK, question.mark),
        (RTA_UID, question.uid),
    ];
    for (kind, word) in words {
        if let Some(word) = word {
            request = request.attribute(kind, &word.to_ne_bytes());
        }
    }
    if let Some((protocol, port)) = question.transport {
        request = request.attribute(RTA_IP_PROTO, &[protocol]);
        // Not every protocol has ports.
        if port > 0 {
            request = request.attribute(RTA_DPORT, &port.to_be_bytes());
        }
    }
    request.finish()
}

/// Decodes the payload of a message.
pub fn decode_route(payload: &[u8]) -> Option<Route> {
    let &[family, prefix_len, _, _, table, protocol, scope, kind] = payload.first_chunk::<8>()?;
    let mut route = Route {
        family,
        destination: None,
        prefix_len,
        table: table.into(),
        kind: RouteType(kind),
        protocol,
        scope,
        source: None,
        gateway: None,
        interface: None,
        priority: None,
        mtu: None,
        hop_limit: None,
        expires_s: None,
        is_learned: u32_at(payload, FLAGS).is_some_and(|flags| flags & RTM_F_CLONED != 0),
        next_hops: Vec::new(),
    };
    for (kind, value) in attributes(payload.get(BODY_BYTES..)?) {
        match kind {
            RTA_DST => route.destination = ip(value),
            RTA_OIF => route.interface = word(value),
            RTA_GATEWAY => route.gateway = ip(value),
            RTA_VIA => route.gateway = via(value),
            RTA_PRIORITY => route.priority = word(value),
            RTA_PREFSRC => route.source = ip(value),
            RTA_METRICS => metrics(value, &mut route),
            RTA_MULTIPATH => route.next_hops = next_hops(value),
            RTA_CACHEINFO => route.expires_s = u32_at(value, 8).map(ticks_to_seconds),
            RTA_TABLE => route.table = word(value).unwrap_or(route.table),
            _ => {}
        }
    }
    Some(route)
}

/// `rta_expires` comes in ticks of `USER_HZ`, a hundred to the second; negative when it is over.
fn ticks_to_seconds(ticks: u32) -> u32 {
    u32::try_from(ticks.cast_signed()).unwrap_or(0) / 100
}

/// `struct rtvia`: a family and an address.
fn via(value: &[u8]) -> Option<IpAddr> {
    ip(value.get(2..)?)
}

fn metrics(value: &[u8], route: &mut Route) {
    for (kind, value) in attributes(value) {
        match kind {
            RTAX_MTU => route.mtu = word(value),
            RTAX_HOPLIMIT => route.hop_limit = word(value),
            _ => {}
        }
    }
}

fn next_hops(mut bytes: &[u8]) -> Vec<NextHop> {
    let mut hops = Vec::new();
    while let Some(len) = u16_at(bytes, 0).map(usize::from) {
        let (Some(hop), true) = (bytes.get(..len), len >= NEXT_HOP_BYTES) else {
            break;
        };
        let gateway = attributes(hop.get(NEXT_HOP_BYTES..).unwrap_or(&[])).find_map(
            |(kind, value)| match kind {
                RTA_GATEWAY => ip(value),
                RTA_VIA => via(value),
                _ => None,
            },
        );
        hops.push(NextHop {
            interface: u32_at(hop, 4).unwrap_or(0),
            gateway,
            // `rtnh_hops` is the weight less one.
            weight: u16::from(hop.get(3).copied().unwrap_or(0)) + 1,
        });
        bytes = bytes.get(len.next_multiple_of(4)..).unwrap_or(&[]);
    }
    hops
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::frame::{Frame, Frames};

    #[test]
    fn a_question_is_one_message() {
        let mut question = RouteQuestion::new(IpAddr::from([10, 0, 0, 2]));
        question.uid = Some(1000);
        question.transport = Some((6, 443));
        let bytes = encode_route_question(&question);
        let frames: Vec<_> = Frames::new(&bytes).collect();
        let [
            Frame::Data {
                kind: GET_ROUTE,
                payload,
                ..
            },
        ] = frames.as_slice()
        else {
            panic!("{frames:?}");
        };
        let words: Vec<_> = attributes(&payload[BODY_BYTES..]).collect();
        assert_eq!(words[0], (RTA_DST, &[10, 0, 0, 2][..]));
        assert_eq!(words[1], (RTA_UID, &1000_u32.to_ne_bytes()[..]));
        assert_eq!(words[3], (RTA_DPORT, &[1, 187][..]));
    }

    #[test]
    fn next_hops_of_a_multipath_route_are_read_until_one_is_none() {
        let mut payload = vec![2, 0, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0];
        payload.extend([36, 0, 9, 0]);
        for last in [1, 2] {
            payload.extend([16, 0, 0, 4, last, 0, 0, 0, 8, 0, 5, 0, 10, 0, last, 1]);
        }
        let route = decode_route(&payload).expect("a whole message");
        assert_eq!(route.next_hops.len(), 2);
        assert_eq!(route.next_hops[1].interface, 2);
        assert_eq!(route.next_hops[1].weight, 5);
        assert_eq!(
            route.next_hops[0].gateway,
            Some(IpAddr::from([10, 0, 1, 1]))
        );
        assert!(next_hops(&[3, 0, 0, 0]).is_empty());
        assert_eq!(decode_route(&payload[..7]), None);
    }
}
