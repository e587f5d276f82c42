//! The questions an operand can ask of the machine, answered by whoever may look.
//!
//! Nothing here is asked for an operand that explains itself: numbers never reach these methods.

use std::net::IpAddr;

use crate::Family;

/// The service table a port name is looked up in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// Services of `tcp`.
    Tcp,
    /// Services of `udp`.
    Udp,
}

/// What the machine knows about names.
pub trait Resolve {
    /// The addresses of a host name, those of A before those of AAAA; only of `family` when it is
    /// given (`Inet` or `Inet6`). Empty when there is none.
    fn host(&mut self, name: &[u8], family: Option<Family>) -> Vec<IpAddr>;

    /// The port of a service name (`getservbyname`).
    fn service(&mut self, name: &[u8], transport: Transport) -> Option<u16>;

    /// The index of the interface of that name (`if_nametoindex`).
    fn interface(&mut self, name: &[u8]) -> Option<u32>;

    /// The number of a netlink protocol by name, as the machine's table and `nl_protos` say.
    fn netlink_protocol(&mut self, name: &[u8]) -> Option<u32>;

    /// The id of the cgroup at a path, or the line that says why there is none, as the original words
    /// it and without its line feed.
    fn cgroup(&mut self, path: &[u8]) -> Result<u64, Vec<u8>>;

    /// Whether the kernel takes a program with a cgroup test (it answers other than `EINVAL`).
    fn cgroup_filter_supported(&mut self) -> bool;

    /// The uid of a user name (extended predicates only).
    fn user(&mut self, name: &[u8]) -> Option<u32>;

    /// The network namespace of a process, by the inode number of its file (extended predicates only).
    fn netns_of_process(&mut self, _pid: u64) -> Option<u64> {
        None
    }
}
