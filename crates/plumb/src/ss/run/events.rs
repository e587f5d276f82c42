//! -E: sockets as the kernel destroys them, until somebody ends the program.

use std::io::IsTerminal as _;

use plumb_collect::sock_destroy::{Destroyed, Events};
use plumb_model::diag::inet::{AF_INET, AF_INET6, Protocol};
use plumb_wire::netlink::inet_diag_record::decode_inet_diag_record;

use crate::ss::options::selection::{Family, Table};
use crate::ss::options::{Stop, USAGE};
use crate::ss::run::inet::facts::Facts;
use crate::ss::session::Session;

/// Shows events; gives the exit status when there is nothing to wait for.
pub fn run(session: &mut Session) -> Result<u8, Stop> {
    let selection = session.options.selection;
    let mut groups = Vec::new();
    for (table, family, group) in [
        (Table::Tcp, Family::Inet, Destroyed::Tcp4),
        (Table::Udp, Family::Inet, Destroyed::Udp4),
        (Table::Tcp, Family::Inet6, Destroyed::Tcp6),
        (Table::Udp, Family::Inet6, Destroyed::Udp6),
    ] {
        if selection.tables.contains(table) && selection.families.contains(family) {
            groups.push(group);
        }
    }
    if groups.is_empty() {
        return Err(Stop::Complaint(Vec::new(), USAGE));
    }
    let mut events = Events::subscribe(&groups).map_err(|error| {
        let cause = crate::errno::words(error);
        let text = format!("Cannot open netlink socket: {cause}\n").into_bytes();
        Stop::Complaint(text, USAGE)
    })?;
    session.begin();
    // What the original writes to a terminal leaves it line by line.
    let flush = session.options.view.release.since(7, 1)
        || !session.is_table()
        || std::io::stdout().is_terminal();
    while !session.out.has_failed() {
        let result = events.next(|message| {
            let Some(row) = decode_inet_diag_record(message, Protocol::TCP) else {
                return;
            };
            let families = session.options.selection.families;
            let selected = match row.family {
                AF_INET => families.contains(Family::Inet),
                AF_INET6 => families.contains(Family::Inet6),
                _ => false,
            };
            let needs = session.filter.needs();
            let facts = Facts::new(&row, &mut session.names, needs);
            if selected && session.filter.matches(&facts) {
                super::inet::show(session, row.protocol, &row);
                session.flush_rows();
                if flush {
                    session.out.flush();
                }
            }
        });
        if result.is_err() {
            break;
        }
    }
    Ok(0)
}
