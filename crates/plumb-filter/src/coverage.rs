//! Which part of an expression the kernel's program can carry.
//!
//! A program may let pass more rows than the expression, never fewer. So a conjunction may lose a part,
//! and what lost one may not be negated.

use crate::expr::Node;
use crate::{Expr, Test};

/// What the kernel can say about a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Carried {
    /// Exactly what it means.
    Whole,
    /// More rows than it means.
    More,
    /// Nothing.
    Nothing,
}

/// Says of each node whether it is carried. A `dev` test anywhere means that nothing is, as in the
/// original.
pub(crate) fn covered(expr: &Expr) -> Vec<bool> {
    let nodes = expr.nodes();
    let mut carried: Vec<Carried> = Vec::with_capacity(nodes.len());
    for node in nodes {
        let of = |id: &usize| carried.get(*id).copied().unwrap_or(Carried::Nothing);
        carried.push(match node {
            Node::Test {
                test: Test::Device(_),
                ..
            } => return vec![false; nodes.len()],
            Node::Test {
                test: Test::Extended(_),
                ..
            } => Carried::Nothing,
            Node::Test { .. } => Carried::Whole,
            Node::Not(inner) if of(inner) == Carried::Whole => Carried::Whole,
            Node::Not(_) => Carried::Nothing,
            Node::And(left, right) => match (of(left), of(right)) {
                (Carried::Whole, Carried::Whole) => Carried::Whole,
                (Carried::Nothing, Carried::Nothing) => Carried::Nothing,
                _ => Carried::More,
            },
            Node::Or(left, right) => match (of(left), of(right)) {
                (Carried::Nothing, _) | (_, Carried::Nothing) => Carried::Nothing,
                (Carried::Whole, Carried::Whole) => Carried::Whole,
                _ => Carried::More,
            },
        });
    }
    reached(nodes, &carried)
}

/// Takes back what stands in a part that is not carried.
fn reached(nodes: &[Node], carried: &[Carried]) -> Vec<bool> {
    let mut reached: Vec<bool> = carried
        .iter()
        .map(|carried| *carried != Carried::Nothing)
        .collect();
    for (index, node) in nodes.iter().enumerate().rev() {
        if reached.get(index) == Some(&true) {
            continue;
        }
        let (first, second) = match node {
            Node::And(left, right) | Node::Or(left, right) => (Some(left), Some(right)),
            Node::Not(inner) => (Some(inner), None),
            Node::Test { .. } => (None, None),
        };
        for child in [first, second].into_iter().flatten() {
            if let Some(child) = reached.get_mut(*child) {
                *child = false;
            }
        }
    }
    reached
}
