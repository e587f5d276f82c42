//! -r: the routing tables, family by family in the order of the command line.
//!
//! The first family that fails ends the listing with its exit status. IPv4 and IPv6 have modules
//! of their own; of the other families only their absence is known.

mod inet;
mod inet6;
mod other;

use plumb_wire::proc::routes::RouteMemory;
use rustix::io::Errno;

use crate::errno;
use crate::netstat::options::Family;
use crate::netstat::session::Session;

/// The array of the JSON document.
const ARRAY: &str = "routes";

/// Prints the tables.
pub fn run(session: &mut Session) -> u8 {
    session.declare_json(ARRAY);
    let mut families = session.options.families.clone();
    if families.is_empty() {
        families.push(Family::Inet);
    }
    let mut memory = RouteMemory::default();
    families
        .into_iter()
        .map(|family| match family {
            Family::Inet => inet::run(session, &mut memory),
            Family::Inet6 => inet6::run(session),
            Family::Unix
            | Family::Ipx
            | Family::Ax25
            | Family::X25
            | Family::Netrom
            | Family::Rose
            | Family::Ddp
            | Family::Econet
            | Family::Ash
            | Family::Bluetooth => other::run(session, family),
        })
        .find(|&status| status != 0)
        .unwrap_or(0)
}

/// The tables -F and -C choose; without either, the routes.
fn wants_fib(session: &Session) -> bool {
    session.options.route_fib || !session.options.route_cache
}

/// Host names are not wanted; -N has that effect here too.
fn is_numeric(session: &Session) -> bool {
    session.options.numeric.hosts || session.options.symbolic
}

/// Says that the file of a family cannot be opened; gives the exit status.
fn not_configured(session: &mut Session, path: &str, error: Errno, family: &str) -> u8 {
    session.complain_once(format!("{path}: {}\n", errno::words(error)).as_bytes());
    say(
        session,
        &format!("{family} not configured in this system.\n"),
    );
    1
}

/// Writes a sentence that the original puts on standard output.
fn say(session: &mut Session, sentence: &str) {
    if session.is_json() {
        session.complain(sentence.as_bytes());
    } else {
        session.out.title(sentence.as_bytes());
    }
}
