//! The only unsafe code of this crate: thin wrappers, one file per C interface.

pub mod bpf;
pub mod daemon;
pub mod ethtool;
pub mod file_handle;
pub mod glob;
pub mod ioctl;
pub mod kcmp;
pub mod namespace;
pub mod netdb;
pub mod nss;
pub mod packet_socket;
pub mod peer;
pub mod receive;
pub mod signal;
pub mod socket_option;
