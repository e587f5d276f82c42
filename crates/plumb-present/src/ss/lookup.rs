//! What a row needs that is not in it: asked lazily, answered by whoever may look.
//!
//! The presenter asks only for what its options show; an answer may be cached by the provider, never
//! here. Texts are raw bytes, exactly as they shall be printed.

use std::net::IpAddr;

/// The database a port number is looked up in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PortKind {
    /// Services of `tcp`.
    Tcp,
    /// Services of `udp`.
    Udp,
    /// Services of any protocol, the first that matches.
    Any,
    /// IP protocol names, for RAW sockets.
    Raw,
}

/// The questions a presenter may ask.
pub trait Lookup {
    /// The name of an address (only with -r), or `None` to print the address.
    fn host(&mut self, addr: IpAddr) -> Option<&[u8]>;

    /// The name of a port that is not 0 (never with -n), or `None` to print the number. Ports in the
    /// range for ephemeral use have none.
    fn port(&mut self, kind: PortKind, port: u32) -> Option<&[u8]>;

    /// The name of an interface; `if<INDEX>` when the kernel has none of that index.
    fn interface(&mut self, index: u32) -> &[u8];

    /// Appends ` users:(…)` with all holders of a socket, or nothing: only with -p, -T, -Z, -z.
    fn append_users(&mut self, out: &mut Vec<u8>, inode: u64);

    /// The path of a cgroup (`idiag_cgroup`), or `unreachable:HEX`.
    fn cgroup(&mut self, id: u64) -> &[u8];

    /// The `comm` of a process, for the port ids of netlink sockets; `None` when there is none.
    fn process_name(&mut self, pid: u32) -> Option<&[u8]>;

    /// The security context of a process (-Z), `unavailable` when it cannot be read.
    fn process_context(&mut self, pid: u32) -> &[u8];

    /// The name of a netlink protocol, or `None` to print the number.
    fn netlink_protocol(&mut self, protocol: u32) -> Option<&[u8]>;
}
