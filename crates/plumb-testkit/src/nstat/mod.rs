//! What comparisons with nstat are built from: counter tables that move on between two runs, and
//! runs of both programs that remember in files of their own.
//!
//! Nothing here covers `/proc`: nstat is told where its tables are (`PROC_NET_SNMP` and so on), and
//! when the machine was booted it asks the kernel itself. The caller's
//! [`sandbox`](crate::sandbox) matters all the same: a sampler listens in a network namespace.

pub mod fuzz;
pub mod pair;
mod tables;

pub use tables::Tables;
