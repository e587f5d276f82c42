//! Links, addresses, rules, routes and neighbours of the network namespace this thread is in.
//!
//! Each function is one question of rtnetlink. A row that does not decode is left out: no kernel sends
//! one. Minimum kernel version: 2.6.12; the table that decided for a route is told since 4.4, the entry
//! of it since 5.1 (IPv4) and 5.4 (IPv6).

use plumb_model::rtnl::{Address, Link, Neighbour, Route, Rule};
use plumb_wire::netlink::rtnetlink::address::{NEW_ADDRESS, decode_address};
use plumb_wire::netlink::rtnetlink::link::{NEW_LINK, decode_link};
use plumb_wire::netlink::rtnetlink::neighbour::{NEW_NEIGHBOUR, decode_neighbour};
use plumb_wire::netlink::rtnetlink::neighbour_table::{
    NEW_TABLE, NeighbourTable, decode_neighbour_table,
};
use plumb_wire::netlink::rtnetlink::route::{
    NEW_ROUTE, RouteQuestion, decode_route, encode_route_question,
};
use plumb_wire::netlink::rtnetlink::rule::{NEW_RULE, decode_rule};
use plumb_wire::netlink::rtnetlink::{
    GET_ADDRESS, GET_LINK, GET_NEIGHBOUR, GET_NEIGHBOUR_TABLE, GET_ROUTE, GET_RULE, encode_dump,
};
use rustix::io::Errno;

use crate::rtnl;
use crate::sock_diag::DumpError;

/// The table of what is accepted locally (`RT_TABLE_LOCAL`).
pub const LOCAL_TABLE: u32 = 255;

/// Dumps the interfaces.
pub fn dump_links() -> Result<Vec<Link>, DumpError> {
    dump(GET_LINK, 0, &[NEW_LINK], decode_link)
}

/// Dumps the addresses of all interfaces.
pub fn dump_addresses() -> Result<Vec<Address>, DumpError> {
    dump(GET_ADDRESS, 0, &[NEW_ADDRESS], decode_address)
}

/// Dumps the neighbours of one family.
pub fn dump_neighbours(family: u8) -> Result<Vec<Neighbour>, DumpError> {
    dump(GET_NEIGHBOUR, family, &[NEW_NEIGHBOUR], decode_neighbour)
}

/// Dumps what the tables of neighbours counted, of the whole machine.
pub fn dump_neighbour_tables() -> Result<Vec<NeighbourTable>, DumpError> {
    dump(GET_NEIGHBOUR_TABLE, 0, &[NEW_TABLE], decode_neighbour_table)
}

/// Dumps the rules of one family, those asked first first.
pub fn dump_rules(family: u8) -> Result<Vec<Rule>, DumpError> {
    dump(GET_RULE, family, &[NEW_RULE], decode_rule)
}

/// Dumps the routes of all tables of one family.
pub fn dump_routes(family: u8) -> Result<Vec<Route>, DumpError> {
    dump(GET_ROUTE, family, &[NEW_ROUTE], decode_route)
}

/// Asks which route a packet would take. Where nobody added a rule, the kernel keeps the local table inside
/// the main one, and names that for both.
pub fn ask_route(question: &RouteQuestion) -> Result<Route, Errno> {
    let answer = rtnl::ask(&encode_route_question(question), &[NEW_ROUTE])?;
    decode_route(&answer).ok_or(Errno::BADMSG)
}

fn dump<T>(
    kind: u16,
    family: u8,
    row: &'static [u16],
    decode: fn(&[u8]) -> Option<T>,
) -> Result<Vec<T>, DumpError> {
    let mut rows = Vec::new();
    rtnl::dump(&encode_dump(kind, family), row, |payload| {
        rows.extend(decode(payload));
    })?;
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use plumb_model::diag::inet::AF_INET;
    use plumb_model::rtnl::RouteType;

    use super::*;

    #[test]
    fn loopback_is_a_link_and_has_an_address_a_rule_and_a_route() {
        let links = dump_links().expect("everybody may ask");
        let lo = links.iter().find(|link| link.is_loopback());
        let lo = lo.expect("every namespace has one").index;
        let home = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let addresses = dump_addresses().expect("everybody may ask");
        assert!(addresses.iter().any(|a| a.ip == home && a.interface == lo));
        let rules = dump_rules(AF_INET).expect("everybody may ask");
        assert_eq!(rules.first().map(|rule| rule.table), Some(LOCAL_TABLE));
        let route = ask_route(&RouteQuestion::new(home)).expect("there is a way home");
        assert_eq!((route.kind, route.interface), (RouteType::LOCAL, Some(lo)));
        assert_eq!(route.source, Some(home));
        let routes = dump_routes(AF_INET).expect("everybody may ask");
        assert!(
            routes
                .iter()
                .any(|r| r.table == LOCAL_TABLE && r.covers(home))
        );
        dump_neighbours(AF_INET).expect("everybody may ask");
        let tables = dump_neighbour_tables().expect("everybody may ask");
        assert!(tables.iter().any(|table| table.name == b"arp_cache"));
    }
}
