//! What may stand where on plumb's command line: verbs, options, their values, filters.

use std::ffi::OsString;

use clap_complete::engine;

use super::line::Line;
use super::{Candidate, filter, values};

/// Verbs that are personalities: clap knows none of their options.
const PERSONALITIES: [&str; 3] = ["netstat", "ss", "nstat"];

/// Gives what the last word of a line may become.
pub fn complete(line: &Line) -> Vec<Candidate> {
    let command = crate::cli::command();
    let verb = line
        .words
        .get(1)
        .and_then(|word| command.find_subcommand(word));
    let Some(verb) = verb else {
        return by_definition(line);
    };
    let is_option = line.last.starts_with('-');
    if verb.get_name() == "ss" && !is_option {
        return filter::complete(&filter_words(verb, line), &line.last);
    }
    if PERSONALITIES.contains(&verb.get_name()) {
        return Vec::new();
    }
    if let Some(value) = pending_value(verb, line) {
        return of_value(&value, verb.get_name(), &line.last)
            .unwrap_or_else(|| by_definition(line));
    }
    let takes_filter = verb
        .get_positionals()
        .any(|argument| names(argument, "FILTER"));
    if takes_filter && !is_option {
        return filter::complete(&filter_words(verb, line), &line.last);
    }
    by_definition(line)
}

fn names(argument: &clap::Arg, name: &str) -> bool {
    let known = argument.get_value_names().unwrap_or_default();
    known.iter().any(|known| known.as_str() == name)
}

/// Gives the name of the value that the word before the last waits for.
fn pending_value(verb: &clap::Command, line: &Line) -> Option<String> {
    let option = line.words.get(2..)?.last()?;
    let argument = find_option(verb, option)?;
    let names = argument.get_value_names()?;
    names.first().map(ToString::to_string)
}

/// Finds the option that a word ends in and that takes the next word for its value.
fn find_option<'c>(verb: &'c clap::Command, word: &str) -> Option<&'c clap::Arg> {
    let found = if let Some(long) = word.strip_prefix("--") {
        let is_it = |argument: &&clap::Arg| argument.get_long() == Some(long);
        verb.get_arguments().find(is_it)
    } else {
        let short = word.strip_prefix('-')?.chars().last()?;
        let is_it = |argument: &&clap::Arg| argument.get_short() == Some(short);
        verb.get_arguments().find(is_it)
    };
    found.filter(|argument| argument.get_action().takes_values())
}

/// The words of a filter: those that are no options and no values of options.
fn filter_words(verb: &clap::Command, line: &Line) -> Vec<String> {
    let mut is_value = false;
    let mut found = Vec::new();
    for word in line.words.iter().skip(2) {
        if !is_value && !word.starts_with('-') {
            found.push(word.clone());
        }
        is_value = find_option(verb, word).is_some();
    }
    found
}

/// Gives the values of a name, where plumb knows them; a list is completed at its end.
fn of_value(name: &str, verb: &str, last: &str) -> Option<Vec<Candidate>> {
    let candidates = match name {
        "COLUMN" if verb == "ls" => values::columns(),
        "PID" => values::pids(),
        "INTERFACE" => values::interfaces(),
        _ => return None,
    };
    let start = last.rfind(',').map_or(0, |comma| comma + 1);
    let (done, mut begun) = last.split_at(start);
    let mut before = done.to_owned();
    // A sort key may begin with a minus sign.
    if let Some(key) = begun.strip_prefix('-') {
        before.push('-');
        begun = key;
    }
    Some(beginning_with(candidates, &before, begun))
}

/// Keeps those that begin with a text, and puts another in front of them.
pub fn beginning_with(candidates: Vec<Candidate>, before: &str, begun: &str) -> Vec<Candidate> {
    candidates
        .into_iter()
        .filter(|candidate| candidate.word.starts_with(begun))
        .map(|candidate| Candidate::new(format!("{before}{}", candidate.word), candidate.about))
        .collect()
}

/// Gives what the definition of the command line says: verbs, options, values of a fixed set, paths.
fn by_definition(line: &Line) -> Vec<Candidate> {
    let words = line.words.iter().chain(std::iter::once(&line.last));
    let words: Vec<OsString> = words.map(OsString::from).collect();
    let index = words.len() - 1;
    let mut command = crate::cli::command();
    let found = engine::complete(&mut command, words, index, None).unwrap_or_default();
    found
        .iter()
        .filter(|candidate| !candidate.is_hide_set())
        .map(|candidate| {
            let about = candidate
                .get_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            let about = about.lines().next().unwrap_or_default();
            Candidate::new(candidate.get_value().to_string_lossy(), about)
        })
        .collect()
}
