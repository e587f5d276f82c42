//! From snapshots, events and counters to findings.
//!
//! One file for each diagnosis, each with a pure `check`: values in, findings out. Nothing here reads
//! the kernel, a clock or a file; what could not be observed arrives as a reason and leaves as one.

#![forbid(unsafe_code)]

pub mod abilities;
pub mod bind;
pub mod connects;
pub mod counters;
pub mod diagnose;
pub mod flows;
pub mod functions;
pub mod leaks;
pub mod lives;
#[cfg(test)]
mod made_up;
pub mod memory;
pub mod path;
pub mod ports;
pub mod stateless;
pub mod traffic;
pub mod waterfall;
