//! The tables of a listing, one module for each kind of socket, in the original's order.
//!
//! All have the shape `pub fn run(session: &mut Session)`: dump, filter, hand rows to the session.

pub mod diag_file;
mod dump;
mod events;
mod facts;
pub mod inet;
mod kill;
mod netlink;
mod packet;
pub mod summary;
mod tipc;
mod unix;
mod vsock;
mod xdp;

use plumb_model::diag::inet::Protocol;

use super::options::Stop;
use super::options::selection::{Family, Table};
use super::session::Session;
use crate::creations::Creations;

/// Lists every table that was selected; gives the exit status.
pub fn run(session: &mut Session) -> Result<u8, Stop> {
    if session.options.events {
        return events::run(session);
    }
    session.begin();
    session.in_each_netns(list);
    say_undecided(session);
    say_hidden_holders(session);
    say_losses(session);
    Ok(0)
}

/// Says that processes may be missing from the rows of a document. In the table the original says
/// nothing.
fn say_hidden_holders(session: &mut Session) {
    if !session.is_text() && session.names.lacks_holders() {
        session.complain(b"ss: find processes: not all of them may be looked at\n");
    }
}

/// With --stack, says what the recorder did not see or has lost.
fn say_losses(session: &mut Session) {
    let losses = session.creations.iter().flat_map(Creations::losses);
    let losses: Vec<String> = losses
        .map(|loss| format!("ss: --stack: {loss}\n"))
        .collect();
    for loss in losses {
        session.complain(loss.as_bytes());
    }
}

/// Says how many rows are missing because a test of plumb's own could not be answered.
fn say_undecided(session: &mut Session) {
    let count = session.filter.undecided;
    if count > 0 {
        let (sockets, them) = match count {
            1 => ("socket is", "it"),
            _ => ("sockets are", "them"),
        };
        let text = format!(
            "ss: {count} {sockets} not shown: what the expression asks of {them} is not known\n"
        );
        session.complain(text.as_bytes());
    }
}

/// Lists the tables of one namespace.
fn list(session: &mut Session) {
    show(session, Family::Netlink, &[Table::Netlink], netlink::run);
    show(
        session,
        Family::Link,
        &[Table::PacketRaw, Table::PacketDgram],
        packet::run,
    );
    let unix_tables = [Table::UnixStream, Table::UnixDgram, Table::UnixSeqpacket];
    show(session, Family::Unix, &unix_tables, unix::run);
    show_inet(session, Table::Raw, Protocol::IPPROTO_RAW);
    show_inet(session, Table::Udp, Protocol::UDP);
    show_inet(session, Table::Tcp, Protocol::TCP);
    show_inet(session, Table::Dccp, Protocol::DCCP);
    show_inet(session, Table::Sctp, Protocol::SCTP);
    let vsock_tables = [Table::VsockStream, Table::VsockDgram];
    show(session, Family::Vsock, &vsock_tables, vsock::run);
    show(session, Family::Tipc, &[Table::Tipc], tipc::run);
    show(session, Family::Xdp, &[Table::Xdp], xdp::run);
    show_inet(session, Table::Mptcp, Protocol::MPTCP);
}

/// Runs the mode of a family that is selected, if one of its tables is.
fn show(session: &mut Session, family: Family, tables: &[Table], run: fn(&mut Session)) {
    let selection = session.options.selection;
    let any = tables.iter().any(|&table| selection.tables.contains(table));
    if any && selection.families.contains(family) {
        run(session);
    }
}

fn show_inet(session: &mut Session, table: Table, protocol: Protocol) {
    let selection = session.options.selection;
    if selection.tables.contains(table) && selection.families.any_inet() {
        inet::run(session, protocol);
    }
}
