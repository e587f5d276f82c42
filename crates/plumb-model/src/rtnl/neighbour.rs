//! A neighbour (`struct ndmsg`): what the kernel knows of a next hop's link layer address.

use std::net::IpAddr;

/// One entry of the neighbour table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbour {
    /// Index of the interface.
    pub interface: u32,
    /// Whose link layer address it is.
    pub ip: IpAddr,
    /// `NUD_*`, one bit.
    pub state: u16,
    /// `NTF_*`.
    pub flags: u8,
    /// The link layer address.
    pub link_address: Option<Vec<u8>>,
    /// Requests that are not answered yet (`NDA_PROBES`).
    pub probes: Option<u32>,
    /// Milliseconds since a packet was last to be sent to it (`ndm_used` of `NDA_CACHEINFO`).
    pub idle_ms: Option<u64>,
}

impl Neighbour {
    /// Gives the word that `ip neigh` has for the state; `None` for what is no single known state.
    pub fn state_word(&self) -> Option<&'static str> {
        Some(match self.state {
            0x00 => "NONE",
            0x01 => "INCOMPLETE",
            0x02 => "REACHABLE",
            0x04 => "STALE",
            0x08 => "DELAY",
            0x10 => "PROBE",
            0x20 => "FAILED",
            0x40 => "NOARP",
            0x80 => "PERMANENT",
            _ => return None,
        })
    }

    /// Says whether the link layer address was asked for and nobody answered.
    pub fn has_failed(&self) -> bool {
        self.state == 0x20
    }

    /// Says whether nobody has answered so far: it is asked for, or was in vain.
    pub fn is_unresolved(&self) -> bool {
        self.has_failed() || self.state == 0x01
    }
}
