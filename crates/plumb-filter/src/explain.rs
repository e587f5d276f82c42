//! Says in words how a filter was understood: the tree, surprises, operands, and where it runs.
//!
//! The text is for people and may change; it never prints raw bytes of the input.

use std::fmt::Write as _;
use std::ops::Range;

use crate::coverage::covered;
use crate::describe::describe;
use crate::expr::{Node, NodeId};
use crate::{Compare, Expr, Family, Parsed, Test};

/// How many places are shown where precedence may have been expected.
const SURPRISES: usize = 4;

/// Explains a filter in several lines, each ended by a line feed.
pub fn explain(parsed: &Parsed) -> String {
    let Some(expr) = &parsed.expr else {
        return "no filter: every socket of the selected tables and states\n".to_owned();
    };
    let mut out = String::new();
    let _ = writeln!(
        out,
        "understood as:\n  {}",
        render(parsed, expr, root(expr))
    );
    for node in parsed.surprises.iter().take(SURPRISES) {
        surprise(&mut out, parsed, expr, *node);
    }
    if let Some(more @ 1..) = parsed.surprises.len().checked_sub(SURPRISES) {
        let _ = writeln!(out, "and {more} more of this kind");
    }
    operands(&mut out, parsed, expr);
    if let Some(family) = parsed.family {
        let _ = writeln!(
            out,
            "families:\n  only {}, because an operand or an option names it",
            family.word()
        );
    }
    out
}

fn root(expr: &Expr) -> NodeId {
    expr.nodes().len().saturating_sub(1)
}

/// What is still to be written of a tree.
enum Left {
    Node(NodeId),
    Text(&'static str),
}

/// Writes a node with a pair of parentheses for every `and` and `or`, as it can be given to plumb again.
fn render(parsed: &Parsed, expr: &Expr, node: NodeId) -> String {
    let mut out = String::new();
    let mut left = vec![Left::Node(node)];
    while let Some(item) = left.pop() {
        let id = match item {
            Left::Text(text) => {
                out.push_str(text);
                continue;
            }
            Left::Node(id) => id,
        };
        match expr.nodes().get(id) {
            Some(Node::And(first, second)) => open(&mut left, *first, " and ", *second),
            Some(Node::Or(first, second)) => open(&mut left, *first, " or ", *second),
            Some(Node::Not(inner)) => left.extend([Left::Node(*inner), Left::Text("not ")]),
            Some(Node::Test { words, .. }) => out.push_str(&spelled(parsed, words.clone())),
            None => {}
        }
    }
    out
}

fn open(left: &mut Vec<Left>, first: NodeId, join: &'static str, second: NodeId) {
    left.extend([
        Left::Text(" )"),
        Left::Node(second),
        Left::Text(join),
        Left::Node(first),
        Left::Text("( "),
    ]);
}

/// The words of a test as they were written, blanks in them behind a backslash.
fn spelled(parsed: &Parsed, words: Range<usize>) -> String {
    let words = parsed.words.get(words).unwrap_or_default();
    let texts: Vec<String> = words
        .iter()
        .map(|word| word.text.escape_ascii().to_string().replace(' ', "\\ "))
        .collect();
    texts.join(" ")
}

fn surprise(out: &mut String, parsed: &Parsed, expr: &Expr, node: NodeId) {
    let Some(Node::And(or, last)) = expr.nodes().get(node) else {
        return;
    };
    let Some(Node::Or(first, second)) = expr.nodes().get(*or) else {
        return;
    };
    let [first, second, last] = [first, second, last].map(|id| render(parsed, expr, *id));
    let _ = writeln!(
        out,
        "careful: 'and' does not bind tighter than 'or' here; what you get is
  \
         ( {first} or {second} ) and {last}
if you want the other, write
  \
         {first} or ( {second} and {last} )"
    );
}

/// Lists the tests: what each means, what the kernel makes of it, and where it is decided.
fn operands(out: &mut String, parsed: &Parsed, expr: &Expr) {
    let covered = covered(expr);
    let kernel = covered.last() == Some(&true);
    out.push_str("tests:\n");
    let mut all_covered = true;
    for (node, covered) in expr.nodes().iter().zip(&covered) {
        let Node::Test {
            test,
            negated,
            words,
        } = node
        else {
            continue;
        };
        all_covered &= covered;
        let place = if *covered { "kernel" } else { "user space" };
        let _ = writeln!(
            out,
            "  {}: {} ({place})",
            spelled(parsed, words.clone()),
            describe(test, *negated)
        );
        if *covered {
            caveat(out, test);
        }
    }
    out.push_str(match (kernel, all_covered) {
        (true, true) => "the kernel sends only what fits; user space checks again\n",
        (true, false) => "the kernel sends what fits its tests; user space decides the rest\n",
        (false, _) => {
            "the kernel sends every socket of the selected tables and states; user space decides\n"
        }
    });
}

/// Tells where the kernel's program is not what was written.
fn caveat(out: &mut String, test: &Test) {
    match test {
        Test::Port {
            compare: Compare::AtLeast | Compare::AtMost,
            patterns,
            ..
        } => {
            let port = patterns
                .first()
                .and_then(|pattern| pattern.port)
                .unwrap_or(-1);
            let cut = port & 0xffff;
            if cut != port {
                let _ = writeln!(
                    out,
                    "    careful: the kernel compares with {cut}, because it keeps 16 bits of {port}"
                );
            }
        }
        Test::Host { patterns, .. } | Test::Port { patterns, .. } if patterns.len() > 1 => {
            out.push_str(
                "    careful: the kernel compares with the first of these addresses only\n",
            );
        }
        Test::Host { patterns, .. } | Test::Port { patterns, .. }
            if patterns.iter().any(|pattern| is_foreign(pattern.family)) =>
        {
            out.push_str("    careful: asked for inet sockets, the kernel refuses a program with this test\n");
        }
        _ => {}
    }
}

/// Whether the kernel's inet dump does not know the family.
fn is_foreign(family: Option<Family>) -> bool {
    !matches!(family, None | Some(Family::Inet | Family::Inet6))
}
