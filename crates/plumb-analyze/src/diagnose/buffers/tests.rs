//! Buffers that are too small told from what looks alike, on samples made up.

mod receiving;

use plumb_model::Known;
use plumb_model::diag::inet::SkMemInfo;
use plumb_model::diag::tcp_info::TcpInfo;
use plumb_model::id::Cookie;
use plumb_model::sample::{Sample, Settings};
use plumb_model::snapshot::End;

use super::*;
use crate::diagnose::diagnose;
use crate::diagnose::loss::tests::short_of_processors;
use crate::made_up;

/// What is found where a writer waited for room in a send buffer of so many bytes half of the time.
fn found(buffer: u32, is_short: bool, again: u32) -> Vec<(&'static str, Severity)> {
    found_with(buffer, is_short, again, 0)
}

/// The same, where the peer had so much of what was sent again.
fn found_with(
    buffer: u32,
    is_short: bool,
    again: u32,
    in_vain: u32,
) -> Vec<(&'static str, Severity)> {
    let sample = |at_us: u64, is_later: bool| {
        let info = TcpInfo {
            data_segs_out: 10_000 * u32::from(is_later),
            total_retrans: again * u32::from(is_later),
            dsack_dups: in_vain * u32::from(is_later),
            snd_mss: 1448,
            snd_cwnd: 90,
            sndbuf_limited_us: at_us / 2,
            ..TcpInfo::default()
        };
        let mut snapshot = made_up::sample(at_us, &info).snapshot;
        for socket in &mut snapshot.sockets {
            let mut words = [0; 9];
            words[1] = 131_072;
            words[SNDBUF] = buffer;
            socket.memory = Some(SkMemInfo {
                words,
                sent_bytes: 36,
            });
        }
        let place = if is_short {
            short_of_processors(is_later)
        } else {
            Sample::default()
        };
        Sample {
            at_us,
            snapshot,
            settings: Settings::new(vec![("net.ipv4.tcp_wmem", vec![4096, 16_384, 4 << 20])]),
            ..place
        }
    };
    let (before, after) = (sample(1_000_000, false), sample(3_000_000, true));
    let case = made_up::between(&before, &after);
    let found = diagnose(&case).into_iter();
    found.map(|found| (found.kind, found.severity)).collect()
}

#[test]
fn a_buffer_that_a_program_set_limits_however_short_processors_are() {
    assert_eq!(found(32_768, true, 0), [(SEND, Severity::Warning)]);
    assert_eq!(found(32_768, false, 0), [(SEND, Severity::Warning)]);
    // The kernel's own size follows the window; what made the path long may be a program that was not run.
    assert_eq!(found(500_000, true, 0), [(SEND, Severity::Info)]);
    assert_eq!(found(4 << 20, true, 0), [(SEND, Severity::Info)]);
    assert_eq!(found(500_000, false, 0), [(SEND, Severity::Warning)]);
}

#[test]
fn a_buffer_is_full_of_what_waits_for_timers_that_follow_each_other() {
    let info = |at_us: u64, rows: u16| TcpInfo {
        data_segs_out: u32::from(rows) * 10,
        bytes_acked: at_us,
        snd_mss: 1448,
        snd_cwnd: 90,
        sndbuf_limited_us: at_us,
        total_rto_recoveries: rows,
        total_rto_time_ms: u32::from(rows) * 300,
        ..TcpInfo::default()
    };
    let is_told = |rows| {
        let (before, after) = (
            made_up::sample(1_000_000, &info(1_000_000, 0)),
            made_up::sample(3_000_000, &info(3_000_000, rows)),
        );
        !check_send(&made_up::between(&before, &after)).is_empty()
    };
    assert!(is_told(0) && is_told(2));
    assert!(!is_told(3));
}

#[test]
fn a_buffer_that_is_full_in_one_moment_waits_for_acknowledgements_that_others_miss() {
    let told = |other: &TcpInfo| {
        let sample = |at_us: u64, is_later: bool| {
            let info = TcpInfo {
                bytes_acked: at_us,
                snd_mss: 1448,
                snd_cwnd: 200,
                snd_wnd: 1 << 20,
                ..TcpInfo::default()
            };
            let mut sample = made_up::sample(at_us, &info);
            let mut words = [0; 9];
            (words[SNDBUF], words[WMEM_QUEUED]) = (69_120, 121_344);
            for socket in &mut sample.snapshot.sockets {
                socket.memory = Some(SkMemInfo {
                    words,
                    sent_bytes: 36,
                });
                socket.send_q = Known::Known(100_000);
            }
            let info = if is_later { *other } else { TcpInfo::default() };
            let mut other = made_up::connection(&info);
            other.cookie = Known::Known(Cookie(8));
            other.local = End::Inet(([10, 0, 0, 1], 40_001).into());
            sample.snapshot.sockets.push(other);
            sample
        };
        let (before, after) = (sample(1_000_000, false), sample(3_000_000, true));
        let found = diagnose(&made_up::between(&before, &after)).into_iter();
        let of_buffers = found.filter(|found| found.kind == SEND);
        of_buffers.map(|found| found.severity).collect::<Vec<_>>()
    };
    let other = TcpInfo {
        data_segs_out: 5_000,
        bytes_acked: 5_000_000,
        ..TcpInfo::default()
    };
    assert_eq!(told(&other), [Severity::Warning]);
    let lossy = TcpInfo {
        total_retrans: 3,
        total_rto: 3,
        total_rto_recoveries: 2,
        ..other
    };
    assert_eq!(told(&lossy), [Severity::Info]);
}

#[test]
fn what_is_lost_fills_a_buffer_that_nobody_set() {
    assert_eq!(found(500_000, false, 2), [(SEND, Severity::Info)]);
    assert_eq!(found(32_768, false, 2), [(SEND, Severity::Warning)]);
    // Of one whose acknowledgements are lost it is not known whether anybody did.
    let unheard = found_with(32_768, false, 3, 3);
    assert_eq!(unheard, [(SEND, Severity::Info)]);
}
