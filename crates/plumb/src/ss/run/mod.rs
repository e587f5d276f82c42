//! The tables of a listing, one module for each kind of socket, in the original's order.
//!
//! All have the shape `pub fn run(session: &mut Session)`: dump, filter, hand rows to the session.

pub mod diag_file;
mod events;
pub mod inet;
mod kill;
pub mod summary;

use plumb_model::diag::inet::Protocol;

use super::options::Stop;
use super::options::selection::Table;
use super::session::Session;

/// Lists every table that was selected; gives the exit status.
pub fn run(session: &mut Session) -> Result<u8, Stop> {
    if session.options.events {
        return events::run(session);
    }
    session.begin();
    session.in_each_netns(list);
    Ok(0)
}

/// Lists the tables of one namespace.
fn list(session: &mut Session) {
    show_inet(session, Table::Raw, Protocol::IPPROTO_RAW);
    show_inet(session, Table::Udp, Protocol::UDP);
    show_inet(session, Table::Tcp, Protocol::TCP);
    show_inet(session, Table::Dccp, Protocol::DCCP);
    show_inet(session, Table::Sctp, Protocol::SCTP);
    show_inet(session, Table::Mptcp, Protocol::MPTCP);
}

fn show_inet(session: &mut Session, table: Table, protocol: Protocol) {
    let selection = session.options.selection;
    if selection.tables.contains(table) && selection.families.any_inet() {
        inet::run(session, protocol);
    }
}
