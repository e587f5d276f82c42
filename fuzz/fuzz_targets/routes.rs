//! Whole files /proc/net/route, rt_cache and ipv6_route, whose heads decide where columns are, and what
//! rtnetlink says of the same; and what comes back of a probe.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plumb_wire::error_queue::{behind_ipv4_header, decode_control, decode_echo};
use plumb_wire::netlink::rtnetlink::address::decode_address;
use plumb_wire::netlink::rtnetlink::link::decode_link;
use plumb_wire::netlink::rtnetlink::neighbour::decode_neighbour;
use plumb_wire::netlink::rtnetlink::route::decode_route;
use plumb_wire::netlink::rtnetlink::rule::decode_rule;
use plumb_wire::proc::routes::{
    RouteMemory, Table6, check_old_cache_header, decode_route_cache, decode_routes, decode_routes6,
    inspect_cache_header,
};

fuzz_target!(|bytes: &[u8]| {
    let mut memory = RouteMemory::default();
    let first = decode_routes(bytes, &mut memory);
    // A header is accepted or refused for itself, not for what was read before.
    let second = decode_routes(bytes, &mut memory);
    assert_eq!(first.is_ok(), second.is_ok());
    let _ = inspect_cache_header(bytes);
    let _ = check_old_cache_header(bytes);
    let _ = decode_route_cache(bytes);
    for table in [Table6::Routes, Table6::Cache] {
        assert!(decode_routes6(bytes, table).len() <= bytes.len());
    }
    assert_eq!(decode_route(bytes).is_some(), bytes.len() >= 12);
    assert_eq!(decode_rule(bytes).is_some(), bytes.len() >= 12);
    assert_eq!(decode_link(bytes).is_some(), bytes.len() >= 16);
    let _ = (decode_address(bytes), decode_neighbour(bytes));
    let _ = (decode_control(bytes), behind_ipv4_header(bytes));
    assert!(decode_echo(bytes).is_none() || bytes.len() >= 8);
});
