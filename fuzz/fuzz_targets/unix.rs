//! Rows of /proc/net/unix, in both layouts: any line is a socket or nothing, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plumb_wire::proc::unix::UnixRows;

fuzz_target!(|bytes: &[u8]| {
    for header in [&b"Num Path"[..], b"Num Inode Path"] {
        let mut rows = UnixRows::new(header);
        for line in bytes.split(|byte| *byte == b'\n') {
            if let Some(socket) = rows.decode(line) {
                let _ = socket.is_listening();
            }
        }
    }
});
