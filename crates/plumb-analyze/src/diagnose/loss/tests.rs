//! Losses told from what looks alike, on samples made up.

use plumb_model::Known;
use plumb_model::diag::tcp_info::TcpInfo;
use plumb_model::link::Link;
use plumb_model::notice::Notices;
use plumb_model::rtnl::{self, Route, RouteType};
use plumb_model::sample::{Destination, Sample, Span, Wait};

use super::*;
use crate::diagnose::{Focus, diagnose};
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
    let route = Route {
        family: 2,
        destination: None,
        prefix_len: 0,
        table: 254,
        kind: RouteType::UNICAST,
        protocol: 3,
        scope: 0,
        source: None,
        gateway: None,
        interface: Some(3),
        priority: None,
        mtu: None,
        hop_limit: None,
        expires_s: None,
        next_hops: Vec::new(),
    };
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
    let case = Case {
        span: Span {
            before: &before,
            after: &after,
        },
        notices: &Notices::default(),
        focus: &Focus::default(),
    };
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
}
