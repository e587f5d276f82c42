//! The one language of plumb: plain values that every other crate speaks.
//!
//! What lives here: sockets, owners, interfaces, routes, groups, counters, memory, and the way
//! absence is written (`Known`). What may not: I/O, clocks, environment, text meant for users.
//! `plumb-wire` makes these values from bytes, `plumb-present` turns them into bytes again.

#![forbid(unsafe_code)]

pub mod ability;
pub mod attribution;
pub mod btf;
pub mod buffers;
pub mod counter;
pub mod counters;
pub mod creation;
pub mod diag;
pub mod event;
pub mod finding;
pub mod firewall;
pub mod group;
pub mod holder;
pub mod id;
pub mod interface;
pub mod known;
pub mod legacy;
pub mod link;
pub mod masquerade;
pub mod memory;
pub mod notice;
pub mod owner;
pub mod peers;
pub mod route;
pub mod rtnl;
pub mod sample;
pub mod sctp;
pub mod snapshot;
pub mod socket;
pub mod socket_totals;
pub mod stack;
pub mod traffic;
pub mod unix;
pub mod usage;

pub use id::{Cookie, Inode, NetnsId, Pid, Port, Uid};
pub use known::{Known, Reason};
