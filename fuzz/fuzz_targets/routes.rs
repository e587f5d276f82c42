//! Whole files /proc/net/route, rt_cache and ipv6_route, whose heads decide where columns are.
#![no_main]

use libfuzzer_sys::fuzz_target;
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
});
