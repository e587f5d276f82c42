//! The kernel's program of an expression (`INET_DIAG_REQ_BYTECODE`, linux/inet_diag.h).
//!
//! Each operation is `{code u8, yes u8, no u16}` and its arguments; both jumps are forward and in
//! bytes. A row passes when the end is reached exactly and fails when it is passed by four.
//! The program is the original's to the byte where the expression is; the bytes that the original
//! leaves to chance are zero.

use crate::coverage::covered;
use crate::expr::Node;
use crate::{Compare, Expr, Family, Pattern, Side, Test};

const JMP: u8 = 1;
const S_GE: u8 = 2;
const S_LE: u8 = 3;
const D_GE: u8 = 4;
const D_LE: u8 = 5;
const AUTO: u8 = 6;
const S_COND: u8 = 7;
const D_COND: u8 = 8;
const MARK_COND: u8 = 10;
const CGROUP_COND: u8 = 13;

/// What fits into the attribute that carries the program.
const LONGEST: usize = 65_528;

/// Gives the program for the kernel, `None` when all rows must be asked for: a `dev` test is in it, the
/// program is too long, or nothing of it can be decided in the kernel.
///
/// Tests that only user space can answer are left out as far as that asks for more rows, never for
/// fewer: evaluation has the last word in any case.
pub fn bytecode(expr: &Expr) -> Option<Vec<u8>> {
    let covered = covered(expr);
    let mut parts: Vec<Option<Vec<u8>>> = Vec::new();
    for (node, covered) in expr.nodes().iter().zip(covered) {
        let part = match node {
            Node::Test { test, negated, .. } => {
                let code = test_code(test);
                if *negated { code.map(not) } else { code }
            }
            Node::Not(_) => parts.pop()?.map(not),
            Node::And(..) => {
                let right = parts.pop()?;
                match (parts.pop()?, right) {
                    (Some(left), Some(right)) => Some(and(left, &right)),
                    (left, right) => left.or(right),
                }
            }
            Node::Or(..) => {
                let right = parts.pop()?;
                parts
                    .pop()?
                    .zip(right)
                    .map(|(left, right)| or(left, &right))
            }
        };
        if part.as_ref().is_some_and(|code| code.len() > LONGEST) {
            return None;
        }
        parts.push(part.filter(|_| covered));
    }
    parts.pop()?
}

fn operation(code: u8, len: u8, no: u16) -> Vec<u8> {
    let no = no.to_ne_bytes();
    vec![code, len, no[0], no[1]]
}

/// An operation with arguments, which fails past the end.
fn condition(code: u8, arguments: &[u8]) -> Vec<u8> {
    let len = u8::try_from(4 + arguments.len()).unwrap_or(u8::MAX);
    let mut out = operation(code, len, u16::from(len) + 4);
    out.extend_from_slice(arguments);
    out
}

fn jump(over: usize) -> Vec<u8> {
    operation(JMP, 4, u16::try_from(over).unwrap_or(u16::MAX))
}

fn test_code(test: &Test) -> Option<Vec<u8>> {
    Some(match test {
        Test::Host { side, patterns }
        | Test::Port {
            side,
            compare: Compare::Equal,
            patterns,
        } => host(*side, patterns)?,
        Test::Port {
            side,
            compare,
            patterns,
        } => {
            let code = match (side, compare) {
                (Side::Local, Compare::AtMost) => S_LE,
                (Side::Peer, Compare::AtMost) => D_LE,
                (Side::Local, _) => S_GE,
                (Side::Peer, _) => D_GE,
            };
            let port = patterns.first()?.port.unwrap_or(-1).to_le_bytes();
            condition(
                code,
                &operation(0, 0, u16::from_le_bytes([port[0], port[1]])),
            )
        }
        Test::EitherPort(patterns) => {
            let peer = host(Side::Peer, patterns)?;
            or(host(Side::Local, patterns)?, &peer)
        }
        Test::Device(_) | Test::Extended(_) => return None,
        Test::Mark { value, mask } => condition(
            MARK_COND,
            &[value.to_ne_bytes(), mask.to_ne_bytes()].concat(),
        ),
        Test::Cgroup(id) => condition(CGROUP_COND, &id.to_ne_bytes()),
        Test::Autobound => operation(AUTO, 4, 8),
    })
}

/// One condition for each address, all with the first address, as the original has it.
fn host(side: Side, patterns: &[Pattern]) -> Option<Vec<u8>> {
    let code = if side == Side::Local { S_COND } else { D_COND };
    let one = condition(code, &host_condition(patterns.first()?));
    let mut program = one.clone();
    for _ in 1..patterns.len() {
        program = or(one.clone(), &program);
    }
    Some(program)
}

/// `struct inet_diag_hostcond`: family, prefix length, port, address.
fn host_condition(pattern: &Pattern) -> Vec<u8> {
    let family = pattern.family.map_or(0, Family::number);
    let prefix = pattern.prefix.to_le_bytes()[0];
    let port = pattern.port.unwrap_or(-1).to_le_bytes();
    let mut out = vec![family, prefix, 0, 0];
    out.extend_from_slice(&port[..4]);
    // Of a glob the original sends the address in memory; the kernel refuses such a family unread.
    let glob = pattern.family == Some(Family::Unix);
    out.extend_from_slice(if glob { &[0; 4] } else { &pattern.address });
    out
}

/// Both: what fails in the first part fails past the second.
fn and(mut first: Vec<u8>, second: &[u8]) -> Vec<u8> {
    let end = first.len();
    let mut at = 0;
    while let Some([_, yes, low, high]) = first.get_mut(at..at + 4) {
        let no = u16::from_ne_bytes([*low, *high]);
        if at + usize::from(no) == end + 4 {
            let further = usize::from(no) + second.len();
            [*low, *high] = u16::try_from(further).unwrap_or(u16::MAX).to_ne_bytes();
        }
        at += usize::from(*yes).max(4);
    }
    first.extend_from_slice(second);
    first
}

/// Either: what passes the first part jumps over the second.
fn or(mut first: Vec<u8>, second: &[u8]) -> Vec<u8> {
    first.extend(jump(second.len() + 4));
    first.extend_from_slice(second);
    first
}

/// The opposite.
fn not(mut inner: Vec<u8>) -> Vec<u8> {
    inner.extend(jump(8));
    inner
}
