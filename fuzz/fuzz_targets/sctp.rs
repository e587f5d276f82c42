//! Lines of /proc/net/sctp/eps and assocs: any line is a socket or nothing, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plumb_wire::proc::sctp::{decode_association, decode_endpoint};

fuzz_target!(|bytes: &[u8]| {
    for line in bytes.split(|byte| *byte == b'\n') {
        let _ = decode_endpoint(line);
        let _ = decode_association(line);
    }
});
