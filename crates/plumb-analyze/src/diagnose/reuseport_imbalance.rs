//! `reuseport-imbalance`: of the sockets that share a port by SO_REUSEPORT, one's queue fills while the
//! others are idle.
//!
//! The kernel chooses a socket of the group by hash, whether its process accepts or not
//! (`reuseport_select_sock`): connections that fall to a stuck process wait though others could serve.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use plumb_model::finding::{Confidence, Finding, Severity};
use plumb_model::snapshot::Socket;
use plumb_model::{Known, NetnsId};

use super::{Case, evidence, sockets, subject};

/// The id of the finding.
pub const ID: &str = "reuseport-imbalance";

/// Looks for groups in which one queue lasts and the others are empty.
pub fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut groups: BTreeMap<(NetnsId, SocketAddr), Vec<(usize, &Socket)>> = BTreeMap::new();
    for (place, listener) in sockets::listeners(case.span.after) {
        if let Some(local) = listener.local.inet() {
            let group = groups.entry((listener.netns, local)).or_default();
            group.push((place, listener));
        }
    }
    groups
        .into_values()
        .filter(|group| group.len() > 1)
        .flat_map(|group| starving(case, &group))
        .collect()
}

/// Gives a finding for each socket that waits while another of its group has nothing to do.
fn starving(case: &Case<'_>, group: &[(usize, &Socket)]) -> Vec<Finding> {
    let waiting = |socket: &Socket| socket.recv_q.ok().unwrap_or(0);
    let lasts = |socket: &Socket| {
        let earlier = sockets::same(case.span.before, socket).map_or(0, waiting);
        waiting(socket).min(earlier)
    };
    let idle = group
        .iter()
        .filter(|(_, socket)| waiting(socket) == 0 && lasts(socket) == 0)
        .count();
    if idle == 0 {
        return Vec::new();
    }
    let stuck = group.iter().filter(|(_, socket)| lasts(socket) > 0);
    stuck
        .map(|(place, socket)| finding(case, *place, socket, group.len(), idle))
        .collect()
}

fn finding(case: &Case<'_>, place: usize, socket: &Socket, all: usize, idle: usize) -> Finding {
    let subject = subject::of_socket(&case.span.after.snapshot, place, "listener");
    let local = subject.local.clone().unwrap_or_default();
    let (waiting, limit) = match (socket.recv_q, socket.send_q) {
        (Known::Known(waiting), Known::Known(limit)) => (waiting, limit),
        _ => (0, 0),
    };
    Finding {
        kind: ID,
        severity: Severity::Warning,
        summary: format!(
            "one of {all} sockets that share {local} does not accept, with {} in its queue",
            evidence::connections(waiting)
        ),
        evidence: vec![evidence::fact(
            "sock_diag recv-q of the group",
            format!("{waiting} of {limit} wait at one socket through the watch, {idle} others have none"),
        )],
        hints: vec![
            subject::see_instead(&subject, "accepting"),
            "close the listening socket of a process that will not accept, so that the kernel stops choosing it".to_owned(),
        ],
        subject,
        confidence: Confidence::Certain,
    }
}
