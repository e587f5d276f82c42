//! Legacy families.

use super::sockets::{Plan, Table, missing};
use crate::netstat::options::Family;
use crate::netstat::session::Session;

/// Prints the table of one family.
pub fn run(session: &mut Session, plan: &Plan, family: Family) -> u8 {
    missing(session, plan, Table::Legacy(family))
}
