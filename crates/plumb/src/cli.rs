//! The command line of the verbs.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::{link, verbs};

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
    /// Lists every socket and who holds it, or why that is unknown.
    Ls(verbs::ls::Arguments),
    /// Says what is wrong on this host, with a port, a process or a connection: causes, evidence, what to do.
    Diagnose(verbs::diagnose::Arguments),
    /// Shows the kernel's counters as totals, deltas and rates, and what each means.
    Stats(verbs::stats::Arguments),
    /// Says what this kernel and this user let plumb see and do, and the command that would allow more.
    Doctor(verbs::doctor::Arguments),
    /// Can this address be bound, and if not: who has it, and by which rule?
    Bind(verbs::bind::Arguments),
    /// The way to a host: rule, route, source, neighbour, MTU, then hop by hop.
    Path(verbs::path::Arguments),
    /// How far the local ports reach, who uses them, and when they run out.
    Ports(verbs::ports::Arguments),
    /// Lists attempts to connect: what came of each and why, and the code that made it.
    Connects(verbs::connects::Arguments),
    /// Finds sockets that are held too long, and the code that made them.
    Leaks(verbs::leaks::Arguments),
    /// Shows a program's network calls and what the kernel did meanwhile, in one timeline.
    Trace(verbs::trace::Arguments),
    /// Shows who moves how many bytes: by process, port, peer, container or socket.
    Top(verbs::top::Arguments),
    /// Shows where the memory of sockets is, who has it, and how far the limits are.
    Mem(verbs::mem::Arguments),
    /// Waits until it is let go, then becomes the command.
    #[command(hide = true)]
    Gate(verbs::recording::gate::Arguments),
    /// Shows what interfaces carry, how full they are, and what they lose and why.
    If(verbs::interface::Arguments),
    /// Prints what lets a shell complete plumb's words: `source <(plumb completions bash)`.
    Completions(verbs::completions::Arguments),
    /// Answers what may stand at the end of a line; for the scripts of `completions`.
    #[command(hide = true)]
    CompleteLine(verbs::completions::LineArguments),
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
    match parse(argv) {
        Ok(cli) => match cli.verb {
            Verb::Netstat { options } => crate::netstat::main("netstat".as_ref(), options),
            Verb::Ss { options } => {
                crate::ss::main("ss".as_ref(), options, crate::ss::Spelling::Extended)
            }
            Verb::Nstat { options } => crate::nstat::main("nstat".as_ref(), options),
            Verb::Ls(arguments) => verbs::ls::run(&arguments),
            Verb::Diagnose(arguments) => verbs::diagnose::run(&arguments),
            Verb::Stats(arguments) => verbs::stats::run(&arguments),
            Verb::Doctor(arguments) => verbs::doctor::run(&arguments),
            Verb::Bind(arguments) => verbs::bind::run(&arguments),
            Verb::Path(arguments) => verbs::path::run(&arguments),
            Verb::Ports(arguments) => verbs::ports::run(&arguments),
            Verb::Connects(arguments) => verbs::connects::run(&arguments),
            Verb::Leaks(arguments) => verbs::leaks::run(&arguments),
            Verb::Trace(arguments) => verbs::trace::run(&arguments),
            Verb::Top(arguments) => verbs::top::run(&arguments),
            Verb::Mem(arguments) => verbs::mem::run(&arguments),
            Verb::Gate(arguments) => verbs::recording::gate::run(&arguments),
            Verb::If(arguments) => verbs::interface::run(&arguments),
            Verb::Completions(arguments) => verbs::completions::run(&arguments),
            Verb::CompleteLine(arguments) => verbs::completions::answer(&arguments),
            Verb::Link { dir, remove: false } => link::make(&dir),
            Verb::Link { dir, remove: true } => link::remove(&dir),
        },
        Err(error) => {
            // Nobody is left to tell when the terminal itself is gone.
            let _ = error.print();
            if error.use_stderr() {
                verbs::status::USAGE
            } else {
                verbs::status::FINE
            }
        }
    }
}

/// A negative number is the value of the option before it, so that it is told what would be one.
fn parse(argv: impl Iterator<Item = OsString>) -> Result<Cli, clap::Error> {
    use clap::{CommandFactory as _, FromArgMatches as _};
    let command = Cli::command().mut_subcommands(|verb| {
        verb.mut_args(|argument| {
            let takes = argument.is_positional() || !argument.get_action().takes_values();
            argument.allow_negative_numbers(!takes)
        })
    });
    let mut matches = command.try_get_matches_from(argv)?;
    Cli::from_arg_matches_mut(&mut matches)
}

/// Gives the one definition of the command line, from which help, completions and pages come.
pub fn command() -> clap::Command {
    use clap::CommandFactory as _;
    let mut command = Cli::command();
    command.build();
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The personalities and what is told in plumb.1 itself.
    const IN_PLUMB_1: [&str; 5] = ["netstat", "ss", "nstat", "link", "help"];

    #[test]
    fn the_manual_page_names_every_verb() {
        let page = crate::manual::page("plumb.1");
        for verb in command()
            .get_subcommands()
            .filter(|verb| !verb.is_hide_set())
        {
            let name = format!("     {}", verb.get_name());
            assert!(page.lines().any(|line| line.starts_with(&name)), "{name}");
        }
        let link = command();
        let link = link.find_subcommand("link").expect("a verb");
        for option in link.get_arguments().filter_map(clap::Arg::get_long) {
            assert!(page.contains(&format!("--{option}")), "--{option}");
        }
    }

    /// Help is as wide as this at most; a longer line is broken where its table has no column.
    const HELP_COLUMNS: usize = 100;

    #[test]
    fn no_line_of_a_table_in_the_help_is_broken() {
        for verb in command().get_subcommands() {
            let text = verb.get_after_long_help().map(ToString::to_string);
            for line in text.unwrap_or_default().lines() {
                let width = line.chars().count();
                assert!(width <= HELP_COLUMNS, "{}: {line}", verb.get_name());
            }
        }
    }

    #[test]
    fn a_negative_number_is_a_wrong_value_and_no_unknown_option() {
        for words in [
            "leaks --fail-over -1",
            "ports -n -1",
            "top --rows -1",
            "path localhost -c -1",
            "bind :80 --uid -1",
        ] {
            let argv = std::iter::once("plumb").chain(words.split(' '));
            let error = parse(argv.map(OsString::from)).expect_err(words);
            let text = error.to_string();
            assert!(text.starts_with("error: invalid value '-1'"), "{text}");
        }
    }

    /// What a letter means in every verb; `ls` has besides those of ss and netstat, and `path` those of ping
    /// and traceroute, as docs/options.md says.
    const LETTERS: [(char, &[&str]); 8] = [
        ('c', &["columns"]),
        ('h', &["help"]),
        ('n', &["top", "count"]),
        ('o', &["output"]),
        ('p', &["pid"]),
        ('r', &["resolve"]),
        ('H', &["no-header"]),
        ('N', &["netns"]),
    ];

    #[test]
    fn a_letter_means_the_same_in_every_verb() {
        let command = command();
        let described = include_str!("../../../docs/options.md");
        for verb in command.get_subcommands() {
            let name = verb.get_name();
            let has_ones_own = ["ls", "path", "netstat", "ss", "nstat", "help"].contains(&name);
            for argument in verb.get_arguments().filter(|_| !verb.is_hide_set()) {
                let (Some(letter), Some(long)) = (argument.get_short(), argument.get_long()) else {
                    continue;
                };
                let meant = LETTERS.iter().find(|(of, _)| *of == letter);
                let is_meant = meant.is_some_and(|(_, longs)| longs.contains(&long));
                assert!(is_meant || has_ones_own, "{name} -{letter}: --{long}");
                let both = format!("`-{letter}` | `--{long}");
                assert!(described.contains(&both), "docs/options.md: {name} {both}");
                if long == "netns" {
                    assert_eq!(letter, 'N', "{name}");
                }
            }
        }
    }

    /// The page of a verb is what its definition says. `PLUMB_BLESS=1 cargo test -p plumb pages` writes
    /// them anew.
    #[test]
    fn pages_of_verbs_are_made_from_the_definition() {
        for verb in command().get_subcommands() {
            let name = verb.get_name();
            if verb.is_hide_set() || IN_PLUMB_1.contains(&name) {
                continue;
            }
            let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
                .join(format!("../../man/plumb-{name}.1"));
            let page = verbs::page::of(verb);
            if std::env::var_os("PLUMB_BLESS").is_some() {
                std::fs::write(&path, &page).expect("the man folder is ours");
            }
            let stored = std::fs::read(&path).unwrap_or_default();
            assert!(
                stored == page,
                "man/plumb-{name}.1 is not what its definition says"
            );
        }
    }
}
