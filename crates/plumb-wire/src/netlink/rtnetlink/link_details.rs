//! `RTM_NEWLINK`, with what `plumb if` and `plumb stats` need of an interface: its counters, its queue,
//! what made it.
//!
//! Minimum kernel version: 2.6.35 (`IFLA_STATS64`); a kernel that leaves an attribute out leaves it unknown.

use plumb_model::link::{Link, LinkStatistics};
use plumb_model::{Known, Reason};

use super::super::frame::{attributes, u32_at};
use super::link::{BODY_BYTES, decode_link};
use super::name;

const IFLA_ADDRESS: u16 = 1;
const IFLA_QDISC: u16 = 6;
const IFLA_TXQLEN: u16 = 13;
const IFLA_LINKINFO: u16 = 18;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_DATA: u16 = 2;
const IFLA_VRF_TABLE: u16 = 1;
const IFLA_VXLAN_LINK: u16 = 3;
const IFLA_STATS64: u16 = 23;
const IFLA_CARRIER_CHANGES: u16 = 35;

/// Decodes the payload of a message.
pub fn decode_link_details(payload: &[u8]) -> Option<Link> {
    let mut link = Link {
        base: decode_link(payload)?,
        tx_queue_len: Known::Unknown(Reason::NotInSource),
        address: None,
        kind: None,
        vrf_table: None,
        carrier_changes: Known::Unknown(Reason::NotInSource),
        qdisc: None,
        statistics: Known::Unknown(Reason::NotInSource),
    };
    for (kind, value) in attributes(payload.get(BODY_BYTES..)?) {
        match kind {
            IFLA_ADDRESS => link.address = Some(value.to_vec()),
            IFLA_QDISC => link.qdisc = Some(name(value)),
            IFLA_TXQLEN => set(&mut link.tx_queue_len, u32_at(value, 0)),
            IFLA_LINKINFO => {
                let part = |wanted| attributes(value).find(|(kind, _)| *kind == wanted);
                link.kind = part(IFLA_INFO_KIND).map(|(_, kind)| name(kind));
                let data = part(IFLA_INFO_DATA).map_or(&[][..], |(_, data)| data);
                match link.kind.as_deref() {
                    Some(b"vrf") => link.vrf_table = number(data, IFLA_VRF_TABLE),
                    // It has no IFLA_LINK.
                    Some(b"vxlan") => {
                        link.base.lower = link.base.lower.or(number(data, IFLA_VXLAN_LINK));
                    }
                    _ => {}
                }
            }
            IFLA_STATS64 => link.statistics = Known::Known(statistics(value)),
            IFLA_CARRIER_CHANGES => set(&mut link.carrier_changes, u32_at(value, 0)),
            _ => {}
        }
    }
    Some(link)
}

/// Gives a number among what is told of one kind of interface alone; each kind numbers such attributes anew.
fn number(data: &[u8], wanted: u16) -> Option<u32> {
    let (_, number) = attributes(data).find(|(kind, _)| *kind == wanted)?;
    u32_at(number, 0)
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

#[cfg(test)]
mod tests {
    use super::super::super::frame::HEADER_BYTES;
    use super::super::super::request::Request;
    use super::super::link::NEW_LINK;
    use super::*;

    const IFLA_IFNAME: u16 = 3;
    const IFLA_MTU: u16 = 4;

    /// What [`Request`] writes behind its header: struct and attributes.
    fn payload(request: Request) -> Vec<u8> {
        request.finish().split_off(HEADER_BYTES)
    }

    #[test]
    fn an_interface_has_what_was_told_and_nothing_else() {
        let mut head = [0; BODY_BYTES];
        head[2..4].copy_from_slice(&1_u16.to_ne_bytes());
        head[4..8].copy_from_slice(&7_u32.to_ne_bytes());
        head[8..12].copy_from_slice(&0x1_0043_u32.to_ne_bytes());
        let numbers: Vec<u8> = (1..=27_u64).flat_map(u64::to_ne_bytes).collect();
        let bytes = payload(
            Request::single(NEW_LINK, &head)
                .attribute(IFLA_IFNAME, b"veth0\0")
                .attribute(IFLA_MTU, &1500_u32.to_ne_bytes())
                .attribute(IFLA_STATS64, &numbers)
                .nested(IFLA_LINKINFO, |info| {
                    info.attribute(IFLA_INFO_KIND, b"veth\0")
                }),
        );
        let link = decode_link_details(&bytes).expect("it is whole");
        assert_eq!((link.base.index, &link.base.name[..]), (7, &b"veth0"[..]));
        assert_eq!(link.kind.as_deref(), Some(&b"veth"[..]));
        assert_eq!(link.base.mtu, Some(1500));
        assert_eq!(link.tx_queue_len, Known::Unknown(Reason::NotInSource));
        let statistics = link.statistics.ok().expect("they were told");
        assert_eq!(statistics.get("rx_otherhost_dropped"), Known::Known(25));
        let last = statistics.named().last();
        assert_eq!(last, Some(("field_26".to_owned(), 27)));
        assert_eq!(decode_link_details(&bytes[..11]), None);
    }

    #[test]
    fn a_vrf_tells_its_table_and_others_have_none() {
        let table_of = |kind: &[u8]| {
            let link = Request::single(NEW_LINK, &[0; BODY_BYTES]).nested(IFLA_LINKINFO, |info| {
                info.attribute(IFLA_INFO_KIND, kind)
                    .nested(IFLA_INFO_DATA, |data| {
                        data.attribute(IFLA_VRF_TABLE, &1010_u32.to_ne_bytes())
                    })
            });
            decode_link_details(&payload(link))
                .expect("it is whole")
                .vrf_table
        };
        assert_eq!(table_of(b"vrf\0"), Some(1010));
        assert_eq!(table_of(b"bridge\0"), None);
    }

    #[test]
    fn a_vxlan_tells_what_carries_it_and_others_number_that_otherwise() {
        let lower_of = |kind: &[u8]| {
            let link = Request::single(NEW_LINK, &[0; BODY_BYTES]).nested(IFLA_LINKINFO, |info| {
                info.attribute(IFLA_INFO_KIND, kind)
                    .nested(IFLA_INFO_DATA, |data| {
                        data.attribute(IFLA_VXLAN_LINK, &2_u32.to_ne_bytes())
                    })
            });
            let link = decode_link_details(&payload(link)).expect("it is whole");
            link.base.lower
        };
        assert_eq!(lower_of(b"vxlan\0"), Some(2));
        assert_eq!(lower_of(b"bridge\0"), None);
    }
}
