//! Multicast group memberships.

use std::net::IpAddr;

/// One group that an interface has joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// Name of the interface, as the file has it (the IPv4 table pads it with blanks).
    pub interface: Vec<u8>,
    /// How many users the membership has (`/proc/net/igmp` Users, `/proc/net/igmp6` column 4).
    pub users: i32,
    /// The group.
    pub group: IpAddr,
}
