//! What an expression says for certain before there is any row.

use crate::{Expr, Node, Predicate, Test};

/// Process ids that are worth naming; an expression of more is no narrowing.
const MOST: usize = 1024;

impl Expr {
    /// Gives the process ids of which every row that matches has one as its holder, sorted; `None` where the
    /// expression may match others, too.
    ///
    /// Whoever looks at holders can leave all others out. A row is still asked everything.
    pub fn holders(&self) -> Option<Vec<u32>> {
        let mut known: Vec<Option<Vec<u32>>> = Vec::with_capacity(self.nodes().len());
        // Children stand before their parents.
        for node in self.nodes() {
            let of = |id: usize| known.get(id).cloned().flatten();
            let pids = match node {
                Node::And(left, right) => of(*left).or_else(|| of(*right)),
                Node::Or(left, right) => of(*left).zip(of(*right)).map(|(mut left, right)| {
                    left.extend(right);
                    left
                }),
                Node::Not(_) => None,
                Node::Test { test, negated, .. } => match test {
                    Test::Extended(Predicate::Pid(pid)) if !negated => Some(vec![*pid]),
                    _ => None,
                },
            };
            known.push(pids.filter(|pids| pids.len() <= MOST));
        }
        let mut pids = known.pop().flatten()?;
        pids.sort_unstable();
        pids.dedup();
        Some(pids)
    }
}
