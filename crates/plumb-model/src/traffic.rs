//! The interfaces of a namespace at one moment, with all that tells of their traffic: counters, queues,
//! speed, the driver's own numbers.

use crate::counters::Reading;
use crate::finding::Gap;
use crate::id::NetnsId;
use crate::known::Known;
use crate::link::Link;
use crate::rtnl::Address;

/// One reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traffic {
    /// When: microseconds since the machine started (`CLOCK_BOOTTIME`).
    pub at_us: u64,
    /// Which namespace; `None` where this process has no readable `/proc`.
    pub netns: Option<NetnsId>,
    /// The interfaces, by index.
    pub links: Vec<Link>,
    /// Their addresses.
    pub addresses: Vec<Address>,
    /// Their queueing disciplines, in the kernel's order.
    pub qdiscs: Vec<Qdisc>,
    /// What their drivers know of their speed.
    pub speeds: Vec<LinkSpeed>,
    /// What their drivers count beside the common counters.
    pub drivers: Vec<DriverStatistics>,
    /// `/proc/net/softnet_stat`, which is about the whole host.
    pub softnet: Vec<Reading>,
    /// What could not be read.
    pub gaps: Vec<Gap>,
}

/// A queueing discipline (`RTM_NEWQDISC`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Qdisc {
    /// Index of its interface.
    pub index: u32,
    /// What it is: `fq_codel`, `tbf`, `noqueue`.
    pub kind: Vec<u8>,
    /// Its handle; the upper half is its number.
    pub handle: u32,
    /// What it hangs below; [`Qdisc::ROOT`] for the interface itself.
    pub parent: u32,
    /// Its counters.
    pub statistics: Known<QdiscStatistics>,
}

impl Qdisc {
    /// `TC_H_ROOT`: the parent of what all that is sent passes.
    pub const ROOT: u32 = 0xffff_ffff;
    /// `TC_H_INGRESS`: the parent of what all that is received passes.
    pub const INGRESS: u32 = 0xffff_fff1;

    /// Says whether all that the interface sends or receives passes it.
    pub fn is_outermost(&self) -> bool {
        matches!(self.parent, Self::ROOT | Self::INGRESS)
    }
}

/// `struct gnet_stats_basic` and `struct gnet_stats_queue`. All but the bytes are 32 bits wide in the
/// kernel's answer and run over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QdiscStatistics {
    /// Bytes that left it.
    pub bytes: u64,
    /// Packets that left it.
    pub packets: u64,
    /// Packets it dropped.
    pub drops: u64,
    /// Times it held packets back because of its limits.
    pub overlimits: u64,
    /// Packets the interface gave back because it had no room.
    pub requeues: u64,
    /// Packets that wait in it now.
    pub queue_packets: u64,
    /// Bytes that wait in it now.
    pub queue_bytes: u64,
}

/// Speed and duplex of a link, as its driver tells (`ETHTOOL_MSG_LINKMODES_GET`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkSpeed {
    /// Index of the interface.
    pub index: u32,
    /// Megabits per second; `None` when the driver does not know.
    pub mbit_s: Option<u32>,
    /// 0 half, 1 full; `None` when the driver does not know.
    pub duplex: Option<u8>,
}

/// The numbers of one driver (`ETHTOOL_GSTATS`), by the names it gives them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriverStatistics {
    /// Index of the interface.
    pub index: u32,
    /// Name and value, in the driver's order.
    pub numbers: Vec<(String, u64)>,
}
