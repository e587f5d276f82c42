//! Whether there was anything to look at of an end that was asked about: where no socket has it and no packet passed, that
//! nothing was found says nothing.

use std::net::SocketAddr;

use super::Case;

/// Says whether a port or a host was asked about of which the samples have no socket and the watch no packet.
pub fn is_quiet(case: &Case<'_>) -> bool {
    let focus = case.focus;
    if focus.port.is_none() && focus.hosts.is_empty() {
        return false;
    }
    let is_host =
        |end: SocketAddr| focus.hosts.is_empty() || focus.hosts.contains(&end.ip().to_canonical());
    let is_port = |end: SocketAddr| focus.port.is_none_or(|port| port == end.port());
    // The port may be ours where the host is the other end.
    let is_asked = |ends: [Option<SocketAddr>; 2]| {
        let mut ends = ends.into_iter().flatten();
        let mut others = ends.clone();
        ends.any(is_host) && others.any(is_port)
    };
    let samples = [case.span.before, case.span.after];
    let mut sockets = samples.iter().flat_map(|sample| &sample.snapshot.sockets);
    let mut packets = case.notices.all.iter();
    let mut calls = case.notices.refused_calls.iter();
    !sockets.any(|socket| is_asked([socket.local.inet(), socket.peer.inet()]))
        && !packets.any(|notice| is_asked([Some(notice.local), Some(notice.peer)]))
        && !calls.any(|call| is_asked([Some(call.address), None]))
}

#[cfg(test)]
mod tests {
    use plumb_model::diag::tcp_info::TcpInfo;

    use super::*;
    use crate::diagnose::Focus;
    use crate::made_up;

    #[test]
    fn an_end_is_quiet_of_which_there_is_no_socket_and_no_packet() {
        // 10.0.0.1:40000 to 10.0.0.2:80.
        let sample = made_up::sample(1, &TcpInfo::default());
        let quiet = |host: Option<[u8; 4]>, port| {
            let focus = Focus {
                hosts: host.into_iter().map(Into::into).collect(),
                port,
                ..Focus::default()
            };
            is_quiet(&Case {
                focus: &focus,
                ..made_up::between(&sample, &sample)
            })
        };
        assert!(!quiet(None, None) && !quiet(None, Some(80)) && !quiet(None, Some(40_000)));
        assert!(!quiet(Some([10, 0, 0, 2]), None) && !quiet(Some([10, 0, 0, 2]), Some(80)));
        assert!(quiet(None, Some(81)) && quiet(Some([10, 0, 0, 3]), None));
        assert!(quiet(Some([10, 0, 0, 2]), Some(81)));
    }
}
