//! The way of a packet: which rule and route decide on this host, and what the answers of the hops mean.

mod hops;
mod impostor;
mod rules;

pub use hops::{End, Heard, Hop, Strange, Word, strange, verdict};
pub use impostor::{Impostor, Suspects, suspects};
pub use rules::{Decided, Packet, Undecided, decide_route};
