//! Datagrams for a group of IPv4 to which the tables have no way.
//!
//! A socket that names no interface (`IP_MULTICAST_IF`) sends by that of the route to the group; without any it is
//! refused. Over IPv6 each interface has a route for groups. Who announces himself to whoever may be there does so by every
//! way there is, and lives with one that is none.

use std::net::{IpAddr, Ipv4Addr};

use plumb_model::finding::Severity;
use plumb_model::notice::RefusedCall;
use plumb_model::sample::NO_ROUTE;
use plumb_model::snapshot::{Kind, Snapshot};

use super::super::super::Case;

/// Where services are looked for and announced (SSDP, WS-Discovery).
const DISCOVERY: Ipv4Addr = Ipv4Addr::new(239, 255, 255, 250);

/// Says whether it may be that somebody needs what is sent to a group: it is none for announcements, on the link
/// (RFC 5771) or beyond, and it was the absence of a route that refused it.
pub(super) fn is_needed(call: &RefusedCall) -> bool {
    let IpAddr::V4(ip) = call.address.ip().to_canonical() else {
        return false;
    };
    let is_of_link = ip.octets()[..3] == [224, 0, 0];
    call.errno == NO_ROUTE && !is_of_link && ip != DISCOVERY
}

/// Says how bad it is: a warning where the process has no other socket to reach anybody by.
pub(super) fn severity(case: &Case<'_>, call: &RefusedCall) -> Severity {
    let ip = call.address.ip().to_canonical();
    let sockets = sockets_of(&case.span.after.snapshot, call);
    if sockets == 1 || case.focus.counts_each(ip) {
        Severity::Warning
    } else {
        Severity::Info
    }
}

fn sockets_of(snapshot: &Snapshot, call: &RefusedCall) -> usize {
    let sockets = snapshot.sockets.iter().enumerate();
    let of_process = sockets.filter(|(place, socket)| {
        let owners = snapshot.owners.processes_of(*place);
        let is_its = owners.iter().any(|owner| owner.pid == call.pid);
        matches!(socket.kind, Kind::Tcp | Kind::Udp) && is_its
    });
    of_process.count()
}

pub(super) fn hints() -> Vec<String> {
    vec![
        "let the program name the interface (IP_MULTICAST_IF), or give groups a route: ip route add 224.0.0.0/4 dev IF".to_owned(),
        "who is to get it joins the group on the interface where it comes in".to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use plumb_model::Reason;
    use plumb_model::attribution::{Attribution, Holding, How, Process};
    use plumb_model::diag::tcp_info::TcpInfo;
    use plumb_model::id::Pid;
    use plumb_model::notice::Notices;
    use plumb_model::rtnl::Address;
    use plumb_model::sample::{Lookup, Sample, Way};

    use super::super::super::super::diagnose;
    use super::super::super::ID;
    use super::*;
    use crate::made_up;

    /// What is told of a process with so many sockets that cannot send to a group; of a host with an address or without.
    fn told(to: &str, sockets: usize, own: Option<[u8; 4]>) -> Vec<(&'static str, Severity)> {
        let address: SocketAddr = to.parse().expect("an end");
        let call = RefusedCall {
            call: "sendto",
            pid: Pid(7),
            comm: b"feed".to_vec(),
            protocol: 17,
            address,
            source: None,
            interface: None,
            errno: NO_ROUTE,
            count: 9,
            instead: None,
        };
        let mut socket = made_up::connection(&TcpInfo::default());
        socket.kind = Kind::Udp;
        socket.tcp = None;
        let process = Process::unknown(Pid(7), Reason::NotInSource);
        let mut owners = Attribution::new(vec![process]);
        for _ in 0..sockets {
            let how = How::Descriptor(3);
            let holding = Holding { process: 0, how };
            owners.push([holding], Reason::NotInSource);
        }
        let own = own.map(|ip| Address {
            interface: 2,
            ip: ip.into(),
            prefix_len: 24,
            scope: 0,
            flags: 0,
        });
        let sample = Sample {
            addresses: own.into_iter().collect(),
            snapshot: Snapshot {
                sockets: vec![socket; sockets],
                owners,
                ..Snapshot::default()
            },
            refused: vec![Lookup {
                way: Way::of(&call),
                route: Err(NO_ROUTE),
            }],
            ..Sample::default()
        };
        let notices = Notices {
            refused_calls: vec![call],
            ..Notices::default()
        };
        let case = Case {
            notices: &notices,
            ..made_up::between(&sample, &sample)
        };
        let found = diagnose(&case).into_iter();
        found.map(|found| (found.kind, found.severity)).collect()
    }

    #[test]
    fn a_group_without_a_route_is_told_to_who_has_no_other_way() {
        let own = Some([10, 9, 0, 1]);
        assert_eq!(told("239.1.2.3:9999", 1, own), [(ID, Severity::Warning)]);
        assert_eq!(told("239.1.2.3:9999", 4, own), [(ID, Severity::Info)]);
        // Announcements, a host without an address, and a family that has routes for groups.
        assert_eq!(told("224.0.0.251:5353", 1, own), []);
        assert_eq!(told("239.255.255.250:1900", 1, own), []);
        assert_eq!(told("239.1.2.3:9999", 1, None), []);
        assert_eq!(told("[ff15::1234]:9999", 1, own), []);
    }
}
