//! `--stack`: the rows of ss as a recorder is asked about them.

use std::net::SocketAddr;

use plumb_model::diag::inet::{DiagEndpoint, InetDiag};
use plumb_model::id::Cookie;
use plumb_model::socket::SocketState;

use crate::creations::Subject;

/// Gives what is asked about a row.
pub fn subject(row: &InetDiag<'_>) -> Subject {
    // What came from /proc has no cookie, whatever stands for it there.
    let is_named = row.cookie != 0 && row.from_proc.is_none();
    let end = |end: &DiagEndpoint| {
        let port = u16::try_from(end.port).unwrap_or(0);
        SocketAddr::new(end.ip(row.family), port)
    };
    Subject {
        cookie: is_named.then_some(Cookie(row.cookie)),
        state: SocketState(row.state),
        // None of IP's has more bits, and MPTCP is none.
        protocol: u8::try_from(row.protocol.0).unwrap_or(0),
        local: end(&row.local),
        peer: end(&row.peer),
    }
}
