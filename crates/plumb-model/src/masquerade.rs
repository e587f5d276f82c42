//! Masqueraded connections as kernels before 2.4 listed them in `/proc/net/ip_masquerade`.

use std::net::Ipv4Addr;

use crate::Port;

/// The protocol of a masqueraded connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MasqueradeProtocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// ICMP, whose "ports" are identifiers.
    Icmp,
}

impl MasqueradeProtocol {
    /// Gives the lower-case name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Icmp => "icmp",
        }
    }
}

/// One masqueraded connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Masqueraded {
    /// Protocol.
    pub protocol: MasqueradeProtocol,
    /// Address of the hidden host.
    pub source: Ipv4Addr,
    /// Port of the hidden host.
    pub source_port: Port,
    /// Address of the far end.
    pub destination: Ipv4Addr,
    /// Port of the far end.
    pub destination_port: Port,
    /// Port this host lends to the connection.
    pub masqueraded_port: Port,
    /// First sequence number that is shifted.
    pub initial_sequence: u64,
    /// Shift of sequence numbers.
    pub delta: i16,
    /// Shift before the last change.
    pub previous_delta: i16,
    /// Time left in hundredths of a second.
    pub expires_ticks: u64,
}
