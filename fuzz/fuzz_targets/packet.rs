//! Packets from the wire and rules of the firewall: any bytes tell something or nothing, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plumb_wire::netlink::nftables::{decode_dropping_chain, decode_refusing_rule};
use plumb_wire::packet::{decode_gap, decode_name_packet, decode_packet};

fuzz_target!(|bytes: &[u8]| {
    let _ = (
        decode_packet(bytes),
        decode_name_packet(bytes),
        decode_gap(bytes),
    );
    let _ = (decode_dropping_chain(bytes), decode_refusing_rule(bytes));
});
