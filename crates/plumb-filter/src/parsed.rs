//! What the parser is told, and what it gives back.

use crate::expr::Node;
use crate::{Expr, Fact, Family, NodeId, Predicate, Test, Word};

/// What the command line decided before the filter is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    /// The family of the last of -4 -6 -x -0 -f --vsock …: operands without a prefix are read in it.
    pub preferred: Option<Family>,
    /// Whether the tcp table is selected, so that service names are looked up there.
    pub tcp: bool,
    /// Whether the udp table is selected.
    pub udp: bool,
    /// Whether plumb's own tests are understood.
    pub extended: bool,
    /// Whether ports above `INT_MAX` are taken, as the original does since 6.6.
    pub wide_ports: bool,
}

/// A filter that was understood.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parsed {
    /// The expression, `None` for an empty filter.
    pub expr: Option<Expr>,
    /// The family that replaces the set of selected families: that of the last operand that had one.
    pub family: Option<Family>,
    /// The `and` nodes that took a whole `or` without parentheses, where other languages would have taken
    /// only its last term.
    pub surprises: Vec<NodeId>,
    /// Every word in order, for explanations.
    pub words: Vec<Word>,
    /// The facts that only some tests need.
    pub needs: Needs,
}

/// Facts a caller has to collect for this filter, beyond those of every row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Needs {
    /// `rtt`: the kernel's `INET_DIAG_INFO` must be requested.
    pub info: bool,
    /// `pid`, `process`: the holders.
    pub owners: bool,
    /// `age`: a lower bound of the age.
    pub age: bool,
    /// `user`: the user id, which a dump of UNIX sockets has to be asked for.
    pub uid: bool,
}

impl Needs {
    /// Finds what the tests of an expression need.
    pub(crate) fn of(nodes: &[Node]) -> Self {
        let mut needs = Self::default();
        for node in nodes {
            let Node::Test {
                test: Test::Extended(predicate),
                ..
            } = node
            else {
                continue;
            };
            match predicate {
                Predicate::Pid(_) | Predicate::Process(_) => needs.owners = true,
                Predicate::Number {
                    fact: Fact::RttUs, ..
                } => needs.info = true,
                Predicate::Number {
                    fact: Fact::AgeUs, ..
                } => needs.age = true,
                Predicate::Uid(_) => needs.uid = true,
                Predicate::Number { .. } | Predicate::States(_) => {}
            }
        }
        needs
    }
}
