//! The first columns of a row, which all tables write alike, and what several tables append.

use std::fmt::Display;

use super::inet::{socket_state_name, write_queue};
use super::layout::Table;
use super::view::View;
use crate::text::put;

/// What stands in the first four columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Front {
    /// Name of the table.
    pub netid: &'static str,
    /// State, numbered as for TCP.
    pub state: u32,
    /// Receive queue; printed as the original does, in 32 bits with a sign.
    pub recv_q: u32,
    /// Send queue, likewise.
    pub send_q: u32,
}

/// Writes the first four columns; the local address is next.
pub(super) fn write_front(table: &mut Table, front: Front, view: &View) {
    table.cell().extend_from_slice(front.netid.as_bytes());
    table.next();
    let state = socket_state_name(front.state, view);
    table.cell().extend_from_slice(state.as_bytes());
    table.next();
    for queue in [front.recv_q, front.send_q] {
        write_queue(table.cell(), queue);
        table.next();
    }
}

/// Writes an address with its delimiter and a port; the column behind them is next.
pub(super) fn write_end(
    table: &mut Table,
    address: impl Display,
    delimiter: &str,
    port: impl Display,
) {
    put(table.cell(), format_args!("{address}{delimiter}"));
    table.next();
    put(table.cell(), format_args!("{port}"));
    table.next();
}

/// Who a socket belongs to, the start of the details of packet, TIPC and XDP rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    /// Owning user; not shown when 0.
    pub uid: u32,
    /// Inode.
    pub inode: u32,
    /// The kernel's name for the socket.
    pub cookie: u64,
}

/// Appends user, inode and cookie.
pub(super) fn write_identity(out: &mut Vec<u8>, identity: Identity) {
    let Identity { uid, inode, cookie } = identity;
    if uid != 0 {
        put(out, format_args!(" uid:{uid}"));
    }
    put(out, format_args!(" ino:{inode} sk:{cookie:x}"));
}

/// Gives what stands between the records of one row: a line break, or with -O a blank.
pub(super) fn separator(view: &View) -> &'static str {
    if view.oneline { " " } else { "\n\t" }
}
