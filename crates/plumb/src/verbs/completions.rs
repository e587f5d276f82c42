//! `plumb completions SHELL`: the script that lets a shell complete plumb's words.

use std::io::Write as _;

use clap::Args;
use clap_complete::Shell;

use super::status;

/// What `plumb completions` may be given.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The shell.
    shell: Shell,
}

/// Prints the script; gives the exit status.
pub fn run(arguments: &Arguments) -> u8 {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut crate::cli::command(),
        "plumb",
        &mut script,
    );
    match std::io::stdout().write_all(&script) {
        Ok(()) => status::FINE,
        Err(error) => {
            status::complain("completions", &format!("cannot write: {error}"), status::NO)
        }
    }
}
