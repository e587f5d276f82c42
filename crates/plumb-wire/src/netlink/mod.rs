//! Netlink framing and the sock_diag messages.

pub mod attribute;
pub mod bpf_storage;
mod diag_values;
pub mod ethtool;
pub mod frame;
pub mod inet_diag;
pub mod inet_diag_record;
pub mod inet_request;
pub mod link;
pub mod mptcp_info;
pub mod netlink_diag;
pub mod nftables;
pub mod packet_diag;
pub mod request;
pub mod rtnetlink;
pub mod sctp_info;
pub mod skmeminfo;
mod sock_diag_request;
pub mod tcp_info;
#[cfg(test)]
mod test_messages;
pub mod tipc_diag;
pub mod ulp;
pub mod unix_diag;
pub mod vsock_diag;
pub mod xdp_diag;
