//! What can be wrong with a filter, in the original's words and in ours.

use crate::Place;

/// An error at a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// What is wrong.
    pub kind: Kind,
    /// The word, `None` at the end of the input.
    pub place: Option<Place>,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A token where the grammar has no place for it.
    Syntax {
        /// What could have stood there.
        expected: &'static str,
    },
}

/// What a personality prints and returns for an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The bytes for stderr, line feeds included.
    pub stderr: Vec<u8>,
    /// Whether the usage text follows on stderr.
    pub usage: bool,
    /// The exit status.
    pub status: u8,
}
