//! `plumb doctor`: what this kernel and this user allow, and the exact command that would allow more.

mod iterator;
mod rows;

use clap::Args;
use plumb_analyze::abilities;
use plumb_model::ability::{Ability, Verdict};

use super::form::FormArguments;
use super::report::Report;
use super::status;
use crate::output::Output;

/// What `plumb doctor` may be given.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Arguments {
    /// Fails with status 1 unless all of these can be done.
    ///
    /// The words are those of the first column; what can be done only in part fails, too.
    #[arg(long, value_delimiter = ',', value_name = "ABILITY")]
    require: Vec<String>,
    /// Pins a program from which members of GROUP read the owners of all sockets, without any capability.
    ///
    /// Without GROUP it is root's. Needs root; stays until the next start of the machine or until
    /// --remove-iterator. Says what members will see, and asks nothing.
    #[arg(long, value_name = "GROUP", num_args = 0..=1, require_equals = true, default_missing_value = "root")]
    install_iterator: Option<String>,
    /// Takes the pinned program away again.
    #[arg(long, conflicts_with = "install_iterator")]
    remove_iterator: bool,
    /// Shows these columns, in this order; `help` explains them.
    #[arg(short = 'c', long, value_delimiter = ',', value_name = "COLUMN")]
    columns: Vec<String>,
    #[command(flatten)]
    form: FormArguments,
}

const EXAMPLES: &str = "\
EXAMPLES
  plumb doctor
      every ability with its reason, and below the commands that would allow more
  plumb doctor --require owners,netns && plumb ls --json > sockets.json
      lists only where every owner in every namespace can be known
  sudo plumb doctor --install-iterator=netadmin
      lets the group netadmin see all owners from now on
  plumb doctor --json | jq -r '.abilities[] | select(.verdict != \"yes\") | .allow // empty'
      the commands alone";

/// Runs the verb; gives the exit status.
pub fn run(arguments: &Arguments) -> u8 {
    if let Some(group) = &arguments.install_iterator {
        return iterator::install(group);
    }
    if arguments.remove_iterator {
        return iterator::remove();
    }
    let facts = plumb_collect::abilities::read();
    let abilities = abilities::check(&facts);
    if let Some(word) = unknown(&arguments.require, &abilities) {
        let known: Vec<&str> = abilities.iter().map(|ability| &*ability.key).collect();
        let text = format!("no ability {word}; there are {}", known.join(", "));
        return status::complain("doctor", &text, status::USAGE);
    }
    let lacking = lacking(&arguments.require, &abilities).join(", ");
    let footer = rows::footer(&facts, &abilities);
    let mut out = Output::stdout();
    let written = Report {
        verb: "doctor",
        schema: "plumb.doctor/1",
        array: "abilities",
        columns: &rows::COLUMNS,
        chosen: &arguments.columns,
        rows: &rows::rows(abilities),
        members: rows::members(&facts),
        footer,
        reasons: Vec::new(),
    }
    .write(&arguments.form, &mut out);
    if written != status::FINE || lacking.is_empty() {
        return written;
    }
    let text = format!("required and not there: {lacking}");
    status::complain("doctor", &text, status::NO)
}

/// Gives the first word that is no ability.
fn unknown<'w>(words: &'w [String], abilities: &[Ability]) -> Option<&'w str> {
    let is_known = |word: &&String| abilities.iter().any(|ability| ability.key == **word);
    words
        .iter()
        .find(|word| !is_known(word))
        .map(String::as_str)
}

/// Gives those of the words whose ability is not whole.
fn lacking<'a>(words: &[String], abilities: &'a [Ability]) -> Vec<&'a str> {
    abilities
        .iter()
        .filter(|ability| words.contains(&ability.key) && ability.verdict != Verdict::Yes)
        .map(|ability| &*ability.key)
        .collect()
}
