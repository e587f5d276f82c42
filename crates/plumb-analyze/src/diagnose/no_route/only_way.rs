//! Whether attempts over IPv6 that find no route are the only way of who makes them.
//!
//! Programs try both families (RFC 8305), and where there is no IPv6 the kernel refuses at once: that harms nobody who goes
//! on with IPv4. Who has no other connection, and of whom no other attempt is seen, never arrives.

use std::net::IpAddr;

use plumb_model::notice::{Direction, Notice, RefusedCall, What};
use plumb_model::sample::Sample;
use plumb_model::snapshot::{Kind, Socket};

use super::{SEVERAL, TCP};
use crate::diagnose::{Case, sockets};

/// Says whether programs tried a destination several times and are seen to try nothing else. Where the wire was not
/// watched, or not all of it was seen, that is not known. `getaddrinfo()` connects sockets for datagrams to sort addresses:
/// those are no attempts.
pub(super) fn is(case: &Case<'_>, ip: IpAddr) -> bool {
    let all = case.notices.refused_calls.iter();
    let calls: Vec<&RefusedCall> = all
        .filter(|call| call.call == "connect" && call.protocol == TCP)
        .filter(|call| call.address.ip().to_canonical() == ip)
        .collect();
    let count: u64 = calls.iter().map(|call| call.count).sum();
    let watched = !case.notices.is_blind && case.notices.lost == 0;
    count >= SEVERAL && watched && !calls.iter().any(|call| goes_on(case, call))
}

/// Says whether a process has a connection that it opened, or tries another destination.
fn goes_on(case: &Case<'_>, call: &RefusedCall) -> bool {
    let samples = [case.span.before, case.span.after];
    let opened = |sample: &Sample| {
        let mut all = sample.snapshot.sockets.iter().enumerate();
        all.any(|(place, socket)| {
            is_opened(sample, socket) && is_of(sample, place, call) == Some(true)
        })
    };
    let mut syns = case.notices.of(Direction::Sent, |what| what == What::Syn);
    samples.into_iter().any(opened) || syns.any(|syn| may_be_of(&samples, syn, call))
}

/// Says whether a socket is a connection that began on this host.
fn is_opened(sample: &Sample, socket: &Socket) -> bool {
    let peer = socket.peer.inet().is_some_and(|peer| peer.port() != 0);
    let local = socket.local.inet().map(sockets::plain);
    let is_served = local.is_some_and(|local| sockets::server_of(sample, local).is_some());
    socket.kind == Kind::Tcp && peer && !is_served
}

/// Says whether the process of a call may have sent a SYN: it is not known whose it was, or it was that process's.
fn may_be_of(samples: &[&Sample], syn: &Notice, call: &RefusedCall) -> bool {
    let local = sockets::plain(syn.local);
    let whose = samples.iter().find_map(|sample| {
        let mut all = sample.snapshot.sockets.iter();
        let place =
            all.position(|socket| socket.local.inet().map(sockets::plain) == Some(local))?;
        is_of(sample, place, call)
    });
    whose != Some(false)
}

/// Says whether a socket is the process's of a call, or that of one of the same name; `None` where nobody is known.
fn is_of(sample: &Sample, place: usize, call: &RefusedCall) -> Option<bool> {
    let processes = sample.snapshot.owners.processes_of(place);
    let mut ours = processes.iter();
    (!processes.is_empty())
        .then(|| ours.any(|process| process.pid == call.pid || process.comm == call.comm))
}

#[cfg(test)]
mod tests {
    use plumb_model::finding::Severity;
    use plumb_model::id::Pid;
    use plumb_model::notice::Notices;
    use plumb_model::sample::{Destination, NO_ROUTE};

    use super::super::ID;
    use super::*;
    use crate::diagnose::diagnose;
    use crate::made_up;

    const FAR: &str = "2001:db8::5";

    fn call(protocol: u8, count: u64) -> RefusedCall {
        RefusedCall {
            call: "connect",
            pid: Pid(7),
            comm: b"client".to_vec(),
            protocol,
            address: (FAR.parse::<IpAddr>().expect("an address"), 443).into(),
            source: None,
            interface: None,
            errno: NO_ROUTE,
            count,
            instead: None,
        }
    }

    fn severity(call: RefusedCall, syn: Option<Notice>) -> Option<Severity> {
        let sample = Sample {
            destinations: vec![Destination {
                ip: FAR.parse().expect("an address"),
                route: Err(NO_ROUTE),
            }],
            ..Sample::default()
        };
        let notices = Notices {
            all: syn.into_iter().collect(),
            refused_calls: vec![call],
            ..Notices::default()
        };
        let case = Case {
            notices: &notices,
            ..made_up::between(&sample, &sample)
        };
        let mut found = diagnose(&case).into_iter();
        found
            .find(|found| found.kind == ID)
            .map(|found| found.severity)
    }

    #[test]
    fn who_has_only_an_address_of_ipv6_and_never_arrives_is_no_happy_eyeballs() {
        let syn = Notice {
            what: What::Syn,
            direction: Direction::Sent,
            protocol: TCP,
            local: ([10, 0, 0, 1], 40_000).into(),
            peer: ([10, 0, 0, 2], 443).into(),
            interface: 2,
            count: 1,
            age_us: 0,
            last_age_us: 0,
        };
        assert_eq!(severity(call(TCP, 40), None), Some(Severity::Warning));
        // It may be the same program that goes on with IPv4.
        assert_eq!(severity(call(TCP, 40), Some(syn)), Some(Severity::Info));
        assert_eq!(severity(call(TCP, 1), None), Some(Severity::Info));
        // As getaddrinfo() does to sort addresses.
        assert_eq!(severity(call(17, 40), None), Some(Severity::Info));
    }
}
