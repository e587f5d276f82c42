//! `plumb ls` on living sockets: what it finds, how it looks, and what it owns up to not having seen.

mod called;
mod document;
mod needs_root;
mod usage;
