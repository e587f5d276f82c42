//! Netlink framing and the sock_diag messages.

pub mod frame;
pub mod inet_diag;
pub mod skmeminfo;
