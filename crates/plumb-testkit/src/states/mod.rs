//! Frozen states to compare in, by the letters of [`command_lines`](crate::command_lines).
//!
//! One file for each letter; each gives some [`State`]s, a `/proc` tree with names to go with it.

mod counters;
mod damaged;
mod groups;
mod interfaces;
mod missing;
mod processes;
pub mod random;
mod rare;
mod routes;
mod sockets;
mod whole;

use std::io;

pub use sockets::a_million_sockets;
pub use whole::whole;
pub(crate) use whole::{FILES, fill};

use crate::differential::etc::Etc;
use crate::frozen::ProcTree;
use crate::temp::TempDir;

/// One frozen state.
#[derive(Debug)]
pub struct State {
    /// Its letter and what is special about it.
    pub name: String,
    /// What `/proc` holds.
    pub tree: ProcTree,
    /// What `/etc` holds.
    pub etc: Etc,
    /// Answers of `sock_diag` for the same sockets, where these can tell all of them.
    pub diag: Option<TempDir>,
}

impl State {
    fn new(name: &str, tree: ProcTree) -> Self {
        Self {
            name: name.to_owned(),
            tree,
            etc: Etc::default(),
            diag: None,
        }
    }
}

/// Gives the frozen states of a letter.
pub fn of(letter: char) -> io::Result<Vec<State>> {
    match letter {
        'K' => sockets::every_value(),
        'N' => sockets::with_names(),
        'P' => processes::odd_names(),
        'R' => routes::every_flag(),
        'I' => interfaces::every_counter(),
        'G' => groups::many(),
        'S' => counters::every_kernel(),
        'X' => rare::every_table(),
        'M' => missing::each_file(),
        'B' => damaged::every_table(),
        _ => Ok(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_letter_with_frozen_states_gives_some() {
        for letter in "KNPRIGSXMB".chars() {
            let states = super::of(letter).expect("the temporary directory is writable");
            assert!(!states.is_empty(), "{letter}");
            for state in states {
                assert!(state.name.starts_with(letter), "{}", state.name);
                assert!(state.tree.path().join("net").is_dir());
            }
        }
    }
}
