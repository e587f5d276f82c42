//! The IPv6 tables of -r.

use std::net::{IpAddr, Ipv6Addr};

use plumb_collect::proc::read_file;
use plumb_model::route::{Route6, RouteFlags};
use plumb_present::json::routes::RouteRow;
use plumb_present::netstat::routes6;
use plumb_wire::proc::routes::decode_routes6;

use super::{ARRAY, is_numeric, not_configured, wants_fib};
use crate::netstat::run::reading::{empty_if_unreadable, host_text, number_text};
use crate::netstat::session::Session;

const ROUTE: &str = "/proc/net/ipv6_route";
/// The neighbour cache as a file, which no kernel since 2.2 has.
const NEIGHBOURS: &str = "/proc/net/ndisc";
const FAMILY: &str = "INET6 (IPv6)";

/// Which entries of the one file a table shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Table {
    Routes,
    Cache,
}

impl Table {
    fn title(self) -> &'static [u8] {
        match self {
            Self::Routes => routes6::TITLE,
            Self::Cache => routes6::CACHE_TITLE,
        }
    }

    fn shows(self, route: &Route6) -> bool {
        route.common.flags.contains(RouteFlags::CACHE) == (self == Self::Cache)
    }
}

/// Prints the tables asked for.
pub fn run(session: &mut Session) -> u8 {
    if wants_fib(session) {
        let status = table(session, Table::Routes);
        if status != 0 {
            return status;
        }
    }
    if !session.options.route_cache {
        return 0;
    }
    if read_file(NEIGHBOURS).is_ok() {
        neighbours(session)
    } else {
        table(session, Table::Cache)
    }
}

fn table(session: &mut Session, table: Table) -> u8 {
    let mut titled = false;
    session.in_each_netns(|session| {
        let text = match empty_if_unreadable(read_file(ROUTE)) {
            Ok(text) => text,
            Err(error) => return not_configured(session, ROUTE, error, FAMILY),
        };
        if !titled && !session.is_json() {
            titled = true;
            session.out.title(table.title());
            session.out.header(routes6::HEADER);
        }
        for route in decode_routes6(&text)
            .iter()
            .filter(|route| table.shows(route))
        {
            write_route(session, route);
        }
        0
    })
}

/// The heads of the neighbour cache; its rows are of a format that no kernel writes any more.
fn neighbours(session: &mut Session) -> u8 {
    if !session.is_json() {
        session.out.title(routes6::NEIGHBOUR_TITLE);
        session.out.header(routes6::NEIGHBOUR_HEADER);
    }
    0
}

fn write_route(session: &mut Session, route: &Route6) {
    if session.is_json() {
        let row = RouteRow::from_route6(session.json_netns(), route);
        return session.push_json(ARRAY, &row);
    }
    let destination = addr_text(session, route.destination);
    let next_hop = addr_text(session, route.next_hop);
    let interface = session.shown(&route.common.interface).into_owned();
    session.out.row(|out| {
        routes6::write_route6(out, route, &destination, &next_hop, &interface);
    });
}

fn addr_text(session: &mut Session, addr: Ipv6Addr) -> Vec<u8> {
    if is_numeric(session) {
        number_text(IpAddr::V6(addr))
    } else {
        host_text(session, IpAddr::V6(addr))
    }
}
