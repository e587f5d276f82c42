//! Netlink framing and the sock_diag messages.

pub mod attribute;
pub mod frame;
pub mod inet_diag;
pub mod inet_diag_record;
pub mod inet_request;
pub mod mptcp_info;
pub mod sctp_info;
pub mod skmeminfo;
pub mod tcp_info;
pub mod ulp;
