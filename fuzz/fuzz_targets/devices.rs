//! Whole files /proc/net/dev and /proc/net/if_inet6, and rows of interfaces from rtnetlink: nothing comes
//! from nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plumb_wire::netlink::rt_link::{decode_link, decode_link_address};
use plumb_wire::proc::dev::decode_dev;
use plumb_wire::proc::if_inet6::decode_if_inet6;

fuzz_target!(|bytes: &[u8]| {
    assert!(decode_dev(bytes).len() <= bytes.len());
    if let Some(statistics) = decode_link(bytes).and_then(|link| link.statistics.ok()) {
        assert!(statistics.values.len() <= bytes.len() / 8);
    }
    let _ = decode_link_address(bytes);
    assert!(decode_if_inet6(bytes).len() <= bytes.len());
});
