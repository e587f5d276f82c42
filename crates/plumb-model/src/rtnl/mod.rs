//! What rtnetlink tells of a network namespace: links, addresses, routes, rules, neighbours.
//!
//! Numbers of the kernel (types, scopes, protocols, flags) are kept raw beside the words that stand for
//! them; what a message did not say is `None`. Decoding is `plumb-wire`'s, asking `plumb-collect`'s.

mod address;
mod link;
mod neighbour;
mod route;
mod rule;

pub use address::Address;
pub use link::Link;
pub use neighbour::Neighbour;
pub use route::{NextHop, Route, RouteType};
pub use rule::{Dscp, Prefix, Rule, RuleAction};
