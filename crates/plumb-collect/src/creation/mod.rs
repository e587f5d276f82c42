//! The local socket of a recorder in the background: where it is, who serves it, who asks there.
//!
//! The recorder itself, what it keeps and what it answers are the binary's; here is what the file system and
//! the kernel have to do with it. One recorder serves a place at a time, and a socket that a killed one left
//! behind is known by its lock, which the kernel took away.

mod client;
mod place;
mod server;

pub use client::{Client, Failure};
pub use place::{NoPlace, VARIABLE, places, serving_place};
pub use server::{ServeError, Server};
