//! Tables that most kernels lack: SCTP, IPX, and the masquerading of Linux 2.2.

use std::net::Ipv4Addr;

/// The header of `/proc/net/sctp/eps`.
pub const SCTP_EPS_HEADER: &str = " ENDPT     SOCK   STY SST HBKT LPORT   UID INODE LADDRS\n";
/// The header of `/proc/net/sctp/assocs`.
pub const SCTP_ASSOCS_HEADER: &str = " ASSOC     SOCK   STY SST ST HBKT ASSOC-ID TX_QUEUE RX_QUEUE UID INODE LPORT RPORT LADDRS <-> RADDRS HBINT INS OUTS MAXRT T1X T2X RTXC wmema wmemq sndbuf rcvbuf\n";

/// Gives one row of `/proc/net/sctp/eps`.
pub fn sctp_endpoint(state: u8, port: u16, uid: u32, inode: u32, addresses: &[&str]) -> String {
    let mut row = format!("       0        0 2   {state:<3} 29   {port:<5} {uid:5} {inode:5} ");
    for address in addresses {
        row.push_str(address);
        row.push(' ');
    }
    row.push('\n');
    row
}

/// One SCTP association.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Association {
    /// Socket state by number.
    pub socket_state: u8,
    /// Association state by number.
    pub state: u8,
    /// Bytes waiting to be sent and to be read.
    pub queues: (u32, u32),
    /// Owner and inode.
    pub owner: (u32, u32),
    /// Local and peer port.
    pub ports: (u16, u16),
    /// Local addresses, the primary one marked by `*`.
    pub local: Vec<&'static str>,
    /// Peer addresses, the primary one marked by `*`.
    pub peer: Vec<&'static str>,
}

/// Gives one row of `/proc/net/sctp/assocs`.
pub fn sctp_association(association: &Association) -> String {
    let (tx, rx) = association.queues;
    let (uid, inode) = association.owner;
    let (local_port, peer_port) = association.ports;
    format!(
        "       0        0 2   {:<3} {:<2} 0    {:4} {tx:8} {rx:8} {uid:7} {inode:5} {local_port:<5} {peer_port:5} {} <-> {} \t    7500    10    10   10    0    0        0        1        0   212992   212992\n",
        association.socket_state,
        association.state,
        1,
        association.local.join(" "),
        association.peer.join(" "),
    )
}

/// The header of `/proc/net/ipx/socket`.
pub const IPX_HEADER: &str =
    "Local_Address  Remote_Address              Tx_Queue  Rx_Queue  State  Uid\n";

/// Gives one row of `/proc/net/ipx/socket`; `peer` is network, node and port.
pub fn ipx(
    local: (u32, u16),
    peer: Option<(u32, u64, u16)>,
    queues: (u32, u32),
    state: u8,
    uid: u32,
) -> String {
    let (network, port) = local;
    let peer = peer.map_or_else(
        || "Not_Connected".to_owned(),
        |(network, node, port)| format!("{network:08X}:{node:012X}:{port:04X}"),
    );
    let (tx, rx) = queues;
    format!("{network:08X}:{port:04X}  {peer:<26}  {tx:08X}  {rx:08X}  {state:02X}     {uid:03}\n")
}

/// The header of `/proc/net/ip_masquerade`, padded as the kernel did.
pub fn masquerade_header() -> String {
    let text = "Prc FromIP   FPrt ToIP     TPrt Masq Init-seq  Delta PDelta Expires (free=40960,40960,40960)";
    format!("{text:<127}\n")
}

/// Gives one row of `/proc/net/ip_masquerade`; `expires` is in ticks of 10 ms.
pub fn masquerade(
    protocol: &str,
    source: (Ipv4Addr, u16),
    destination: (Ipv4Addr, u16),
    masqueraded: u16,
    sequence: (u32, i16, i16),
    expires: u64,
) -> String {
    let (start, delta, previous) = sequence;
    let row = format!(
        "{protocol} {:08X}:{:04X} {:08X}:{:04X} {masqueraded:04X} {start:08X} {delta:6} {previous:6} {expires:7}",
        u32::from(source.0),
        source.1,
        u32::from(destination.0),
        destination.1,
    );
    format!("{row:<127}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masqueraded_connection_is_hexadecimal_in_network_order() {
        let row = masquerade(
            "TCP",
            (Ipv4Addr::new(10, 0, 0, 1), 1024),
            (Ipv4Addr::new(192, 0, 2, 1), 80),
            61_000,
            (1, 2, -3),
            6_000,
        );
        assert!(
            row.starts_with("TCP 0A000001:0400 C0000201:0050 EE48 00000001      2     -3    6000 ")
        );
        assert_eq!(row.len(), 128);
    }

    #[test]
    fn an_unconnected_ipx_socket_says_so_in_the_peers_place() {
        let row = ipx((0x1234, 0x4000), None, (1, 2), 7, 0);
        assert_eq!(
            row,
            "00001234:4000  Not_Connected               00000001  00000002  07     000\n"
        );
    }
}
