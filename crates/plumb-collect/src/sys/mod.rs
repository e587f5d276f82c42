//! The only unsafe code of this crate: thin wrappers, one file per C interface.

pub mod ioctl;
pub mod nss;
pub mod signal;
