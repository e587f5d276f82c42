//! `plumb completions SHELL`: the script that lets a shell complete plumb's words.
//!
//! The scripts are small: at every TAB they run `plumb complete-line`, which is hidden and answers what
//! may stand at the end of a line. So ports, processes, containers and the like are those of this moment.
//! `line` takes the line apart, `words` knows the command line, `filter` the filter language, `values` the
//! machine.

mod filter;
mod line;
mod values;
mod words;

use std::ffi::OsString;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;

use clap::{Args, ValueEnum};

use self::line::Line;
use super::status;

/// Candidates that are answered at most: a person looks at them.
const MOST: usize = 1000;

/// The shells that have a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shell {
    /// `source <(plumb completions bash)`
    Bash,
    /// `source <(plumb completions zsh)`
    Zsh,
    /// `plumb completions fish | source`
    Fish,
}

/// What `plumb completions` may be given.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The shell.
    shell: Shell,
}

/// What the scripts give `plumb complete-line`.
#[derive(Debug, Args)]
pub struct LineArguments {
    /// Who asks.
    shell: Shell,
    /// The line up to the cursor.
    line: OsString,
    /// What the shell will replace, where that is not the whole last word.
    replaced: Option<OsString>,
}

/// Something that may stand at the end of a line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    /// The whole last word, as the shell will read it.
    pub word: String,
    /// What it is, in a few words; empty for nothing to say.
    pub about: String,
}

impl Candidate {
    /// A word that says what it is.
    pub fn new(word: impl Into<String>, about: impl Into<String>) -> Self {
        Self {
            word: word.into(),
            about: about.into(),
        }
    }
}

/// Prints the script; gives the exit status.
pub fn run(arguments: &Arguments) -> u8 {
    let script = match arguments.shell {
        Shell::Bash => include_str!("scripts/plumb.bash"),
        Shell::Zsh => include_str!("scripts/plumb.zsh"),
        Shell::Fish => include_str!("scripts/plumb.fish"),
    };
    print(script.as_bytes())
}

/// Answers a script; gives the exit status.
pub fn answer(arguments: &LineArguments) -> u8 {
    let line = Line::read(&arguments.line.to_string_lossy());
    let mut candidates = words::complete(&line);
    candidates.retain(|candidate| can_be_typed(&candidate.word, &line));
    candidates.sort();
    candidates.dedup_by(|a, b| a.word == b.word);
    candidates.truncate(MOST);
    let skipped = arguments.replaced.as_ref().map_or(0, |replaced| {
        // The shell replaces only the end of the word: it breaks words at other places than we do.
        line.last.len().saturating_sub(replaced.as_bytes().len())
    });
    let mut out = Vec::new();
    for candidate in &candidates {
        let Some(word) = candidate.word.get(skipped..) else {
            continue;
        };
        out.extend_from_slice(word.as_bytes());
        if arguments.shell != Shell::Bash && !candidate.about.is_empty() {
            out.push(b'\t');
            out.extend_from_slice(candidate.about.as_bytes());
        }
        out.push(b'\n');
    }
    print(&out)
}

/// Whether a word may be put on the line as it is. What the shell or a terminal would take for something
/// else is not offered, because each shell quotes differently.
fn can_be_typed(word: &str, line: &Line) -> bool {
    let plain = |letter: char| letter.is_alphanumeric() || "_-.,:/@%+=^".contains(letter);
    let quoted = |letter: char| plain(letter) || " ()[]<>!*&|\\".contains(letter);
    word.chars().all(|letter| {
        if line.is_quoted {
            quoted(letter)
        } else {
            plain(letter)
        }
    })
}

fn print(text: &[u8]) -> u8 {
    match std::io::stdout().write_all(text) {
        Ok(()) => status::FINE,
        Err(error) => {
            status::complain("completions", &format!("cannot write: {error}"), status::NO)
        }
    }
}
