//! Not there yet.

use crate::netstat::session::Session;

/// Not there yet.
pub fn run(_session: &mut Session) -> u8 {
    70
}
