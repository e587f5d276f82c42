//! What socket memory and totals are read from: sockstat, snmp, protocols, tcp_mem and the skmeminfo
//! attribute.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plumb_wire::netlink::skmeminfo::decode_skmeminfo;
use plumb_wire::proc::sockstat::{decode_numbers, decode_pressure, decode_sockstat, find_counter};
use plumb_wire::proc::stall::decode_stall_us;
use plumb_wire::proc::totals::{decode_established, decode_totals};

fuzz_target!(|bytes: &[u8]| {
    let counters = decode_sockstat(bytes);
    assert!(counters.len() <= bytes.len());
    let _ = find_counter(&counters, "TCP", "mem");
    let _ = decode_pressure(bytes, "TCP");
    let _ = decode_numbers::<3>(bytes);
    let _ = decode_stall_us(bytes);
    let _ = decode_skmeminfo(bytes);
    let mut totals = plumb_model::socket_totals::SocketTotals::default();
    decode_totals(bytes, &mut totals);
    let _ = decode_established(bytes);
});
