//! Receive buffers.

use plumb_model::diag::tcp_info::TcpInfo;
use plumb_model::id::Cookie;
use plumb_model::sample::{Sample, Settings};
use plumb_model::{Known, socket::SocketState};

use crate::counters::concerned::tests::socket;
use crate::diagnose::buffers::RECEIVE;
use crate::diagnose::diagnose;
use crate::made_up;

/// Gives what is found where a second brings so many bytes, with such a round trip, into a buffer of 32768 bytes whose
/// window is 20000.
fn found(received: u64, min_rtt_us: u32, most: u64) -> Vec<&'static str> {
    let sample = |at_us, bytes_received| {
        let mut memory = [0; 9];
        memory[1] = 32_768;
        let mut socket = socket(SocketState::ESTABLISHED, 5000, (0, 0), memory);
        socket.cookie = Known::Known(Cookie(1));
        socket.tcp = Some(Box::new(TcpInfo {
            bytes_received,
            min_rtt_us,
            rtt_us: min_rtt_us,
            rcv_ssthresh: 20_000,
            ..TcpInfo::default()
        }));
        let mut sample = Sample {
            at_us,
            settings: Settings::new(vec![("net.ipv4.tcp_rmem", vec![4096, 16_384, most])]),
            ..Sample::default()
        };
        sample.snapshot.sockets.push(socket);
        sample
    };
    let (before, after) = (sample(0, 0), sample(1_000_000, received));
    let case = made_up::between(&before, &after);
    diagnose(&case).iter().map(|found| found.kind).collect()
}

#[test]
fn a_buffer_that_may_not_grow_limits_where_each_round_trip_brings_a_full_window() {
    assert_eq!(found(400_000, 50_000, 32_768), [RECEIVE]);
    // It may still grow; a queue makes the window full; the peer is near.
    assert_eq!(found(400_000, 50_000, 6_000_000), [""; 0]);
    assert_eq!(found(400_000, 10_000, 32_768), [""; 0]);
    assert_eq!(found(20_000_000, 1_000, 32_768), [""; 0]);
}
