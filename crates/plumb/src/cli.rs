//! The command line of the verbs.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::link;

/// Exit status of usage errors, for every verb.
const USAGE: u8 = 2;

/// netstat, ss and nstat as the tutorials promise them: the same bytes, less waiting, more answers.
#[derive(Debug, Parser)]
#[command(name = "plumb", version, after_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

const AFTER_HELP: &str = "\
Options without a verb are netstat's: `plumb -tulpn` is `plumb netstat -tulpn`.
`plumb -h` explains them, `plumb ss -h` and `plumb nstat -h` those of the others.";

#[derive(Debug, Subcommand)]
enum Verb {
    /// The netstat personality: every option of net-tools' netstat, the same bytes.
    #[command(disable_help_flag = true)]
    Netstat {
        /// Options as netstat knows them.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<OsString>,
    },
    /// The ss personality: every option of iproute2's ss, the same bytes.
    #[command(disable_help_flag = true)]
    Ss {
        /// Options and filter as ss knows them.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<OsString>,
    },
    /// The nstat personality: what the kernel's counters grew by since the last run.
    #[command(disable_help_flag = true)]
    Nstat {
        /// Options as nstat knows them.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<OsString>,
    },
    /// Makes links in DIR, so that `netstat`, `ss` and `nstat` there mean plumb.
    ///
    /// Refuses to replace anything that it did not make itself.
    Link {
        /// An existing directory, early in PATH.
        dir: PathBuf,
        /// Takes the links away again.
        #[arg(long)]
        remove: bool,
    },
}

/// Parses and runs a verb; gives the exit status.
pub fn main(words: Vec<OsString>) -> u8 {
    let argv = std::iter::once(OsString::from("plumb")).chain(words);
    match Cli::try_parse_from(argv) {
        Ok(cli) => match cli.verb {
            Verb::Netstat { options } => crate::netstat::main("netstat".as_ref(), options),
            Verb::Ss { options } => {
                crate::ss::main("ss".as_ref(), options, crate::ss::Spelling::Extended)
            }
            Verb::Nstat { options } => crate::nstat::main("nstat".as_ref(), options),
            Verb::Link { dir, remove: false } => link::make(&dir),
            Verb::Link { dir, remove: true } => link::remove(&dir),
        },
        Err(error) => {
            // Nobody is left to tell when the terminal itself is gone.
            let _ = error.print();
            if error.use_stderr() { USAGE } else { 0 }
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_manual_page_explains_every_verb() {
        let page = crate::manual::page("plumb.1");
        let mut command = Cli::command();
        command.build();
        for verb in command.get_subcommands() {
            let name = format!("     {}", verb.get_name());
            assert!(page.lines().any(|line| line.starts_with(&name)), "{name}");
        }
        let options = command
            .get_subcommands()
            .chain([&command])
            .flat_map(clap::Command::get_arguments)
            .filter_map(clap::Arg::get_long);
        for option in options {
            assert!(page.contains(&format!("--{option}")), "--{option}");
        }
    }
}
