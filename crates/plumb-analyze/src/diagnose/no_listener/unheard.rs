//! Refusals where the wire cannot be watched: that this host sends resets which no connection explains is counted, at which
//! port is not. Of a port that was asked about, and that nobody serves for others, they may be; that is no more than a guess.

use std::net::{Ipv4Addr, SocketAddr};

use plumb_model::finding::{Confidence, Finding, Severity};

use super::super::{Case, evidence, sockets, subject};
use super::{ID, LOOPBACK, listener};

/// Fewer are chance.
const SEVERAL: u64 = 3;
/// Connections of this host that ended with a reset of its own (`tcp_close`, `tcp_rcv_state_process`).
const OWN: [&str; 3] = ["TCPAbortOnClose", "TCPAbortOnData", "TCPAbortOnLinger"];

/// Looks at the port that was asked about.
pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let port = case
        .focus
        .port
        .filter(|_| case.notices.is_blind && case.focus.hosts.is_empty())?;
    let grown = |group: &str, name: &str| case.span.grown(group, name).ok().unwrap_or(0);
    let own: u64 = OWN.iter().map(|name| grown("TcpExt", name)).sum();
    let refusals = grown("Tcp", "OutRsts").saturating_sub(own);
    if refusals < SEVERAL {
        return None;
    }
    let sample = case.span.after;
    let here = sockets::listeners(sample)
        .filter(|(_, listener)| listener.local.port() == Some(port))
        .collect::<Vec<_>>();
    let is_loopback = |end: SocketAddr| end.ip().to_canonical().is_loopback();
    let ends = here.iter().filter_map(|(_, socket)| socket.local.inet());
    if !ends.clone().all(is_loopback) {
        return None;
    }
    let (kind, subject, what, hint) = match here.first() {
        Some((place, _)) => (
            LOOPBACK,
            subject::of_socket(&sample.snapshot, *place, "listener"),
            format!("port {port} is served on loopback alone"),
            "if others should come: let the program listen on every address",
        ),
        None => (
            ID,
            listener(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))),
            format!("nothing listens on port {port}"),
            "start the server; if it runs, see what it listens on: plumb -tlnp",
        ),
    };
    let seconds = case.span.seconds();
    let fact = evidence::fact(
        "/proc/net/snmp Tcp.OutRsts, /proc/net/netstat TcpExt.TCPAbortOn*",
        format!(
            "this host refused {refusals} segments in {seconds:.1} s, at which ports is not known"
        ),
    );
    Some(Finding {
        kind,
        severity: Severity::Info,
        summary: format!("{what}, and this host refuses attempts, perhaps at it"),
        subject,
        evidence: vec![fact],
        hints: vec![
            hint.to_owned(),
            format!("root sees at which port: sudo plumb diagnose :{port}"),
        ],
        confidence: Confidence::Possible,
    })
}

#[cfg(test)]
mod tests {
    use plumb_model::diag::tcp_info::TcpInfo;
    use plumb_model::notice::Notices;
    use plumb_model::sample::Sample;
    use plumb_model::snapshot::End;
    use plumb_model::socket::SocketState;

    use super::super::super::{Focus, diagnose};
    use crate::made_up;

    use super::*;

    /// What is found of port 9000 without the wire, where it is served there, and so many resets were sent, so many of
    /// them at the ends of connections.
    fn found(served: &[[u8; 4]], resets: u64, own: u64, blind: bool) -> Vec<&'static str> {
        let sample = |times: u64| {
            let mut sample = Sample::default();
            made_up::count(&mut sample, "Tcp", "OutRsts", resets * times);
            made_up::count(&mut sample, "TcpExt", "TCPAbortOnClose", own * times);
            for &ip in served {
                let mut socket = made_up::connection(&TcpInfo::default());
                socket.state = SocketState::LISTEN;
                socket.local = End::Inet(SocketAddr::from((ip, 9000)));
                socket.peer = End::Inet(SocketAddr::from(([0, 0, 0, 0], 0)));
                sample.snapshot.sockets.push(socket);
            }
            sample
        };
        let (before, after) = (sample(0), sample(1));
        let notices = Notices {
            is_blind: blind,
            ..Notices::default()
        };
        let focus = Focus {
            port: Some(9000),
            ..Focus::default()
        };
        let found = diagnose(&Case {
            notices: &notices,
            focus: &focus,
            ..made_up::between(&before, &after)
        });
        assert!(found.iter().all(|found| found.severity == Severity::Info));
        found.into_iter().map(|found| found.kind).collect()
    }

    #[test]
    fn refusals_that_are_counted_alone_may_be_those_of_a_port_that_nobody_serves_for_others() {
        assert_eq!(found(&[], 20, 0, true), [ID]);
        assert_eq!(found(&[[127, 0, 0, 1]], 20, 0, true), [LOOPBACK]);
    }

    #[test]
    fn a_port_that_is_served_resets_of_connections_and_what_the_wire_tells_are_no_guess() {
        assert_eq!(found(&[[0, 0, 0, 0]], 20, 0, true), [""; 0]);
        assert_eq!(
            found(&[[127, 0, 0, 1], [10, 0, 0, 1]], 20, 0, true),
            [""; 0]
        );
        assert_eq!(found(&[], 20, 18, true), [""; 0]);
        assert_eq!(found(&[], 20, 0, false), [""; 0]);
    }
}
