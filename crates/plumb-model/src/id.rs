//! Newtypes for the identities the kernel hands out, so that they cannot be swapped.

/// A TCP, UDP, UDP-Lite or SCTP port; for RAW sockets the IP protocol number.
///
/// Wider than 16 bits because `/proc` rows are kept as read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Port(pub u32);

/// The inode number of a socket in `sockfs`; unique per boot while the socket lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Inode(pub u64);

/// A socket's cookie (`idiag_cookie`), never reused until reboot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cookie(pub u64);

/// A process id in the pid namespace of the `/proc` that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pid(pub u32);

/// A user id as the kernel maps it into our user namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Uid(pub u32);

/// A network namespace, by the inode number of its `nsfs` file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NetnsId(pub u64);
