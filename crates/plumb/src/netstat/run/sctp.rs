//! SCTP.

use plumb_model::Inode;

use super::sockets::{Plan, Rows, Table, missing};
use crate::netstat::session::Session;

/// Prints the SCTP rows; `rows.extras(uid, inode)` gives the bytes of the optional columns.
pub fn run(session: &mut Session, plan: &Plan, _rows: &mut Rows) -> u8 {
    missing(session, plan, Table::Sctp)
}

/// Gives the inodes whose owners the rows will want.
pub fn inodes(_session: &mut Session) -> Vec<Inode> {
    Vec::new()
}
