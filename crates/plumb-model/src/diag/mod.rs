//! Sockets as sock_diag tells of them, one module per struct of the kernel.
//!
//! Richer than [`crate::socket`], which holds what netstat shows. Rows borrow what has no fixed
//! size from the message they were decoded from.

mod absence;
pub mod attribute;
pub mod congestion;
pub mod inet;
pub mod mptcp_info;
pub mod netlink;
pub mod packet;
pub mod sctp_info;
pub mod tcp_info;
pub mod tipc;
pub mod ulp;
pub mod unix;
pub mod vsock;
pub mod xdp;
