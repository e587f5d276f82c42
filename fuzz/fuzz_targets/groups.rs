//! Whole files /proc/net/igmp and igmp6, and the table of masqueraded connections.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plumb_wire::proc::groups::decode_groups;
use plumb_wire::proc::masquerade::decode_masquerade;

fuzz_target!(|bytes: &[u8]| {
    let _ = decode_groups(bytes);
    let _ = decode_masquerade(bytes);
});
