//! Whole files /proc/net/dev and /proc/net/if_inet6: nothing comes from nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plumb_wire::proc::dev::decode_dev;
use plumb_wire::proc::if_inet6::decode_if_inet6;

fuzz_target!(|bytes: &[u8]| {
    assert!(decode_dev(bytes).len() <= bytes.len());
    assert!(decode_if_inet6(bytes).len() <= bytes.len());
});
