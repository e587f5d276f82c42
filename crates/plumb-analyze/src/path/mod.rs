//! The way of a packet: which rule and route decide on this host, and what the answers of the hops mean.

mod hops;
mod rules;

pub use hops::{End, Heard, Hop, Strange, Word, strange, verdict};
pub use rules::{Decided, Packet, Undecided, decide_route};
