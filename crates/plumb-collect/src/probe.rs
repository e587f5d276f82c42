//! Probes of a path: packets with a chosen TTL, and what comes back of them.
//!
//! Each probe has a socket of its own (those of a [`Flow`] share one), connected to the destination, so the kernel itself
//! matches an ICMP error with its probe and hands it over in the error queue (IP_RECVERR); no privilege is needed, but for
//! ICMP where `net.ipv4.ping_group_range` does not name us: then a raw socket. Many probes wait side by side. Nothing is
//! sent that the caller did not ask for.
//! Minimum kernel version: 3.0 (ping sockets; 3.11 for IPv6), 2.2 for the rest.

mod answer;
mod echo;
mod socket;

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::io::Errno;

pub use answer::{Answer, What};
pub use echo::Flow;

/// With what is probed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// ICMP echo over a ping socket.
    Ping,
    /// ICMP echo over a raw socket.
    RawIcmp,
    /// UDP to a port where nobody is expected.
    Udp,
    /// TCP SYN to a port.
    Tcp,
}

/// One probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// With what.
    pub method: Method,
    /// Whereto; the port counts for UDP and TCP.
    pub destination: SocketAddr,
    /// The source address, where it is not the kernel's choice.
    pub source: Option<IpAddr>,
    /// Index of the interface, 0 for the kernel's choice.
    pub device: u32,
    /// TTL or hop limit; 0 for the usual one.
    pub ttl: u8,
    /// The kernel throws segments away that come with a smaller TTL or hop limit (IP_MINTTL, IPV6_MINHOPCOUNT); 0 for none.
    /// For TCP alone.
    pub least_ttl: u8,
    /// Its number.
    pub sequence: u16,
    /// Bytes of the whole packet with its IP header; no less than the headers need. Not for TCP.
    pub bytes: usize,
    /// Must not be fragmented, whatever the kernel thinks of the path.
    pub whole: bool,
}

/// Finds out whether ICMP echo can be sent, and how; `None` when it cannot.
pub fn icmp_method(ipv6: bool) -> Option<Method> {
    [Method::Ping, Method::RawIcmp]
        .into_iter()
        .find(|&method| socket::open(method, ipv6).is_ok())
}

/// When a probe was sent, by two clocks: the kernel's timestamps are of the second.
#[derive(Debug, Clone, Copy)]
struct Sending {
    clock: Instant,
    since_1970: Duration,
}

impl Sending {
    fn now() -> Self {
        Self {
            clock: Instant::now(),
            since_1970: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default(),
        }
    }

    /// Gives the time that passed until the kernel got the answer, or until now where it does not tell.
    fn until(self, received: Option<Duration>) -> Duration {
        let passed = self.clock.elapsed();
        received
            .and_then(|received| received.checked_sub(self.since_1970))
            // A clock that was set meanwhile says anything.
            .filter(|&rtt| rtt <= passed)
            .unwrap_or(passed)
    }
}

/// A probe on its way.
struct Flying {
    socket: OwnedFd,
    wakes: PollFlags,
    sent: Sending,
}

/// Sends all probes and waits for their answers, `wait` at most; gives what came of each, in their order:
/// an answer, silence, or why it could not be sent.
pub fn run(probes: &[Probe], wait: Duration) -> Vec<Result<Option<Answer>, Errno>> {
    let mut results: Vec<Result<Option<Answer>, Errno>> = Vec::new();
    let mut flying: Vec<Option<Flying>> = Vec::new();
    for probe in probes {
        match send(probe) {
            Ok(Sent::Flying(probe)) => {
                results.push(Ok(None));
                flying.push(Some(probe));
            }
            Ok(Sent::Answered(answer)) => {
                results.push(Ok(Some(answer)));
                flying.push(None);
            }
            Err(errno) => {
                results.push(Err(errno));
                flying.push(None);
            }
        }
    }
    let end = Instant::now() + wait;
    while flying.iter().any(Option::is_some) {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() || !wait_for(&flying, left) {
            break;
        }
        for ((slot, probe), result) in flying.iter_mut().zip(probes).zip(&mut results) {
            let Some(flight) = slot else { continue };
            if let Some(answer) = answer::read(probe, &flight.socket, flight.sent) {
                *result = Ok(Some(answer));
                *slot = None;
            }
        }
    }
    results
}

/// Waits until a socket has something to say; no when the time is over.
fn wait_for(flying: &[Option<Flying>], left: Duration) -> bool {
    let mut polled: Vec<PollFd<'_>> = flying
        .iter()
        .flatten()
        // An error in the queue wakes without being asked for.
        .map(|flight| PollFd::new(&flight.socket, flight.wakes))
        .collect();
    let timeout = Timespec::try_from(left).ok();
    match poll(&mut polled, timeout.as_ref()) {
        Ok(count) => count > 0,
        Err(errno) => errno == Errno::INTR,
    }
}

enum Sent {
    Flying(Flying),
    /// The answer came with the sending, from this host itself.
    Answered(Answer),
}

fn send(probe: &Probe) -> Result<Sent, Errno> {
    let socket = socket::prepare(probe)?;
    let sent = Sending::now();
    match socket::launch(probe, &socket) {
        Ok(()) => Ok(Sent::Flying(Flying {
            socket,
            // A connection is there when it can be written to; datagrams always can.
            wakes: match probe.method {
                Method::Tcp => PollFlags::OUT,
                Method::Ping | Method::RawIcmp | Method::Udp => PollFlags::IN,
            },
            sent,
        })),
        Err(errno) => match answer::read(probe, &socket, sent) {
            Some(answer) => Ok(Sent::Answered(answer)),
            None if errno == Errno::CONNREFUSED && probe.method == Method::Tcp => {
                Ok(Sent::Answered(Answer::refused(probe, sent)))
            }
            None => Err(errno),
        },
    }
}
