//! The expression: a tree in one vector, children before parents, and the steps that decide a row.
//!
//! A filter file can hold a hundred thousand tests in one left-leaning tree, so nothing that walks it
//! recurses. The steps are the tree as jumps, with negations moved to the tests.

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
    nodes: Vec<Node>,
    steps: Vec<Step>,
}

/// A test and where to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    /// The node, a `Node::Test`.
    pub(crate) node: NodeId,
    /// Whether the opposite of the test's own answer counts.
    pub(crate) inverted: bool,
    /// Where to go when it holds, and when not.
    pub(crate) holds: Target,
    pub(crate) fails: Target,
}

/// Where to go after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Step(usize),
    Match,
    Miss,
}

impl Expr {
    /// Takes nodes whose last is the root. There is at least one.
    pub(crate) fn new(nodes: Vec<Node>) -> Self {
        let steps = steps(&nodes);
        Self { nodes, steps }
    }

    /// Gives all nodes, children before parents; the last is the root.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    pub(crate) fn steps(&self) -> &[Step] {
        &self.steps
    }
}

/// A node still to be turned into steps, and what shall happen after it.
struct Open {
    node: NodeId,
    inverted: bool,
    holds: Target,
    fails: Target,
}

/// Lays the tests out from the last to the first, so that each knows where the later ones are; the
/// steps come out in reverse and are turned around at the end.
fn steps(nodes: &[Node]) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut open = Vec::new();
    let root = nodes.len().saturating_sub(1);
    open.push(Work::Lay(Open {
        node: root,
        inverted: false,
        holds: Target::Match,
        fails: Target::Miss,
    }));
    while let Some(work) = open.pop() {
        let item = match work {
            Work::Lay(item) => item,
            // The part behind is laid: the part in front can go on to its first step.
            Work::Front { mut item, on_holds } => {
                let next = Target::Step(steps.len() - 1);
                if on_holds {
                    item.holds = next;
                } else {
                    item.fails = next;
                }
                item
            }
        };
        let Open {
            node,
            inverted,
            holds,
            fails,
        } = item;
        match nodes.get(node) {
            Some(Node::Not(inner)) => open.push(Work::Lay(Open {
                node: *inner,
                inverted: !inverted,
                holds,
                fails,
            })),
            Some(Node::And(left, right) | Node::Or(left, right)) => {
                let on_holds = matches!(nodes.get(node), Some(Node::And(..))) != inverted;
                open.push(Work::Front {
                    item: Open {
                        node: *left,
                        inverted,
                        holds,
                        fails,
                    },
                    on_holds,
                });
                open.push(Work::Lay(Open {
                    node: *right,
                    inverted,
                    holds,
                    fails,
                }));
            }
            Some(Node::Test { negated, .. }) => {
                steps.push(Step {
                    node,
                    inverted: inverted != *negated,
                    holds,
                    fails,
                });
            }
            None => {}
        }
    }
    turned(steps)
}

enum Work {
    Lay(Open),
    Front { item: Open, on_holds: bool },
}

fn turned(mut steps: Vec<Step>) -> Vec<Step> {
    let last = steps.len().saturating_sub(1);
    let turn = |target| match target {
        Target::Step(index) => Target::Step(last - index),
        other => other,
    };
    for step in &mut steps {
        (step.holds, step.fails) = (turn(step.holds), turn(step.fails));
    }
    steps.reverse();
    steps
}
