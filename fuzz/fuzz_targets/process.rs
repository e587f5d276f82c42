//! What owners are read from: links of /proc/PID/fd, names of folders, command lines.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plumb_wire::proc::process::{decode_argv0, decode_number_name, decode_socket_link};

fuzz_target!(|bytes: &[u8]| {
    let _ = decode_socket_link(bytes);
    let _ = decode_number_name(bytes);
    assert!(decode_argv0(bytes).len() <= bytes.len());
});
