//! The verbs, one file or folder each, and what they share.
//!
//! Every verb has the same shape: `Arguments`, which clap reads, and `pub fn run(&Arguments) -> u8`,
//! which collects, lets pure code think, hands rows to [`report`] and gives the exit status.

pub mod bind;
pub mod completions;
pub mod connects;
pub mod diagnose;
pub mod doctor;
pub mod form;
pub mod interface;
pub mod leaks;
pub mod ls;
pub mod mem;
#[cfg(test)]
pub mod page;
pub mod path;
pub mod place;
pub mod ports;
pub mod recording;
pub mod report;
pub mod resolve;
pub mod screen;
pub mod started;
pub mod stats;
pub mod status;
pub mod top;
pub mod trace;
pub mod unseen;
pub mod wanted;
pub mod watch;
