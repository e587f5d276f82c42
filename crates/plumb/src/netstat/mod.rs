//! The netstat personality: command line in, the tables of net-tools 2.10 out.
//!
//! `options` turns words into a typed request, `run` has one module per table, `session` is what
//! they share. Formatting is `plumb-present`'s, reading is `plumb-collect`'s.

mod options;
mod run;
mod session;

pub use options::Options;
pub use session::Session;
