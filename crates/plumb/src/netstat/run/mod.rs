//! One module per mode or table. Each has `run`, which gives the exit status.

pub mod groups;
pub mod interfaces;
pub mod legacy;
pub mod masquerade;
pub mod memory;
pub mod routes;
pub mod sctp;
pub mod sockets;
pub mod statistics;
