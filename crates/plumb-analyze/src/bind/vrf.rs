//! VRFs: which addresses a socket bound to an interface has, and with whom it shares a port.
//!
//! A socket bound to a VRF device, or to an interface that belongs to one, is in that VRF
//! (`l3mdev_master_ifindex_by_index`). Its IPv4 addresses are those of the VRF's table
//! (`l3mdev_fib_table_by_index` in `__inet_bind`), its IPv6 addresses those of interfaces in the same VRF
//! (`ipv6_chk_addr_and_flags`). TCP keeps the ports of each VRF, and those outside of all, apart
//! (`inet_sk_bound_l3mdev`) unless `net.ipv4.tcp_l3mdev_accept` is set; UDP compares interfaces alone.

use plumb_model::Known;

use super::likely::Likely;

/// The table of addresses outside of VRFs (`RT_TABLE_LOCAL`).
const LOCAL_TABLE: u32 = 255;

/// A VRF.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vrf {
    /// Index of its device.
    pub device: u32,
    /// Its table; `None` where the kernel did not tell.
    pub table: Option<u32>,
    /// Indices of the interfaces that belong to it.
    pub members: Vec<u32>,
}

/// Gives the VRF that an interface is or belongs to. A port of a bridge that belongs to one does not.
fn of(vrfs: &[Vrf], interface: u32) -> Option<&Vrf> {
    let has = |vrf: &&Vrf| vrf.device == interface || vrf.members.contains(&interface);
    vrfs.iter().find(has)
}

/// Says whether two interfaces are in the same VRF, or both in none; 0 is no interface.
pub(super) fn same(vrfs: &[Vrf], one: u32, other: u32) -> bool {
    of(vrfs, one).map(|vrf| vrf.device) == of(vrfs, other).map(|vrf| vrf.device)
}

/// Gives the table of the IPv4 addresses of a socket that is bound to an interface; `None` where it is not known.
pub(super) fn table(vrfs: &[Vrf], device: u32) -> Option<u32> {
    of(vrfs, device).map_or(Some(LOCAL_TABLE), |vrf| vrf.table)
}

/// Says whether TCP keeps the ports of two sockets apart, by the interfaces they are bound to.
pub(super) fn tcp_keeps_apart(
    vrfs: &[Vrf],
    accept: Known<bool>,
    (ours, theirs): (u32, u32),
) -> Likely {
    if same(vrfs, ours, theirs) {
        return Likely::No;
    }
    !Likely::from(accept)
}
