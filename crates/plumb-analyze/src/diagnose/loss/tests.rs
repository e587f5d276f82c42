//! Losses told from what looks alike, on samples made up.

use plumb_model::Known;
use plumb_model::diag::tcp_info::TcpInfo;
use plumb_model::id::Cookie;
use plumb_model::link::{Link, LinkStatistics, STATISTICS};
use plumb_model::rtnl::{self, RouteType};
use plumb_model::sample::{Destination, Sample, Wait};
use plumb_model::snapshot::{End, Snapshot};
use plumb_model::socket::SocketState;
use plumb_model::traffic::{Qdisc, QdiscStatistics};

use super::*;
use crate::diagnose::diagnose;
use crate::made_up;

/// A sample whose packets to 10.0.0.2 leave by a veth; two seconds later everybody waited for a processor for
/// most of the time.
pub(in crate::diagnose) fn short_of_processors(is_later: bool) -> Sample {
    let base = rtnl::Link {
        index: 3,
        name: b"veth0".to_vec(),
        flags: 0x1_0041,
        hardware: 1,
        mtu: Some(1500),
        master: None,
        lower: None,
        operational_state: None,
    };
    let link = Link {
        base,
        tx_queue_len: Known::Known(1000),
        address: None,
        kind: Some(b"veth".to_vec()),
        vrf_table: None,
        carrier_changes: Known::Known(1),
        qdisc: None,
        statistics: Known::Unknown(plumb_model::Reason::NotInSource),
    };
    let route = made_up::route(RouteType::UNICAST);
    Sample {
        links: vec![link],
        destinations: vec![Destination {
            ip: [10, 0, 0, 2].into(),
            route: Ok(route),
        }],
        processor_wait: Wait(Known::Known(if is_later { 1_500_000 } else { 0 })),
        ..Sample::default()
    }
}

/// Gives what is found of a connection in two seconds, and how bad, with processors that are short or not.
pub(in crate::diagnose) fn found(
    (was, is): (TcpInfo, TcpInfo),
    is_short: bool,
) -> Vec<(&'static str, Severity)> {
    let sample = |at_us, info, is_later| {
        let place = if is_short {
            short_of_processors(is_later)
        } else {
            Sample::default()
        };
        Sample {
            snapshot: made_up::sample(at_us, &info).snapshot,
            at_us,
            ..place
        }
    };
    let (before, after) = (sample(1_000_000, was, false), sample(3_000_000, is, true));
    let case = made_up::between(&before, &after);
    let found = diagnose(&case).into_iter();
    found.map(|found| (found.kind, found.severity)).collect()
}

/// Gives what is found of several connections to one host in two seconds; our own queue towards it holds `bytes` in
/// both samples, and lets `left` bytes out between them.
pub(in crate::diagnose) fn found_of_all(
    flows: &[(TcpInfo, TcpInfo)],
    queue: Option<(u64, u64)>,
) -> Vec<(&'static str, Severity)> {
    let sample = |at_us, is_later: bool| {
        let infos = flows
            .iter()
            .map(|(was, is)| if is_later { is } else { was });
        let sockets = infos.enumerate().map(|(place, info)| {
            let mut socket = made_up::connection(info);
            let number = u16::try_from(place).expect("few");
            socket.cookie = Known::Known(Cookie(u64::from(number) + 1));
            socket.local = End::Inet(([10, 0, 0, 1], 40_000 + number).into());
            socket
        });
        let qdisc = queue.map(|(bytes, left)| Qdisc {
            index: 3,
            kind: b"tbf".to_vec(),
            handle: 0x1_0000,
            parent: Qdisc::ROOT,
            statistics: Known::Known(QdiscStatistics {
                bytes: if is_later { left } else { 0 },
                queue_bytes: bytes,
                ..QdiscStatistics::default()
            }),
        });
        let place = short_of_processors(false);
        Sample {
            at_us,
            snapshot: Snapshot {
                sockets: sockets.collect(),
                ..Snapshot::default()
            },
            qdiscs: qdisc.into_iter().collect(),
            ..place
        }
    };
    let (before, after) = (sample(1_000_000, false), sample(3_000_000, true));
    let case = made_up::between(&before, &after);
    let found = diagnose(&case).into_iter();
    found.map(|found| (found.kind, found.severity)).collect()
}

fn sent(segments: u32, again: u32, dups: u32, timeouts: u16) -> TcpInfo {
    TcpInfo {
        data_segs_out: segments,
        bytes_acked: u64::from(segments) * 1000,
        total_retrans: again,
        dsack_dups: dups,
        total_rto: timeouts,
        reord_seen: 1,
        ..TcpInfo::default()
    }
}

#[test]
fn lost_acknowledgements_let_timers_expire_though_everything_arrived() {
    let lost = (sent(1000, 0, 0, 0), sent(90_000, 8, 8, 4));
    assert_eq!(found(lost, false), [(LOSS, Severity::Warning)]);
    // So does a relay that has no processor.
    assert_eq!(found(lost, true), [(LOSS, Severity::Info)]);
    // Reordering makes segments be sent again in vain, and no timer expires.
    let reordered = (sent(1000, 0, 0, 0), sent(90_000, 80, 80, 0));
    assert_eq!(found(reordered, false), []);
    // What is missing is missing, however short processors are.
    let missing = (sent(1000, 0, 0, 0), sent(2000, 100, 0, 0));
    assert_eq!(found(missing, true), [(LOSS, Severity::Warning)]);
    // A queue that is not emptied in time loses a few.
    let few = (sent(1000, 0, 0, 0), sent(2000, 20, 0, 0));
    assert_eq!(found(few, true), [(LOSS, Severity::Info)]);
    assert_eq!(found(few, false), [(LOSS, Severity::Warning)]);
}

#[test]
fn probes_that_find_all_of_it_there_tell_of_acknowledgements_that_are_lost_or_late() {
    let info = |again, in_vain, reord_seen, segs_in| TcpInfo {
        segs_in,
        reord_seen,
        ..sent(500 + segs_in * 12, again, in_vain, 0)
    };
    // Sixteen KiB at a time, of which one acknowledgement speaks; one in three is lost.
    let told = |again, in_vain, reord_seen, segs_in| {
        let was = info(0, 0, reord_seen, 0);
        found((was, info(again, in_vain, reord_seen, segs_in)), false)
    };
    assert_eq!(told(11, 9, 0, 40), [(LOSS, Severity::Info)]);
    // A few are late now and then, and what overtakes something else is sent again in vain as well.
    assert_eq!(told(4, 3, 0, 40), []);
    assert_eq!(told(11, 9, 0, 400), []);
    assert_eq!(told(11, 9, 1, 40), []);
}

#[test]
fn a_peer_that_still_sends_and_acknowledges_nothing_is_not_gone() {
    let info = |segs_in| TcpInfo {
        segs_in,
        snd_mss: 1448,
        unacked: 1,
        backoff: 4,
        total_retrans: 5,
        data_segs_out: 100,
        bytes_acked: 9_000,
        last_ack_recv_ms: 300,
        ..TcpInfo::default()
    };
    assert_eq!(
        found((info(90), info(91)), false),
        [(LOSS, Severity::Warning)]
    );
    // No delay does that.
    assert_eq!(
        found((info(90), info(91)), true),
        [(LOSS, Severity::Warning)]
    );
    assert_eq!(found((info(90), info(90)), false), []);
    // It does so seldom by now, and was heard in this row: timers of 12.8 s follow as much.
    let seldom = |last_ack_recv_ms| TcpInfo {
        backoff: 6,
        retransmits: 6,
        total_retrans: 6,
        rto_us: 12_800_000,
        last_ack_recv_ms,
        ..info(90)
    };
    let told = |ms| found((seldom(ms - 2_000), seldom(ms)), false);
    assert_eq!(told(4_000), [(LOSS, Severity::Warning)]);
    assert_eq!(told(13_000), [("half-open-peer", Severity::Warning)]);
}

/// A connection in a row of timeouts, after `rows` of them that ended, with `again` repetitions, of which `dups` were in
/// vain.
fn in_a_row(retransmits: u8, rows: u16, again: u16, dups: u32) -> TcpInfo {
    let here = u16::from(retransmits);
    TcpInfo {
        snd_mss: 1448,
        unacked: 10,
        backoff: retransmits,
        retransmits,
        data_segs_out: 40_000,
        bytes_acked: 50_000_000,
        total_retrans: u32::from(again + here),
        total_rto: again + here,
        total_rto_recoveries: rows + u16::from(retransmits > 0),
        dsack_dups: dups,
        last_ack_recv_ms: 4_000,
        ..TcpInfo::default()
    }
}

#[test]
fn a_row_of_timeouts_like_those_before_is_loss_and_nobody_is_gone() {
    // Seven in ten acknowledgements are lost: each row that ended did so with the word that the segment had come.
    let lossy = (in_a_row(3, 3, 5, 3), in_a_row(4, 3, 5, 3));
    assert_eq!(found(lossy, false), [(LOSS, Severity::Warning)]);
    // The same number of timeouts in a row, and none before.
    let gone = (in_a_row(4, 0, 0, 0), in_a_row(5, 0, 0, 0));
    assert_eq!(found(gone, false), [("half-open-peer", Severity::Warning)]);
    // Nothing was sent again meanwhile, and it has been long enough.
    let waits = (in_a_row(6, 0, 0, 0), in_a_row(6, 0, 0, 0));
    assert_eq!(found(waits, false), [("half-open-peer", Severity::Warning)]);
}

#[test]
fn it_is_said_whether_segments_are_lost_or_their_acknowledgements() {
    let told = |rows, again, dups| {
        let (before, after) = (
            made_up::sample(1_000_000, &in_a_row(2, rows, again, dups)),
            made_up::sample(3_000_000, &in_a_row(3, rows, again, dups)),
        );
        let case = made_up::between(&before, &after);
        let found = diagnose(&case).into_iter();
        let summaries = found.map(|found| found.summary);
        summaries.collect::<Vec<_>>().join("; ")
    };
    let answers = "acknowledgements of 10.0.0.2 are lost on their way to us";
    assert!(told(6, 20, 5).starts_with(answers), "{}", told(6, 20, 5));
    assert!(
        told(6, 20, 0).starts_with("segments to 10.0.0.2"),
        "{}",
        told(6, 20, 0)
    );
    // Of much that was lost some came twice.
    assert!(
        told(6, 500, 8).starts_with("segments to 10.0.0.2"),
        "{}",
        told(6, 500, 8)
    );
}

#[test]
fn one_timer_is_chance_unless_timers_took_much_of_the_time_before() {
    let after_rows = |timeouts: u16, rows: u16, rows_ms| TcpInfo {
        total_rto_recoveries: rows,
        total_rto_time_ms: rows_ms,
        busy_time_us: 100_000_000,
        ..sent(50_000 + u32::from(timeouts), 0, 0, timeouts)
    };
    let often = (after_rows(19, 19, 2_000), after_rows(20, 20, 2_200));
    assert_eq!(found(often, false), [(LOSS, Severity::Warning)]);
    // The next timer is far, because acknowledgements that came late made it long.
    let quiet = TcpInfo {
        unacked: 5,
        ..after_rows(20, 20, 2_200)
    };
    assert_eq!(found((quiet, quiet), false), [(LOSS, Severity::Warning)]);
    let seldom = (after_rows(9, 9, 300), after_rows(10, 10, 400));
    assert_eq!(found(seldom, false), []);
    let first = (after_rows(0, 0, 0), after_rows(1, 1, 900));
    assert_eq!(found(first, false), []);
}

#[test]
fn what_the_handshake_took_is_no_loss_of_the_connection() {
    let told = |state| {
        let (was, is) = (sent(0, 0, 0, 0), sent(2, 2, 0, 2));
        let mut before = made_up::sample(1_000_000, &was);
        for socket in &mut before.snapshot.sockets {
            socket.state = state;
        }
        let after = made_up::sample(3_000_000, &is);
        check_loss(&made_up::between(&before, &after)).len()
    };
    assert_eq!(told(SocketState::ESTABLISHED), 1);
    assert_eq!(told(SocketState::SYN_SENT), 0);
}

#[test]
fn what_arrives_damaged_is_the_interface_s_trouble_only_where_it_is_as_much_as_is_lost() {
    let kinds = |damaged: u64| {
        let sample = |at_us, info, damaged| {
            let value = |name: &&str| match *name {
                "rx_crc_errors" => damaged,
                "rx_packets" => at_us / 1000,
                _ => 0,
            };
            let mut sample = Sample {
                snapshot: made_up::sample(at_us, &info).snapshot,
                at_us,
                ..short_of_processors(false)
            };
            for link in &mut sample.links {
                link.statistics = Known::Known(LinkStatistics {
                    values: STATISTICS.iter().map(value).collect(),
                });
            }
            sample
        };
        let before = sample(1_000_000, sent(1000, 0, 0, 0), 0);
        let after = sample(3_000_000, sent(2000, 100, 0, 0), damaged);
        let found = diagnose(&made_up::between(&before, &after)).into_iter();
        let mut kinds: Vec<_> = found.map(|found| found.kind).collect();
        kinds.sort_unstable();
        kinds
    };
    assert_eq!(kinds(0), [LOSS]);
    assert_eq!(kinds(60), [interfaces::ERRORS]);
    // A few, and most is lost elsewhere.
    assert_eq!(kinds(10), [interfaces::ERRORS, LOSS]);
}
