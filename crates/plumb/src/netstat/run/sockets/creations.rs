//! `--stack`: the rows of netstat as a recorder is asked about them.

use std::net::SocketAddr;

use plumb_model::socket::{Endpoint, InetProtocol, InetSocket};

use super::plan::Table;
use super::read::Item;
use crate::creations::Subject;

/// Gives what is asked about the rows of a table.
pub fn subjects(table: Table, items: &[Item]) -> Vec<Subject> {
    let subject = |item: &Item| match (table, item) {
        (Table::Inet(protocol, _), Item::Inet(socket)) => Some(subject(protocol, socket)),
        _ => None,
    };
    items.iter().filter_map(subject).collect()
}

/// Gives what is asked about one row.
pub fn subject(protocol: InetProtocol, socket: &InetSocket) -> Subject {
    Subject {
        cookie: socket.cookie.ok(),
        state: socket.state,
        protocol: match protocol {
            InetProtocol::Tcp => 6,
            InetProtocol::Udp => 17,
            InetProtocol::UdpLite => 136,
            InetProtocol::Raw => 255,
        },
        local: end(&socket.local),
        peer: end(&socket.peer),
    }
}

/// Ports of raw sockets are numbers of protocols; nobody looks for them by their ends.
fn end(end: &Endpoint) -> SocketAddr {
    SocketAddr::new(end.addr, u16::try_from(end.port.0).unwrap_or(0))
}
