//! Messages of rtnetlink (`linux/rtnetlink.h`): requests, and links, addresses, routes, rules,
//! neighbours and queueing disciplines out of the answers.
//!
//! A decoder gives `None` for a message that is shorter than its fixed part or lacks what makes it what
//! it is; an attribute that does not have the size it should have is passed over.

pub mod address;
pub mod link;
pub mod link_details;
pub mod neighbour;
pub mod neighbour_table;
pub mod qdisc;
pub mod route;
pub mod rule;

use std::net::IpAddr;

use super::frame::u32_at;
use super::request::Request;

/// `RTM_GETLINK`.
pub const GET_LINK: u16 = 18;
/// `RTM_GETADDR`.
pub const GET_ADDRESS: u16 = 22;
/// `RTM_GETROUTE`.
pub const GET_ROUTE: u16 = 26;
/// `RTM_GETNEIGH`.
pub const GET_NEIGHBOUR: u16 = 30;
/// `RTM_GETRULE`.
pub const GET_RULE: u16 = 34;
/// `RTM_GETQDISC`.
pub const GET_QDISC: u16 = 38;

/// `RTM_GETNEIGHTBL`.
pub const GET_NEIGHBOUR_TABLE: u16 = 66;

/// Encodes a request for everything of one kind (`RTM_GET…`); family 0 is all families.
pub fn encode_dump(kind: u16, family: u8) -> Vec<u8> {
    let body = match kind {
        GET_LINK => link::BODY_BYTES,
        GET_ADDRESS => address::BODY_BYTES,
        GET_QDISC => qdisc::BODY_BYTES,
        GET_NEIGHBOUR_TABLE => neighbour_table::BODY_BYTES,
        _ => route::BODY_BYTES,
    };
    let mut head = vec![0; body];
    if let Some(first) = head.first_mut() {
        *first = family;
    }
    Request::dump(kind, &head).finish()
}

/// Reads an address by its length.
fn ip(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => Some(IpAddr::from(*bytes.first_chunk::<4>()?)),
        16 => Some(IpAddr::from(*bytes.first_chunk::<16>()?)),
        _ => None,
    }
}

fn octets(ip: IpAddr) -> Vec<u8> {
    match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    }
}

/// Reads a number of exactly four bytes.
fn word(bytes: &[u8]) -> Option<u32> {
    u32_at(bytes, 0).filter(|_| bytes.len() == 4)
}

/// Reads a name without its NUL.
fn name(bytes: &[u8]) -> Vec<u8> {
    let end = bytes.iter().position(|&byte| byte == 0);
    bytes
        .get(..end.unwrap_or(bytes.len()))
        .unwrap_or(bytes)
        .to_vec()
}
