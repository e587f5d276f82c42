//! The bytes of net-tools 2.10's netstat, one module per table.

pub mod address;
pub mod groups;
pub mod help;
pub mod inet;
pub mod interfaces;
pub mod interfaces_long;
pub mod legacy;
pub mod link_layer;
pub mod masquerade;
pub mod memory;
pub mod routes;
pub mod routes6;
pub mod sctp;
mod size;
pub mod statistics;
pub mod statistics_table;
pub mod unix;
