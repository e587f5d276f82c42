//! Rows of /proc/net/{tcp,udp,udplite,raw}{,6}: any line is a socket or nothing, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plumb_model::socket::InetProtocol;
use plumb_wire::proc::inet::decode_inet_row;

const PROTOCOLS: [InetProtocol; 4] = [
    InetProtocol::Tcp,
    InetProtocol::Udp,
    InetProtocol::UdpLite,
    InetProtocol::Raw,
];

fuzz_target!(|bytes: &[u8]| {
    for line in bytes.split(|byte| *byte == b'\n') {
        for protocol in PROTOCOLS {
            if let Some(socket) = decode_inet_row(line, protocol) {
                // What a presenter asks of a socket has to answer as well.
                let _ = (socket.inode(), socket.uid());
            }
        }
    }
});
