//! JSON rows of multicast group memberships: array `groups`.

use std::net::IpAddr;

use plumb_model::group::Membership;
use serde::Serialize;

use super::{Netns, text};

/// One membership.
#[derive(Debug, Clone, Serialize)]
pub struct GroupRow {
    /// The namespace; present only when several are shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub netns: Option<Netns>,
    /// `inet` or `inet6`.
    pub family: &'static str,
    /// Interface.
    pub interface: String,
    /// How many users the membership has.
    pub users: i32,
    /// Address of the group.
    pub group: String,
    /// Its name; null if it has none or none was asked for.
    pub group_name: Option<String>,
}

impl GroupRow {
    /// Builds the row of one membership; `name` is what a name service calls the group.
    pub fn from_membership(netns: Option<Netns>, member: &Membership, name: Option<&[u8]>) -> Self {
        Self {
            netns,
            family: match member.group {
                IpAddr::V4(_) => "inet",
                IpAddr::V6(_) => "inet6",
            },
            // The IPv4 table pads names with blanks.
            interface: text(member.interface.trim_ascii_end()),
            users: member.users,
            group: member.group.to_string(),
            group_name: name.map(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn interfaces_lose_their_padding() {
        let member = Membership {
            interface: b"lo        ".to_vec(),
            users: 1,
            group: IpAddr::V4(Ipv4Addr::new(224, 0, 0, 1)),
        };
        let row = GroupRow::from_membership(None, &member, None);
        assert_eq!(
            serde_json::to_string(&row).expect("rows serialise"),
            r#"{"family":"inet","interface":"lo","users":1,"group":"224.0.0.1","group_name":null}"#
        );
    }
}
