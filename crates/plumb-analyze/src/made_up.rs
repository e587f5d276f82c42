//! Sockets, samples and cases for tests.

use std::sync::LazyLock;

use plumb_model::counters::Reading;
use plumb_model::diag::inet::DiagTimer;
use plumb_model::diag::tcp_info::TcpInfo;
use plumb_model::finding::Finding;
use plumb_model::firewall::{Refuser, Verdict, Wants};
use plumb_model::id::{Cookie, Inode, NetnsId, Uid};
use plumb_model::known::{Known, Reason};
use plumb_model::link::{Link, LinkStatistics};
use plumb_model::notice::Notices;
use plumb_model::rtnl::{self, Route, RouteType};
use plumb_model::sample::{Sample, Span};
use plumb_model::snapshot::{End, Kind, Snapshot, Socket};
use plumb_model::socket::SocketState;

use crate::diagnose::{Case, Focus, diagnose};

/// A connection between 10.0.0.1:40000, which is ours, and 10.0.0.2:80.
pub(crate) fn connection(info: &TcpInfo) -> Socket {
    Socket {
        netns: NetnsId(1),
        cookie: Known::Known(Cookie(7)),
        inode: Known::Known(Inode(7)),
        kind: Kind::Tcp,
        state: SocketState::ESTABLISHED,
        local: End::Inet(([10, 0, 0, 1], 40_000).into()),
        peer: End::Inet(([10, 0, 0, 2], 80).into()),
        interface: 0,
        recv_q: Known::Known(0),
        send_q: Known::Known(0),
        uid: Known::Known(Uid(0)),
        cgroup: Known::Known(1),
        mark: Known::Known(0),
        timer: DiagTimer::default(),
        v6only: false,
        shutdown: Known::Known(0),
        memory: None,
        tcp: Some(Box::new(*info)),
    }
}

/// A sample with this connection alone.
pub(crate) fn sample(at_us: u64, info: &TcpInfo) -> Sample {
    Sample {
        at_us,
        snapshot: Snapshot {
            sockets: vec![connection(info)],
            ..Snapshot::default()
        },
        ..Sample::default()
    }
}

/// Lets a counter of the namespace stand so in a sample.
pub(crate) fn count(sample: &mut Sample, group: &str, name: &str, value: u64) {
    sample.counters.readings.push(Reading {
        group: group.to_owned(),
        instance: None,
        name: name.to_owned(),
        value,
        source: "/proc",
    });
}

/// A case between two samples of a host, where nothing is heard and nothing is asked about.
pub(crate) fn between<'s>(before: &'s Sample, after: &'s Sample) -> Case<'s> {
    static SILENCE: LazyLock<Notices> = LazyLock::new(Notices::default);
    static HOST: LazyLock<Focus> = LazyLock::new(Focus::default);
    Case {
        span: Span { before, after },
        notices: &SILENCE,
        focus: &HOST,
    }
}

/// What is found on a host between two samples, where this was heard.
pub(crate) fn found(before: &Sample, after: &Sample, heard: &Notices) -> Vec<Finding> {
    diagnose(&Case {
        notices: heard,
        ..between(before, after)
    })
}

/// A rule of `inet filter` in this chain, without a counter.
pub(crate) fn rule(chain: &str, verdict: Verdict) -> Refuser {
    Refuser {
        family: "inet",
        table: b"filter".to_vec(),
        chain: chain.as_bytes().to_vec(),
        handle: 4,
        verdict,
        packets: Known::Unknown(Reason::NotInSource),
        by_chance: false,
        hook: None,
        wants: Wants::default(),
    }
}

/// A route of IPv4 by interface 3.
pub(crate) fn route(kind: RouteType) -> Route {
    Route {
        family: 2,
        destination: None,
        prefix_len: 0,
        table: 254,
        kind,
        protocol: 3,
        scope: 0,
        source: None,
        gateway: None,
        interface: Some(3),
        priority: None,
        mtu: None,
        hop_limit: None,
        expires_s: None,
        is_learned: false,
        next_hops: Vec::new(),
    }
}

/// An interface that is up and has a carrier, and counts nothing.
pub(crate) fn link(index: u32, name: &str) -> Link {
    Link {
        base: rtnl::Link {
            index,
            name: name.as_bytes().to_vec(),
            // IFF_UP and IFF_LOWER_UP.
            flags: 0x1_0001,
            hardware: 1,
            mtu: None,
            master: None,
            lower: None,
            operational_state: None,
        },
        tx_queue_len: Known::Known(1000),
        address: None,
        kind: None,
        vrf_table: None,
        carrier_changes: Known::Known(0),
        qdisc: None,
        statistics: Known::Known(LinkStatistics { values: Vec::new() }),
    }
}
