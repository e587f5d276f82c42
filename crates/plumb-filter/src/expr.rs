//! The expression: a tree in one vector, children before parents.
//!
//! A filter file can hold hundreds of thousands of tests in one left-leaning tree, so nothing that
//! walks it recurses.

use std::ops::Range;

use crate::Test;

/// Index of a node in its expression.
pub type NodeId = usize;

/// One node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// Both.
    And(NodeId, NodeId),
    /// Either.
    Or(NodeId, NodeId),
    /// The opposite.
    Not(NodeId),
    /// A single test.
    Test {
        /// What is asked.
        test: Test,
        /// Whether the operator was `!=`, `>` or `<`: the opposite of `test` is meant.
        negated: bool,
        /// Its words, as indices into `Parsed::words`.
        words: Range<usize>,
    },
}

/// A whole expression; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expr {
    pub(crate) nodes: Vec<Node>,
}

/// The answer for one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The row is wanted.
    Match,
    /// The row is not wanted.
    Miss,
    /// A fact that decides was not known; the row is not shown, and a caller can count it.
    Unknown,
}

impl Expr {
    /// Gives all nodes, children before parents; the last is the root.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }
}
