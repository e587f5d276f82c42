//! Rows of /proc/net/unix, in both layouts: any line is a socket or nothing, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plumb_wire::proc::unix::decode_unix_row;

fuzz_target!(|bytes: &[u8]| {
    for line in bytes.split(|byte| *byte == b'\n') {
        for with_inode in [false, true] {
            if let Some(socket) = decode_unix_row(line, with_inode) {
                let _ = socket.is_listening();
            }
        }
    }
});
