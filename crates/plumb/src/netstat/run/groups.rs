//! -g: multicast group memberships, as one part of the socket listing.

use std::net::IpAddr;

use plumb_collect::proc::read_file;
use plumb_model::group::Membership;
use plumb_present::json::groups::GroupRow;
use plumb_present::netstat::groups;
use plumb_wire::proc::groups::{GroupItem, decode_groups};

use super::reading::{empty_if_unreadable, host_text, is_absent, number_text};
use super::sockets::{Plan, Table, missing};
use crate::errno;
use crate::netstat::options::Family;
use crate::netstat::session::Session;

const IGMP: &str = "/proc/net/igmp";
const IGMP6: &str = "/proc/net/igmp6";
/// The array of the JSON document.
const ARRAY: &str = "groups";
/// The rule under the head of the namespace column.
const NETNS_RULE: &[u8] = b"---------------- ";
/// Exit status when a file cannot be opened although it is there.
const UNREADABLE: u8 = 255;

/// Prints the memberships.
pub fn run(session: &mut Session) -> u8 {
    session.declare_json(ARRAY);
    if !session.is_json() {
        session.out.title(groups::TITLE);
        session.out.header(groups::HEADER);
        if session.options.all_netns {
            session.out.title(NETNS_RULE);
        }
        session.out.title(groups::RULE);
    }
    let v4 = session.options.has_family(Family::Inet);
    let v6 = session.options.has_family(Family::Inet6);
    session.in_each_netns(|session| {
        let mut status = 0;
        if v4 || !v6 {
            status = list(session, IGMP);
        }
        if v6 || !v4 {
            status = list(session, IGMP6).max(status);
        }
        status
    })
}

/// Lists one file. Only the IPv4 one is missed when it is not there.
fn list(session: &mut Session, path: &str) -> u8 {
    let text = match empty_if_unreadable(read_file(path)) {
        Ok(text) => text,
        Err(error) if is_absent(error) && path == IGMP6 => return 0,
        Err(error) if is_absent(error) => {
            let plan = Plan::new(&session.options);
            return missing(session, &plan, Table::Groups);
        }
        Err(error) => {
            session.complain(format!("{path}: {}\n", errno::words(error)).as_bytes());
            return UNREADABLE;
        }
    };
    for item in decode_groups(&text) {
        match item {
            GroupItem::Member(member) => write_member(session, &member),
            GroupItem::Bogus { table, line } => {
                session.complain(format!("warning, got bogus {table} line {line}.\n").as_bytes());
            }
        }
    }
    0
}

fn write_member(session: &mut Session, member: &Membership) {
    let numeric = session.options.numeric.hosts;
    if session.is_json() {
        let netns = session.json_netns();
        let name = if numeric {
            None
        } else {
            name_of(session, member.group)
        };
        let row = GroupRow::from_membership(netns, member, name.as_deref());
        return session.push_json(ARRAY, &row);
    }
    let group = if numeric {
        number_text(member.group)
    } else {
        host_text(session, member.group)
    };
    let interface = session.shown(&member.interface).into_owned();
    session
        .out
        .row(|out| groups::write_membership(out, member, &interface, &group));
}

fn name_of(session: &mut Session, group: IpAddr) -> Option<Vec<u8>> {
    session.names.host(group).map(<[u8]>::to_vec)
}
