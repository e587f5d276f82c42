//! Diagnosis: two samples in, ranked causes out.
//!
//! One file for each finding, each with `pub const ID` and `pub fn check(&Case) -> Vec<Finding>`. A check
//! needs positive evidence for its cause and none against it; a single suspicious counter is `possible`
//! at most. What another finding explains better is dropped by [`EXPLAINS`], so that the same trouble is
//! reported once, under its root. On a healthy busy host all of them stay silent.

pub mod accept_queue_overflow;
mod asked;
mod attempts;
pub mod buffers;
mod chance;
pub mod close_wait_leak;
pub mod connecting;
pub mod connection_churn;
pub mod drops;
mod ended;
pub mod ephemeral_port_exhaustion;
mod evidence;
pub mod fd_limit;
pub mod firewall_drop;
mod flow;
mod focus;
pub mod half_open_peer;
mod halted;
pub mod interfaces;
pub mod loss;
pub mod memory;
pub mod mtu_blackhole;
pub mod multicast;
pub mod nagle_delayed_ack;
pub mod names;
pub mod neighbour;
pub mod no_listener;
pub mod no_route;
mod not_taken;
pub mod of_interest;
pub mod orphans;
mod own_queue;
mod own_word;
mod patience;
pub mod port_in_use;
mod processors;
mod quiet;
mod rank;
pub mod received_bad;
pub mod resets;
pub mod reuseport_imbalance;
pub mod routers;
mod rows;
mod servers;
pub mod slow_reader;
mod sockets;
mod subject;
pub mod syn_queue_overflow;
pub mod time_wait_pressure;
mod tries;
mod turned_away;
pub mod udp;
mod unchecked;
pub mod unix_backlog_full;

use std::net::IpAddr;

use plumb_model::finding::{Finding, Severity};
use plumb_model::notice::Notices;
use plumb_model::sample::{Sample, Span};

pub use self::asked::connections_afar;
pub use self::focus::{Connections, Focus};
pub use self::patience::patience;
pub use self::quiet::is_quiet;
use self::servers::Servers;
pub use self::unchecked::{Lacks, unchecked};

/// What a check is given.
#[derive(Debug, Clone, Copy)]
pub struct Case<'s> {
    /// The two samples.
    pub span: Span<'s>,
    /// What passed on the wire between them; empty where it could not be watched.
    pub notices: &'s Notices,
    /// What the user asked about.
    pub focus: &'s Focus,
}

/// One check.
type Check = fn(&Case<'_>) -> Vec<Finding>;

/// Every check, with the ids of what it finds, in the order of findings.md.
pub const CHECKS: &[(&[&str], Check)] = &[
    (&[accept_queue_overflow::ID], accept_queue_overflow::check),
    (&[syn_queue_overflow::ID], syn_queue_overflow::check),
    (
        &[no_listener::ID, no_listener::LOOPBACK, no_listener::FAMILY],
        no_listener::check,
    ),
    (&[port_in_use::ID], port_in_use::check),
    (&[fd_limit::ID], fd_limit::check),
    (&[reuseport_imbalance::ID], reuseport_imbalance::check),
    (&[close_wait_leak::ID], close_wait_leak::check),
    (
        &[ephemeral_port_exhaustion::ID],
        ephemeral_port_exhaustion::check,
    ),
    (&[time_wait_pressure::ID], time_wait_pressure::check),
    (&[orphans::ID], orphans::check),
    (&[resets::BY_US], resets::check_by_us),
    (&[resets::BY_PEER], resets::check_by_peer),
    (&[half_open_peer::ID], half_open_peer::check),
    (&[connection_churn::ID], connection_churn::check),
    (&[connecting::TIMEOUT], connecting::check_timeout),
    (&[connecting::REFUSED], connecting::check_refused),
    (&[no_route::ID], no_route::check),
    (&[neighbour::UNRESOLVED], neighbour::check_unresolved),
    (&[neighbour::FULL], neighbour::check_full),
    (&[loss::LOSS], loss::check_loss),
    (&[mtu_blackhole::ID], mtu_blackhole::check),
    (&[firewall_drop::ID], firewall_drop::check),
    (
        &[received_bad::REVERSE_PATH],
        received_bad::check_reverse_path,
    ),
    (&[routers::ID], routers::check),
    (&[loss::BLOAT], loss::check_bloat),
    (&[interfaces::DROPS], interfaces::check_drops),
    (&[interfaces::DOWN], interfaces::check_down),
    (&[interfaces::ERRORS], interfaces::check_errors),
    (&[received_bad::FRAGMENTS], received_bad::check_fragments),
    (&[received_bad::CHECKSUM], received_bad::check_checksums),
    (&[slow_reader::LOCAL], slow_reader::check_local),
    (&[slow_reader::PEER], slow_reader::check_peer),
    (&[buffers::SEND], buffers::check_send),
    (&[buffers::RECEIVE], buffers::check_receive),
    (&[nagle_delayed_ack::ID], nagle_delayed_ack::check),
    (&[names::SLOW], names::check_slow),
    (&[names::FAILING], names::check_failing),
    (&[udp::OVERFLOW], udp::check_overflow),
    (&[udp::NOBODY], udp::check_nobody),
    (&[unix_backlog_full::ID], unix_backlog_full::check),
    (&[memory::PRESSURE], memory::check_pressure),
    (&[memory::HOG], memory::check_hog),
    (&[drops::BACKLOG], drops::check_backlog),
    (&[drops::CONNTRACK], drops::check_conntrack),
    (&[multicast::ID], multicast::check),
];

/// Which finding is the root of which: with the first about a subject, the second is not reported about
/// the same process or endpoint.
pub const EXPLAINS: &[(&str, &str)] = &[
    // Who has no descriptor left cannot accept.
    (fd_limit::ID, accept_queue_overflow::ID),
    // Descriptors run out because closed connections are kept.
    (close_wait_leak::ID, fd_limit::ID),
    // The queue that overflows is that of the one process that does not accept.
    (reuseport_imbalance::ID, accept_queue_overflow::ID),
    (fd_limit::ID, unix_backlog_full::ID),
    // A handshake whose end is turned away stays under way.
    (accept_queue_overflow::ID, syn_queue_overflow::ID),
    // A listener that has no room does not answer.
    (accept_queue_overflow::ID, connecting::TIMEOUT),
    (syn_queue_overflow::ID, connecting::TIMEOUT),
    (reuseport_imbalance::ID, connecting::TIMEOUT),
    // What our own queue drops is lost before it is on its way.
    (interfaces::DROPS, loss::LOSS),
    // Whose segments do not leave loses everything and hears nothing.
    (firewall_drop::ID, connecting::TIMEOUT),
    (firewall_drop::ID, half_open_peer::ID),
    (firewall_drop::ID, loss::LOSS),
    (firewall_drop::ID, mtu_blackhole::ID),
    (firewall_drop::ID, names::FAILING),
    (received_bad::REVERSE_PATH, connecting::TIMEOUT),
    // Nobody is asked by a tunnel that has no way for what asks.
    (interfaces::ERRORS, neighbour::UNRESOLVED),
    // Without a carrier nobody answers.
    (interfaces::DOWN, connecting::TIMEOUT),
    (interfaces::DOWN, neighbour::UNRESOLVED),
    (interfaces::DOWN, half_open_peer::ID),
    (interfaces::DOWN, names::FAILING),
    // The route to its network goes with the carrier where the host is set so.
    (interfaces::DOWN, no_route::ID),
    // What should leave by it is thrown away.
    (interfaces::DOWN, interfaces::DROPS),
    (interfaces::DOWN, interfaces::ERRORS),
    // Who asks a port that is closed gets no name.
    (names::FAILING, udp::NOBODY),
    (names::FAILING, names::SLOW),
    // What is stuck because of its size is neither lost at random nor is its peer gone.
    (mtu_blackhole::ID, loss::LOSS),
    (mtu_blackhole::ID, half_open_peer::ID),
    // Nor does who is gone read.
    (half_open_peer::ID, slow_reader::PEER),
    // A queue that is too long overflows.
    (loss::BLOAT, loss::LOSS),
    // Whoever says why nothing arrives explains all that comes of it.
    (no_route::ID, loss::LOSS),
    (no_route::ID, half_open_peer::ID),
    (no_route::ID, mtu_blackhole::ID),
    // Nobody has an address on a network that it is not in.
    (no_route::ID, neighbour::UNRESOLVED),
    (no_route::ID, connecting::TIMEOUT),
    (routers::ID, loss::LOSS),
    (routers::ID, connecting::TIMEOUT),
    (routers::ID, names::FAILING),
    // Who is gone loses everything.
    (half_open_peer::ID, loss::LOSS),
    // Who is held up by one peer does not read what others send, nor what that one does.
    (slow_reader::PEER, slow_reader::LOCAL),
    // What a process has queued for others, or has not read, is its memory.
    (memory::HOG, slow_reader::LOCAL),
    (memory::HOG, slow_reader::PEER),
    // Who keeps what is closed has not read it to its end either; who does not accept reads nothing.
    (close_wait_leak::ID, slow_reader::LOCAL),
    (accept_queue_overflow::ID, slow_reader::LOCAL),
    (unix_backlog_full::ID, slow_reader::LOCAL),
    // Who wants to serve a port and may not have it does not listen there.
    (port_in_use::ID, no_listener::ID),
    // Many connections to one destination use its ports up.
    (ephemeral_port_exhaustion::ID, connection_churn::ID),
];

/// What fails for everybody on this host alike, whom it names no more than the host: with the first, critical, the second
/// is not reported about anybody.
pub const EXPLAINS_ALL: &[(&str, &str)] = &[
    // A packet that is not tracked never leaves, or is not heard.
    (drops::CONNTRACK, connecting::TIMEOUT),
    (drops::CONNTRACK, firewall_drop::ID),
    (drops::CONNTRACK, names::FAILING),
    (drops::CONNTRACK, loss::LOSS),
    // What a processor drops its interface counts, and its sender sends again.
    (drops::BACKLOG, interfaces::DROPS),
    (drops::BACKLOG, loss::LOSS),
    // Without memory what came is thrown away, and windows stay closed.
    (memory::PRESSURE, loss::LOSS),
    (memory::PRESSURE, slow_reader::LOCAL),
    (memory::PRESSURE, slow_reader::PEER),
];

/// What is about the machine and not about a network namespace of it.
const MACHINE_WIDE: &[&str] = &[memory::PRESSURE, drops::BACKLOG, neighbour::FULL];

/// Gives the ids of everything that is looked for.
pub fn ids() -> impl Iterator<Item = &'static str> {
    CHECKS.iter().flat_map(|(ids, _)| ids.iter().copied())
}

/// Runs every check and ranks what was found, most important first.
pub fn diagnose(case: &Case<'_>) -> Vec<Finding> {
    let servers = Servers::of(case);
    let focus = Focus {
        servers: servers.pids(),
        ..case.focus.clone()
    };
    let case = Case {
        focus: &focus,
        ..*case
    };
    let found: Vec<Finding> = CHECKS.iter().flat_map(|(_, check)| check(&case)).collect();
    let focus = with_next_hops(&case);
    let case = Case {
        focus: &focus,
        ..case
    };
    let mut found = rank::rank(&case, &found, &servers);
    halted::tell(&case, &mut found);
    found
}

/// The same, where samples were taken between the two, the latest last: each tells of processes that have no socket
/// any more in the next.
pub fn diagnose_with(case: &Case<'_>, meanwhile: &[Sample]) -> Vec<Finding> {
    let mut focus = case.focus.clone();
    for sample in meanwhile {
        let (own, reached): (Vec<_>, Vec<_>) =
            asked::connections_of(sample, &case.focus.pids).unzip();
        focus.unseen.own.extend(own);
        focus.unseen.reached.extend(reached);
    }
    let case = &Case {
        focus: &focus,
        ..*case
    };
    let mut found = diagnose(case);
    let mut next = case.span.after;
    for sample in meanwhile.iter().rev() {
        let span = Span {
            before: case.span.before,
            after: sample,
        };
        found = ended::join(found, diagnose(&Case { span, ..*case }), next);
        next = sample;
    }
    found
}

/// Adds the next hops towards the hosts that were asked about: what is wrong with them concerns who is
/// reached through them.
fn with_next_hops(case: &Case<'_>) -> Focus {
    let mut focus = case.focus.clone();
    let destinations = case.span.after.destinations.iter();
    let asked = destinations.filter(|to| case.focus.hosts.contains(&to.ip));
    let hops = asked.filter_map(|to| to.route.as_ref().ok()?.gateway);
    focus.hosts.extend(hops);
    focus
}

/// What was found in one network namespace.
#[derive(Debug, Default)]
pub struct Found {
    /// The findings, most important first.
    pub findings: Vec<Finding>,
    /// The addresses of its interfaces.
    pub addresses: Vec<IpAddr>,
    /// What could not be looked for there, and why.
    pub unchecked: Vec<(&'static str, Lacks)>,
}

/// Gives what could be looked for in none of several network namespaces, and why.
pub fn unchecked_anywhere(namespaces: &[Found]) -> Vec<(&'static str, Lacks)> {
    let Some((first, others)) = namespaces.split_first() else {
        return Vec::new();
    };
    let everywhere = |id: &str| {
        let mut others = others.iter();
        others.all(|other| other.unchecked.iter().any(|(known, _)| *known == id))
    };
    let all = first.unchecked.iter().copied();
    all.filter(|(id, _)| everywhere(id)).collect()
}

/// Puts the findings of several network namespaces together, most important first. What the whole machine
/// has, each namespace shows; it is told of the first. What a listener in one explains of its clients in others is
/// told of the listener, and what a router refuses them of the router.
pub fn merge(namespaces: &[Found]) -> Vec<Finding> {
    let mut all: Vec<Finding> = Vec::new();
    for (place, namespace) in namespaces.iter().enumerate() {
        for finding in &namespace.findings {
            let is_told =
                |other: &Finding| other.kind == finding.kind && other.summary == finding.summary;
            let is_again = MACHINE_WIDE.contains(&finding.kind) && all.iter().any(is_told);
            let mut others = namespaces.iter().enumerate().filter(|(at, _)| *at != place);
            if !is_again && !others.any(|(_, other)| rank::explains_from_afar(other, finding)) {
                let mut finding = finding.clone();
                let mut others = namespaces.iter().enumerate().filter(|(at, _)| *at != place);
                if others.any(|(_, other)| rank::stops(&finding, other)) {
                    // Whom it concerns is here as well.
                    finding.severity = Severity::Critical;
                }
                all.push(finding);
            }
        }
    }
    rank::sort(&mut all);
    all
}
