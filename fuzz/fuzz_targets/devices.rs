//! Whole files /proc/net/dev and /proc/net/if_inet6, and what netlink tells of interfaces: nothing
//! comes from nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plumb_wire::netlink::ethtool::{decode_family, decode_speed};
use plumb_wire::netlink::rtnetlink::link_details::decode_link_details;
use plumb_wire::netlink::rtnetlink::qdisc::decode_qdisc;
use plumb_wire::proc::dev::decode_dev;
use plumb_wire::proc::if_inet6::decode_if_inet6;

fuzz_target!(|bytes: &[u8]| {
    assert!(decode_dev(bytes).len() <= bytes.len());
    if let Some(statistics) = decode_link_details(bytes).and_then(|link| link.statistics.ok()) {
        assert!(statistics.values.len() <= bytes.len() / 8);
    }
    let _ = (
        decode_qdisc(bytes),
        decode_speed(bytes),
        decode_family(bytes),
    );
    assert!(decode_if_inet6(bytes).len() <= bytes.len());
});
