//! Where words come from: operands of the command line and lines of a filter file.
//!
//! A piece keeps its place, so that an error can point into it and an explanation can quote it.

/// Where a piece came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// The n-th operand handed to the parser, from 0.
    Argument(usize),
    /// A line of the filter file, from 1.
    Line(usize),
}

/// One operand, or one line of a filter file that is not a comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The bytes as given, without the end of the line.
    pub text: Vec<u8>,
    /// Where they came from.
    pub source: Source,
    /// Whether the line is too long for the original, which says so when it gets there.
    pub too_long: bool,
}

/// The bytes of a word in its piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// Index of the piece.
    pub piece: usize,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// A word as the original's tokenizer cuts it: backslashes removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The bytes after removal of the backslashes.
    pub text: Vec<u8>,
    /// Where it stood.
    pub place: Place,
}

impl Piece {
    /// Gives the operands of a command line as pieces, in their order.
    pub fn arguments<T: Into<Vec<u8>>>(operands: impl IntoIterator<Item = T>) -> Vec<Self> {
        operands
            .into_iter()
            .enumerate()
            .map(|(index, text)| Self {
                text: text.into(),
                source: Source::Argument(index),
                too_long: false,
            })
            .collect()
    }
}
