//! `--probe`: a few harmless attempts at what was asked about, so that its trouble shows during the watch.
//!
//! Connections are begun and not waited for; what becomes of them the second sample and the wire tell, as
//! of any program's. Nothing is sent over them, and they are closed after that sample. Meanwhile echo
//! requests as large as this host thinks the path takes find out what it does take; and of a port of our
//! own that nobody serves it is tried whether it could be bound.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::thread::JoinHandle;
use std::time::Duration;

use plumb_analyze::diagnose::Focus;
use plumb_collect::{probe, sample};
use plumb_model::notice::{Probed, ProbedBind, ProbedImpostor, ProbedPath};
use plumb_model::rtnl::RouteType;
use plumb_model::sample::{Destination, Sample};
use plumb_model::snapshot::Kind;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, socket_with, sockopt};

use crate::verbs::path::trace::{self, Plan};
use crate::verbs::path::{cross, mtu};

/// So many attempts at each address: fewer refusals would be taken for chance.
const ATTEMPTS: usize = 3;
/// More addresses of one name are not tried.
const MOST_ADDRESSES: usize = 4;
/// So far it is looked for who refuses, and it is given up behind so many silent hops.
const MOST_HOPS: u8 = 30;
const SILENT_HOPS: u8 = 4;
/// An answer to an echo request may take so long.
const PATIENCE: Duration = Duration::from_millis(500);

/// Attempts under way.
#[derive(Debug, Default)]
pub(super) struct Probes {
    sockets: Vec<(SocketAddr, OwnedFd)>,
    paths: Vec<JoinHandle<Option<ProbedPath>>>,
    binds: Vec<ProbedBind>,
    connects: Vec<SocketAddr>,
}

impl Probes {
    /// Begins with the hosts and the port of the focus; a port alone means this host's own.
    pub fn begin(focus: &Focus, before: &mut Sample) -> Self {
        sample::ask_destinations(before, &focus.hosts);
        let mut probes = Self {
            paths: paths(focus, before),
            ..Self::default()
        };
        let Some(port) = focus.port else {
            return probes;
        };
        if focus.hosts.is_empty() && !is_served(before, port) {
            // Nobody would answer; whether somebody could is the question.
            probes.binds = vec![try_bind(port)];
            return probes;
        }
        let own = [IpAddr::V4(Ipv4Addr::LOCALHOST)];
        let hosts = if focus.hosts.is_empty() {
            &own[..]
        } else {
            &focus.hosts
        };
        let ends = hosts.iter().take(MOST_ADDRESSES);
        let attempts =
            ends.flat_map(|host| std::iter::repeat_n(SocketAddr::new(*host, port), ATTEMPTS));
        probes.connects = attempts.collect();
        probes.sockets = probes
            .connects
            .iter()
            .copied()
            .filter_map(|end| Some((end, begin(end)?)))
            .collect();
        probes
    }

    /// Waits for what was begun on its own; the connections stay until [`Probes`] is dropped.
    pub fn finish(&mut self) -> Probed {
        let paths = self.paths.drain(..);
        let sockets = self.sockets.iter();
        let refused = sockets.filter_map(|(end, socket)| {
            let error = sockopt::socket_error(socket).ok()?.err()?;
            (error == Errno::CONNREFUSED).then_some(*end)
        });
        Probed {
            // A thread that panicked found nothing.
            paths: paths.filter_map(|path| path.join().ok()?).collect(),
            binds: std::mem::take(&mut self.binds),
            connects: std::mem::take(&mut self.connects),
            refused: refused.collect(),
            impostors: Vec::new(),
        }
    }
}

/// Finds out which of the refusals are somebody's on the way. What it sends is not for the watch of the wire, which must
/// have ended.
pub(super) fn impostors(refused: &[SocketAddr]) -> Vec<ProbedImpostor> {
    let mut ends = refused.to_vec();
    ends.dedup();
    let ends = ends.into_iter().take(MOST_ADDRESSES);
    ends.filter_map(impostor).collect()
}

fn impostor(end: SocketAddr) -> Option<ProbedImpostor> {
    let plan = Plan {
        max_hops: MOST_HOPS,
        silent_hops: SILENT_HOPS,
        ..plan(end, probe::Method::Tcp)
    };
    let found = cross::check(&plan, &trace::run(&plan))?;
    Some(ProbedImpostor {
        end,
        hops: (found.first_ttl, found.last_ttl),
        from: found.from,
        goes_on_to: found.goes_on_to?,
    })
}

/// Begins one attempt; `None` when it ended at once, which the wire or the refused call tells.
fn begin(end: SocketAddr) -> Option<OwnedFd> {
    let socket = stream(end.ip()).ok()?;
    match connect(&socket, &end) {
        Ok(()) | Err(Errno::INPROGRESS) => Some(socket),
        Err(_) => None,
    }
}

fn stream(ip: IpAddr) -> Result<OwnedFd, Errno> {
    let family = if ip.is_ipv4() {
        AddressFamily::INET
    } else {
        AddressFamily::INET6
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    socket_with(family, SocketType::STREAM, flags, None)
}

fn is_served(sample: &Sample, port: u16) -> bool {
    let mut sockets = sample.snapshot.sockets.iter();
    sockets.any(|socket| {
        socket.kind == Kind::Tcp && socket.is_listener() && socket.local.port() == Some(port)
    })
}

/// Binds as a server would, and gives the port back at once.
fn try_bind(port: u16) -> ProbedBind {
    let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    let outcome = stream(address.ip()).and_then(|socket| {
        sockopt::set_socket_reuseaddr(&socket, true)?;
        bind(&socket, &address)
    });
    ProbedBind {
        address,
        errno: outcome.err().map(Errno::raw_os_error),
    }
}

/// Begins to measure the paths to the hosts, where echo requests may be sent.
fn paths(focus: &Focus, sample: &Sample) -> Vec<JoinHandle<Option<ProbedPath>>> {
    let hosts = focus.hosts.iter().take(MOST_ADDRESSES);
    let measured = hosts.filter_map(|&host| {
        let to = sample.destinations.iter().find(|to| to.ip == host)?;
        let expected = thought(to, sample)?;
        let method = probe::icmp_method(host.is_ipv6())?;
        Some(std::thread::spawn(move || measure(host, method, expected)))
    });
    measured.collect()
}

/// Gives the largest packet that this host would send there; `None` where it would go nowhere or stay here.
fn thought(to: &Destination, sample: &Sample) -> Option<u32> {
    let route = to.route.as_ref().ok()?;
    if route.kind != RouteType::UNICAST {
        return None;
    }
    let index = route.interface?;
    let mut links = sample.links.iter();
    let link = links.find(|link| link.base.index == index)?;
    route.mtu.or(link.base.mtu)
}

fn measure(host: IpAddr, method: probe::Method, expected: u32) -> Option<ProbedPath> {
    let plan = plan(SocketAddr::new(host, 0), method);
    // The hop behind which packets vanish is for `plumb path` to find: one hop is none to look at.
    let found = mtu::find(&plan, expected, 1)?;
    Some(ProbedPath {
        destination: host,
        thought_bytes: expected,
        passes_bytes: found.bytes,
        is_black_hole: found.black_hole,
    })
}

fn plan(destination: SocketAddr, method: probe::Method) -> Plan {
    Plan {
        method,
        destination,
        source: None,
        device: 0,
        max_hops: 1,
        silent_hops: 1,
        rounds: 1,
        interval: Duration::ZERO,
        wait: PATIENCE,
    }
}
