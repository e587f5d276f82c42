//! The families an operand can be read in, and their spelling before a colon.

/// An address family (`AF_*`), as `-f` and the operand prefixes name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// `AF_UNIX`, 1.
    Unix,
    /// `AF_INET`, 2.
    Inet,
    /// `AF_INET6`, 10.
    Inet6,
    /// `AF_NETLINK`, 16.
    Netlink,
    /// `AF_PACKET`, 17.
    Link,
    /// `AF_TIPC`, 30.
    Tipc,
    /// `AF_VSOCK`, 40.
    Vsock,
    /// `AF_XDP`, 44.
    Xdp,
}

impl Family {
    /// Gives the kernel's number of the family (`linux/socket.h`).
    pub fn number(self) -> u8 {
        match self {
            Self::Unix => 1,
            Self::Inet => 2,
            Self::Inet6 => 10,
            Self::Netlink => 16,
            Self::Link => 17,
            Self::Tipc => 30,
            Self::Vsock => 40,
            Self::Xdp => 44,
        }
    }

    /// Gives the word that names the family on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unix => "unix",
            Self::Inet => "inet",
            Self::Inet6 => "inet6",
            Self::Netlink => "netlink",
            Self::Link => "link",
            Self::Tipc => "tipc",
            Self::Vsock => "vsock",
            Self::Xdp => "xdp",
        }
    }
}
