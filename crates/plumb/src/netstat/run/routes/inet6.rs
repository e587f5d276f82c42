//! The IPv6 tables of -r.

use std::net::{IpAddr, Ipv6Addr};

use plumb_collect::proc::read_file;
use plumb_model::route::Route6;
use plumb_present::json::routes::RouteRow;
use plumb_present::netstat::routes6;
use plumb_wire::proc::routes::{Table6, decode_routes6};

use super::{ARRAY, is_numeric, not_configured, wants_fib};
use crate::netstat::run::reading::{empty_if_unreadable, host_text, number_text};
use crate::netstat::session::Session;

const ROUTE: &str = "/proc/net/ipv6_route";
/// The neighbour cache as a file, which no kernel since 2.2 has.
const NEIGHBOURS: &str = "/proc/net/ndisc";
const FAMILY: &str = "INET6 (IPv6)";

/// Prints the tables asked for.
pub fn run(session: &mut Session) -> u8 {
    if wants_fib(session) {
        let status = write_table(session, Table6::Routes);
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
        write_table(session, Table6::Cache)
    }
}

fn write_table(session: &mut Session, table: Table6) -> u8 {
    let mut titled = false;
    session.in_each_netns(|session| {
        let text = match empty_if_unreadable(read_file(ROUTE)) {
            Ok(text) => text,
            Err(error) => return not_configured(session, ROUTE, error, FAMILY),
        };
        if !titled && !session.is_json() {
            titled = true;
            session.out.title(title(table));
            session.out.header(routes6::HEADER);
        }
        for route in &decode_routes6(&text, table) {
            write_route(session, route);
        }
        0
    })
}

fn title(table: Table6) -> &'static [u8] {
    match table {
        Table6::Routes => routes6::TITLE,
        Table6::Cache => routes6::CACHE_TITLE,
    }
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
