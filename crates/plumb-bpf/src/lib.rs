//! The BPF programs of plumb: what they are, whether this kernel and user allow them, what they tell.
//!
//! One folder for each probe below `probes/`: the C, the shared event struct, and the objects that
//! `cargo xtask bpf` built of them. This is the only crate that knows the BPF loader and the
//! symboliser. Everything here is optional at run time: a program that does not load is a reason in
//! the answer ([`Unavailable`]), never the end of the command.

pub mod in_flight;
mod iterator;
mod light;
mod load;
mod mailbox;
pub mod owners;
pub mod pin;
mod privilege;
mod programs;
pub mod recorder;
mod socket_file;
pub mod stacks;
mod sys;
mod unavailable;

pub use programs::{ProgramStatus, Status, programs};
pub use unavailable::Unavailable;
