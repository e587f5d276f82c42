//! `multicast-not-joined`: datagrams for a group come to an interface that has not joined it.
//!
//! A socket gets what is sent to a group only if it joined the group on the interface where that comes in
//! (`ip_check_mc_rcu`); binding to the port is not enough. `/proc/net/igmp` and `igmp6` list what is joined.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use plumb_model::finding::{Confidence, Finding, Severity, Subject};
use plumb_model::notice::{Direction, What};
use plumb_model::snapshot::{Kind, Socket};

use super::{Case, evidence, sockets, subject};

/// The id of the finding.
pub const ID: &str = "multicast-not-joined";
/// Fewer are chance.
const SEVERAL: u64 = 3;

/// Looks for groups that come and are not joined where they come.
pub fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut groups: BTreeMap<(SocketAddr, u32), u64> = BTreeMap::new();
    for notice in case
        .notices
        .of(Direction::Received, |what| what == What::Multicast)
    {
        *groups
            .entry((sockets::plain(notice.local), notice.interface))
            .or_default() += notice.count;
    }
    groups
        .into_iter()
        .filter(|(_, count)| *count >= SEVERAL)
        .filter_map(|((group, interface), count)| judge(case, group, interface, count))
        .collect()
}

fn judge(case: &Case<'_>, group: SocketAddr, interface: u32, count: u64) -> Option<Finding> {
    let sample = case.span.after;
    let link = sample
        .links
        .iter()
        .find(|link| link.base.index == interface)?;
    let joined_on: Vec<String> = sample
        .memberships
        .iter()
        .filter(|joined| joined.group == group.ip())
        .map(|joined| String::from_utf8_lossy(joined.interface.trim_ascii()).into_owned())
        .collect();
    let name = String::from_utf8_lossy(&link.base.name).into_owned();
    if joined_on.contains(&name) {
        return None;
    }
    // Nobody waits for what nobody is bound to.
    let (place, _) = sample
        .snapshot
        .sockets
        .iter()
        .enumerate()
        .find(|(_, socket)| waits(socket, group))?;
    let owner = subject::of_socket(&sample.snapshot, place, "socket");
    let where_joined = if joined_on.is_empty() {
        "on no interface".to_owned()
    } else {
        format!("on {} alone", joined_on.join(", "))
    };
    Some(Finding {
        kind: ID,
        severity: Severity::Warning,
        summary: format!(
            "datagrams for {group} come in on {name}, and the group is joined {where_joined}"
        ),
        subject: Subject {
            local: Some(group.to_string()),
            interface: Some(name.clone()),
            peer: None,
            ..owner
        },
        evidence: vec![
            evidence::fact(
                "packets received",
                format!(
                    "{count} datagrams for {group} on {name} in {:.1} s",
                    case.span.seconds()
                ),
            ),
            evidence::fact(
                "/proc/net/igmp, /proc/net/igmp6",
                format!("{} is joined {where_joined}", group.ip()),
            ),
        ],
        hints: vec![
            format!(
                "name the interface when joining (IP_ADD_MEMBERSHIP with {name}'s address or index)"
            ),
            "without one the kernel takes that of the route to the group: ip route get GROUP"
                .to_owned(),
        ],
        confidence: Confidence::Certain,
    })
}

/// Says whether a socket would take a group's datagrams if they were let in.
fn waits(socket: &Socket, group: SocketAddr) -> bool {
    let Some(local) = socket.local.inet().filter(|_| socket.kind == Kind::Udp) else {
        return false;
    };
    let any = match local.ip() {
        IpAddr::V4(ip) => ip.is_unspecified() && group.is_ipv4(),
        IpAddr::V6(ip) => ip.is_unspecified(),
    };
    local.port() == group.port() && (any || local.ip().to_canonical() == group.ip())
}

#[cfg(test)]
mod tests {
    use plumb_model::diag::tcp_info::TcpInfo;
    use plumb_model::group::Membership;
    use plumb_model::notice::{Notice, Notices};
    use plumb_model::snapshot::End;
    use plumb_model::socket::SocketState;

    use super::*;
    use crate::made_up;

    /// What is told where datagrams for a group come in on eth0 (2), which is joined on another interface, and a socket is
    /// bound so.
    fn told(bound: &str, joined_on: &str) -> Vec<String> {
        let group: SocketAddr = "[ff02::77]:5007".parse().expect("an end");
        let mut sample = made_up::sample(0, &TcpInfo::default());
        let socket = &mut sample.snapshot.sockets[0];
        socket.kind = Kind::Udp;
        socket.state = SocketState::CLOSE;
        socket.local = End::Inet(bound.parse().expect("an end"));
        sample.links = vec![made_up::link(2, "eth0")];
        sample.memberships = vec![Membership {
            interface: joined_on.as_bytes().to_vec(),
            users: 1,
            group: group.ip(),
        }];
        let notices = Notices {
            all: vec![Notice {
                what: What::Multicast,
                direction: Direction::Received,
                protocol: 17,
                local: group,
                peer: "[fe80::1]:40000".parse().expect("an end"),
                interface: 2,
                count: 100,
                age_us: 0,
                last_age_us: 0,
            }],
            ..Notices::default()
        };
        let found = check(&Case {
            notices: &notices,
            ..made_up::between(&sample, &sample)
        });
        found.into_iter().map(|found| found.summary).collect()
    }

    #[test]
    fn a_group_of_ipv6_that_is_joined_on_another_interface_is_told_to_who_can_take_it() {
        let said =
            "datagrams for [ff02::77]:5007 come in on eth0, and the group is joined on eth1 alone";
        assert_eq!(told("[::]:5007", "eth1"), [said]);
        assert_eq!(told("[::]:5007", "eth0"), [""; 0]);
        // A socket of IPv4 takes no group of IPv6.
        assert_eq!(told("0.0.0.0:5007", "eth1"), [""; 0]);
    }
}
