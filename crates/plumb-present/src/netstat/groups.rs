//! The multicast group listing of `netstat -g`.

use plumb_model::group::Membership;

use crate::text::{left, put};

/// The title, which names both families whatever is listed.
pub const TITLE: &[u8] = b"IPv6/IPv4 Group Memberships\n";
/// The column heads.
pub const HEADER: &[u8] = b"Interface       RefCnt Group\n";
/// The line under the column heads.
pub const RULE: &[u8] = b"--------------- ------ ---------------------\n";

/// Appends one row; interface and group are given as they are to be shown.
pub fn write_membership(out: &mut Vec<u8>, member: &Membership, interface: &[u8], group: &[u8]) {
    left(out, interface, 15);
    put(out, format_args!(" {:<6} ", member.users));
    out.extend_from_slice(group);
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    #[test]
    fn rows_line_up_with_the_rule() {
        let member = Membership {
            interface: b"lo        ".to_vec(),
            users: -1,
            group: IpAddr::V4(Ipv4Addr::new(224, 0, 0, 1)),
        };
        let mut out = Vec::new();
        write_membership(&mut out, &member, &member.interface, b"224.0.0.1");
        assert_eq!(out, b"lo              -1     224.0.0.1\n");
    }
}
