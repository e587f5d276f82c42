//! The address families a user can name, and their words.

/// An address family a user can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// IPv4.
    Inet,
    /// IPv6.
    Inet6,
    /// UNIX domain.
    Unix,
    /// Novell IPX.
    Ipx,
    /// AMPR AX.25.
    Ax25,
    /// CCITT X.25.
    X25,
    /// AMPR NET/ROM.
    Netrom,
    /// AMPR ROSE.
    Rose,
    /// AppleTalk DDP; selects no socket table.
    Ddp,
    /// Econet; selects no socket table.
    Econet,
    /// Ash; selects no socket table.
    Ash,
    /// Bluetooth, which the original is built without.
    Bluetooth,
}

impl Family {
    /// Finds the family a word means; the match is exact and case-sensitive.
    pub fn from_word(word: &[u8]) -> Option<Self> {
        Some(match word {
            b"inet" | b"ip" | b"tcpip" => Self::Inet,
            b"inet6" | b"ip6" => Self::Inet6,
            b"unix" => Self::Unix,
            b"ipx" => Self::Ipx,
            b"ax25" => Self::Ax25,
            b"x25" => Self::X25,
            b"netrom" => Self::Netrom,
            b"rose" => Self::Rose,
            b"ddp" | b"appletalk" => Self::Ddp,
            b"econet" => Self::Econet,
            b"ash" => Self::Ash,
            b"bluetooth" => Self::Bluetooth,
            _ => return None,
        })
    }

    /// Gives the canonical name, as messages print it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Inet => "inet",
            Self::Inet6 => "inet6",
            Self::Unix => "unix",
            Self::Ipx => "ipx",
            Self::Ax25 => "ax25",
            Self::X25 => "x25",
            Self::Netrom => "netrom",
            Self::Rose => "rose",
            Self::Ddp => "ddp",
            Self::Econet => "ec",
            Self::Ash => "ash",
            Self::Bluetooth => "bluetooth",
        }
    }
}
