//! Interfaces and their addresses as rtnetlink lists them (`RTM_GETLINK`, `RTM_GETADDR`).
//!
//! Minimum kernel version: 2.6.35 (`IFLA_STATS64`); a kernel that leaves an attribute out leaves it unknown.

use std::net::IpAddr;

use plumb_model::link::{Link, LinkAddress, LinkStatistics};
use plumb_model::{Known, Reason};

use super::frame::{attributes, u16_at, u32_at};
use super::request::Request;

/// The type of a row of interfaces.
pub const RTM_NEWLINK: u16 = 16;
/// The type of a row of addresses.
pub const RTM_NEWADDR: u16 = 20;
const RTM_GETLINK: u16 = 18;
const RTM_GETADDR: u16 = 22;

/// Bytes of `struct ifinfomsg`.
const IFINFOMSG_BYTES: usize = 16;
/// Bytes of `struct ifaddrmsg`.
const IFADDRMSG_BYTES: usize = 8;

const IFLA_ADDRESS: u16 = 1;
const IFLA_IFNAME: u16 = 3;
const IFLA_MTU: u16 = 4;
const IFLA_QDISC: u16 = 6;
const IFLA_MASTER: u16 = 10;
const IFLA_TXQLEN: u16 = 13;
const IFLA_OPERSTATE: u16 = 16;
const IFLA_LINKINFO: u16 = 18;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_STATS64: u16 = 23;
const IFLA_CARRIER_CHANGES: u16 = 35;

const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;

/// Encodes the request for all interfaces.
pub fn encode_links_dump() -> Vec<u8> {
    Request::dump(RTM_GETLINK, &[0; IFINFOMSG_BYTES]).finish()
}

/// Encodes the request for all addresses of all interfaces, IPv4 and IPv6.
pub fn encode_addresses_dump() -> Vec<u8> {
    Request::dump(RTM_GETADDR, &[0; IFADDRMSG_BYTES]).finish()
}

/// Decodes a row of interfaces; `None` for what is too short to be one.
pub fn decode_link(payload: &[u8]) -> Option<Link> {
    let mut link = Link {
        index: u32_at(payload, 4)?,
        name: Vec::new(),
        hardware: u16_at(payload, 2)?,
        flags: u32_at(payload, 8)?,
        operational: UNTOLD,
        mtu: Known::Unknown(Reason::NotInSource),
        tx_queue_len: Known::Unknown(Reason::NotInSource),
        address: None,
        kind: None,
        master: None,
        carrier_changes: Known::Unknown(Reason::NotInSource),
        qdisc: None,
        statistics: Known::Unknown(Reason::NotInSource),
    };
    for (kind, value) in attributes(payload.get(IFINFOMSG_BYTES..)?) {
        match kind {
            IFLA_ADDRESS => link.address = Some(value.to_vec()),
            IFLA_IFNAME => link.name = text(value).to_vec(),
            IFLA_MTU => set(&mut link.mtu, u32_at(value, 0)),
            IFLA_QDISC => link.qdisc = Some(text(value).to_vec()),
            IFLA_MASTER => link.master = u32_at(value, 0),
            IFLA_TXQLEN => set(&mut link.tx_queue_len, u32_at(value, 0)),
            IFLA_OPERSTATE => set(&mut link.operational, value.first().copied()),
            IFLA_LINKINFO => {
                link.kind = attributes(value)
                    .find(|(kind, _)| *kind == IFLA_INFO_KIND)
                    .map(|(_, kind)| text(kind).to_vec());
            }
            IFLA_STATS64 => link.statistics = Known::Known(statistics(value)),
            IFLA_CARRIER_CHANGES => set(&mut link.carrier_changes, u32_at(value, 0)),
            _ => {}
        }
    }
    Some(link)
}

const UNTOLD: Known<u8> = Known::Unknown(Reason::NotInSource);

/// Decodes a row of addresses; `None` for families other than IPv4 and IPv6.
pub fn decode_link_address(payload: &[u8]) -> Option<LinkAddress> {
    let prefix = *payload.get(1)?;
    let index = u32_at(payload, 4)?;
    let mut found = None;
    for (kind, value) in attributes(payload.get(IFADDRMSG_BYTES..)?) {
        // With a peer, IFA_ADDRESS is the peer's and IFA_LOCAL ours; without IFA_LOCAL there is no peer.
        if kind == IFA_LOCAL || (kind == IFA_ADDRESS && found.is_none()) {
            found = address(value);
        }
    }
    Some(LinkAddress {
        index,
        address: found?,
        prefix,
    })
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => Some(IpAddr::from(*bytes.first_chunk::<4>()?)),
        16 => Some(IpAddr::from(*bytes.first_chunk::<16>()?)),
        _ => None,
    }
}

fn statistics(bytes: &[u8]) -> LinkStatistics {
    let words = bytes.chunks_exact(8).map_while(<[u8]>::first_chunk);
    LinkStatistics {
        values: words.map(|word| u64::from_ne_bytes(*word)).collect(),
    }
}

fn set<T>(slot: &mut Known<T>, value: Option<T>) {
    if let Some(value) = value {
        *slot = Known::Known(value);
    }
}

/// Gives a string attribute without its NUL.
pub(super) fn text(value: &[u8]) -> &[u8] {
    value.split(|&b| b == 0).next().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What [`Request`] writes behind its header: struct and attributes.
    fn payload(request: Request) -> Vec<u8> {
        request
            .finish()
            .split_off(super::super::frame::HEADER_BYTES)
    }

    #[test]
    fn an_interface_has_what_was_told_and_nothing_else() {
        let mut head = [0; IFINFOMSG_BYTES];
        head[2..4].copy_from_slice(&1_u16.to_ne_bytes());
        head[4..8].copy_from_slice(&7_u32.to_ne_bytes());
        head[8..12].copy_from_slice(&0x1_0043_u32.to_ne_bytes());
        let numbers: Vec<u8> = (1..=27_u64).flat_map(u64::to_ne_bytes).collect();
        let bytes = payload(
            Request::single(RTM_NEWLINK, &head)
                .attribute(IFLA_IFNAME, b"veth0\0")
                .attribute(IFLA_MTU, &1500_u32.to_ne_bytes())
                .attribute(IFLA_OPERSTATE, &[6])
                .attribute(IFLA_STATS64, &numbers)
                .nested(IFLA_LINKINFO, |info| {
                    info.attribute(IFLA_INFO_KIND, b"veth\0")
                }),
        );
        let link = decode_link(&bytes).expect("it is whole");
        assert_eq!((link.index, &link.name[..]), (7, &b"veth0"[..]));
        assert!(link.has(Link::UP | Link::LOWER_UP) && !link.has(Link::LOOPBACK));
        assert_eq!(link.kind.as_deref(), Some(&b"veth"[..]));
        assert_eq!(link.mtu, Known::Known(1500));
        assert_eq!(link.tx_queue_len, Known::Unknown(Reason::NotInSource));
        let statistics = link.statistics.ok().expect("they were told");
        assert_eq!(statistics.get("rx_otherhost_dropped"), Known::Known(25));
        let last = statistics.named().last();
        assert_eq!(last, Some(("field_26".to_owned(), 27)));
        assert_eq!(decode_link(&bytes[..11]), None);
    }

    #[test]
    fn of_two_addresses_the_local_one_is_ours() {
        let head = [2, 24, 0, 0, 3, 0, 0, 0];
        let peer = Request::single(RTM_NEWADDR, &head)
            .attribute(IFA_ADDRESS, &[10, 0, 0, 2])
            .attribute(IFA_LOCAL, &[10, 0, 0, 1]);
        let found = decode_link_address(&payload(peer)).expect("it is whole");
        assert_eq!(found.address, IpAddr::from([10, 0, 0, 1]));
        assert_eq!(found.prefix, 24);
        let odd = Request::single(RTM_NEWADDR, &head).attribute(IFA_ADDRESS, &[1, 2]);
        assert_eq!(decode_link_address(&payload(odd)), None);
    }
}
