//! An address of an interface (`struct ifaddrmsg`).

use std::net::IpAddr;

/// One address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address {
    /// Index of the interface.
    pub interface: u32,
    /// The address itself (`IFA_LOCAL`, else `IFA_ADDRESS`).
    pub ip: IpAddr,
    /// Bits of its network.
    pub prefix_len: u8,
    /// `RT_SCOPE_*`.
    pub scope: u8,
    /// `IFA_F_*`, all 32 bits where the kernel sends them.
    pub flags: u32,
}

impl Address {
    /// `IFA_F_OPTIMISTIC`.
    const OPTIMISTIC: u32 = 0x04;
    /// `IFA_F_DADFAILED`.
    const DAD_FAILED: u32 = 0x08;
    /// `IFA_F_TENTATIVE`.
    const TENTATIVE: u32 = 0x40;

    /// Says whether nobody may use it yet: it is still being looked for on the link, or was found there.
    pub fn is_tentative(&self) -> bool {
        self.flags & Self::TENTATIVE != 0 && self.flags & Self::OPTIMISTIC == 0
    }

    /// Says whether another host had it (duplicate address detection failed).
    pub fn is_duplicate(&self) -> bool {
        self.flags & Self::DAD_FAILED != 0
    }
}
