//! One module per mode or table. Each has `run`, which gives the exit status.

pub mod groups;
pub mod interfaces;
pub mod legacy;
pub mod masquerade;
pub mod memory;
mod reading;
pub mod routes;
pub mod sctp;
pub mod sockets;
pub mod statistics;

use super::options::Mode;
use super::session::Session;

/// Runs the mode that was asked for, once.
pub fn run(session: &mut Session) -> u8 {
    match session.options.mode {
        Mode::Sockets => sockets::run(session),
        Mode::Routes => routes::run(session),
        Mode::Interfaces => interfaces::run(session),
        Mode::Statistics => statistics::run(session),
        Mode::Masquerade => masquerade::run(session),
        Mode::Memory => memory::run(session),
    }
}
