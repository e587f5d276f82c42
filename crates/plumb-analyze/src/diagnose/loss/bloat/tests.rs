//! Queues told from what looks alike, on samples made up.

use super::super::tests::{found, found_of_all, short_of_processors};
use super::*;

fn info(rtt_us: u32, rttvar_us: u32, sent: u64, again: u32) -> TcpInfo {
    TcpInfo {
        rtt_us,
        rttvar_us,
        min_rtt_us: 100,
        unacked: 40,
        bytes_acked: sent,
        data_segs_out: u32::try_from(sent / 1000).expect("few"),
        total_retrans: again,
        ..TcpInfo::default()
    }
}

#[test]
fn a_queue_that_overflows_is_told_instead_of_its_losses() {
    let steady = found(
        (
            info(800_000, 2_000, 1_000_000, 10),
            info(790_000, 3_000, 2_000_000, 400),
        ),
        false,
    );
    assert_eq!(steady, [(BLOAT, Severity::Warning)]);
    // What losses and timers made long varies as much.
    let shaky = found(
        (
            info(90_000, 60_000, 1_000_000, 10),
            info(95_000, 70_000, 2_000_000, 400),
        ),
        false,
    );
    assert_eq!(shaky, [(super::super::LOSS, Severity::Warning)]);
}

#[test]
fn who_waits_for_a_processor_may_be_no_queue() {
    let flow = (
        info(200_000, 2_000, 1_000_000, 0),
        info(210_000, 3_000, 2_000_000, 0),
    );
    assert_eq!(found(flow, false), [(BLOAT, Severity::Warning)]);
    assert_eq!(found(flow, true), [(BLOAT, Severity::Info)]);
    assert!(short_of_processors(true).processor_wait.0.ok().is_some());
}

/// One of many connections to a host, by its place among them: full segments, two under way.
fn one_of_many(rtt_us: u32, min_rtt_us: u32, segments: u32) -> TcpInfo {
    TcpInfo {
        rtt_us,
        min_rtt_us,
        rttvar_us: 3_000,
        snd_mss: 1448,
        unacked: 2,
        bytes_sent: u64::from(segments) * 1448,
        bytes_acked: u64::from(segments) * 1448,
        data_segs_out: segments,
        ..TcpInfo::default()
    }
}

#[test]
fn many_connections_with_few_segments_each_fill_a_queue_together() {
    let told = |min_rtt_us, connections: usize| {
        let first = (
            one_of_many(180_000, 40, 1_000),
            one_of_many(181_000, 40, 1_020),
        );
        let other = (
            one_of_many(170_000, min_rtt_us, 80),
            one_of_many(172_000, min_rtt_us, 100),
        );
        let mut all = vec![first];
        all.extend(vec![other; connections]);
        found_of_all(&all, None)
    };
    // As eight of BBR through 2 Mbit/s; the later ones never saw the queue empty.
    assert_eq!(told(90_000, 7), [(BLOAT, Severity::Warning)]);
    // Two have a window of four segments.
    assert_eq!(told(90_000, 1), []);
    // Many small segments are no window: who gets them may delay to acknowledge them.
    let small = |segments| TcpInfo {
        bytes_sent: u64::from(segments) * 8,
        bytes_acked: u64::from(segments) * 8,
        ..one_of_many(180_000, 40, segments)
    };
    // Nor are large questions: each waits for an answer, and nothing else is to be sent.
    let asks = |segments| TcpInfo {
        bits: 1,
        ..one_of_many(180_000, 40, segments)
    };
    for waits in [(small(80), small(100)), (asks(80), asks(100))] {
        let told = found_of_all(&vec![waits; 9], None);
        assert!(told.iter().all(|(id, _)| *id != BLOAT), "{told:?}");
    }
}

#[test]
fn what_waits_in_our_own_queue_needs_no_smallest_round_trip() {
    let late = (
        one_of_many(900_000, 700_000, 80),
        TcpInfo {
            unacked: 20,
            ..one_of_many(900_000, 700_000, 140)
        },
    );
    // 250 KB in two seconds, and 100 KB that wait.
    let full = Some((100_000, 250_000));
    assert_eq!(found_of_all(&[late], full), [(BLOAT, Severity::Warning)]);
    // 25 MB in two seconds: nobody waits long.
    assert_eq!(found_of_all(&[late], Some((100_000, 25_000_000))), []);
    assert_eq!(found_of_all(&[late], None), []);
}

#[test]
fn a_conversation_behind_a_full_queue_waits_for_no_delayed_acknowledgement() {
    let talks = |segments| TcpInfo {
        unacked: 1,
        notsent_bytes: 8,
        segs_in: segments,
        bytes_sent: u64::from(segments) * 8,
        bytes_acked: u64::from(segments) * 8,
        ..one_of_many(30_000, 40, segments)
    };
    let conversation = (talks(100), talks(160));
    let alone = found_of_all(&[conversation], None);
    assert_eq!(alone, [("nagle-delayed-ack", Severity::Warning)]);
    // A transfer whose acknowledgements nobody delays takes as long.
    let transfer = (
        one_of_many(28_000, 40, 1_000),
        one_of_many(29_000, 40, 2_000),
    );
    assert_eq!(found_of_all(&[conversation, transfer], None), []);
    let fast = (one_of_many(300, 40, 1_000), one_of_many(300, 40, 2_000));
    assert_eq!(found_of_all(&[conversation, fast], None), alone);
    // 1 MB in two seconds, and 12 KB that wait for 24 ms.
    assert_eq!(found_of_all(&[conversation], Some((12_000, 1_000_000))), []);
}

#[test]
fn a_queue_that_fills_while_we_watch_is_told_although_it_was_short_before() {
    // 20 Mbit/s for four transfers, which take 8 ms without a queue.
    let fills = |rtt_us, window, rate, again| TcpInfo {
        min_rtt_us: 8_300,
        rttvar_us: 2_000,
        rtt_us,
        snd_cwnd: window,
        unacked: window,
        delivery_rate: rate,
        total_retrans: again,
        ..one_of_many(0, 0, 1_000 + window * 10)
    };
    let was = fills(66_000, 31, 600_000, 0);
    let found = |is| found_of_all(&[(was, is)], None);
    assert_eq!(
        found(fills(178_000, 79, 605_000, 0)),
        [(BLOAT, Severity::Warning)]
    );
    // More arrives for it: the way was not full.
    assert_eq!(found(fills(178_000, 79, 1_500_000, 0)), []);
    // A longer way: as much is under way as before.
    assert_eq!(found(fills(178_000, 31, 605_000, 0)), []);
    // Where acknowledgements are lost some come by a timer alone.
    let shaky = TcpInfo {
        rttvar_us: 90_000,
        ..fills(178_000, 79, 605_000, 0)
    };
    assert_eq!(found(shaky), []);
    // A queue that only fills loses nothing, and what a timer sends again takes long to come, too.
    let lossy = found(fills(178_000, 79, 605_000, 1));
    assert!(lossy.iter().all(|(id, _)| *id != BLOAT), "{lossy:?}");
}

#[test]
fn who_asks_now_and_then_behind_datagrams_in_our_own_queue_is_told_at_any_moment() {
    let asks = |rtt_us, segments| TcpInfo {
        unacked: 0,
        bytes_acked: u64::from(segments) * 100,
        ..one_of_many(rtt_us, 50, segments)
    };
    // 12 Mbit/s: 300 KB take 200 ms; an average of round trips follows slowly.
    let full = Some((300_000, 3_000_000));
    let found = |was, is, queue| found_of_all(&[(asks(was, 20), asks(is, 32))], queue);
    assert_eq!(found(62_000, 150_000, full), [(BLOAT, Severity::Warning)]);
    assert_eq!(found(62_000, 150_000, None), []);
    // A fair queue lets it pass.
    assert_eq!(found(300, 400, full), []);
}

#[test]
fn two_segments_that_a_timer_sent_again_make_round_trips_long_without_a_queue() {
    // As where seven of ten acknowledgements are lost.
    let found = |rttvar_us| {
        found(
            (
                info(96_000, rttvar_us, 1_000_000, 5),
                info(406_000, rttvar_us, 2_000_000, 7),
            ),
            false,
        )
    };
    assert_eq!(found(100_000), [(BLOAT, Severity::Warning)]);
    let shaky = found(781_000);
    assert!(shaky.iter().all(|(id, _)| *id != BLOAT), "{shaky:?}");
}

/// What is found of a connection on which much comes late, beside one that asks, whose round trips vary so, and perhaps one
/// that is answered soon.
fn late(rttvar_us: u32, again: u32, quick: bool) -> Vec<&'static str> {
    let gets = |segments: u32| TcpInfo {
        rtt_us: 205_000,
        rcv_rtt_us: 205_000,
        min_rtt_us: 100,
        data_segs_in: segments,
        bytes_received: u64::from(segments) * 1448,
        ..TcpInfo::default()
    };
    let asks = |again| TcpInfo {
        unacked: 1,
        ..info(205_000, rttvar_us, 10_000, again)
    };
    let mut flows = vec![(gets(100), gets(200)), (asks(0), asks(again))];
    if quick {
        flows.push((info(300, 100, 10_000, 0), info(300, 100, 20_000, 0)));
    }
    let found = found_of_all(&flows, None).into_iter();
    found.map(|(id, _)| id).collect()
}

#[test]
fn answers_that_are_lost_and_come_by_a_timer_wait_in_no_queue() {
    assert!(late(3_000, 0, false).contains(&BLOAT));
    assert!(!late(90_000, 2, false).contains(&BLOAT));
    assert!(!late(210_000, 0, false).contains(&BLOAT));
    assert!(
        !late(3_000, 0, true).contains(&BLOAT),
        "it hits one and spares another"
    );
}
