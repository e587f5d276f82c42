//! What verbs that record share: whose sockets, the command that is run, the programs in the kernel, and
//! the code behind what they tell.

pub mod chosen;
pub mod code;
pub mod command;
pub mod container;
pub mod gate;
mod interpreters;
pub mod program;
pub mod session;
pub mod whom;

/// Why nothing can be recorded, in words, and the exit status that goes with it.
#[derive(Debug)]
pub struct Failure {
    /// In words.
    pub text: String,
    /// The exit status.
    pub status: u8,
}
