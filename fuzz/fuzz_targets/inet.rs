//! Rows of /proc/net/{tcp,udp,udplite,raw}{,6}: any line is a socket or nothing, never a panic,
//! for netstat as for ss.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plumb_model::diag::inet::Protocol;
use plumb_model::socket::{InetProtocol, IpVersion};
use plumb_wire::proc::inet::InetRows;
use plumb_wire::proc::ss_inet::InetLines;

const PROTOCOLS: [InetProtocol; 4] = [
    InetProtocol::Tcp,
    InetProtocol::Udp,
    InetProtocol::UdpLite,
    InetProtocol::Raw,
];

fuzz_target!(|bytes: &[u8]| {
    let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
    for version in [IpVersion::V4, IpVersion::V6] {
        assert!(InetLines::new(bytes, Protocol::TCP, version).count() <= lines);
    }
    for protocol in PROTOCOLS {
        let mut rows = InetRows::new(protocol);
        for line in bytes.split(|byte| *byte == b'\n') {
            if let Some(socket) = rows.decode(line) {
                // What a presenter asks of a socket has to answer as well.
                let _ = (socket.inode(), socket.uid());
            }
        }
    }
});
