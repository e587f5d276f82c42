//! Decides a row in user space.
//!
//! Each step answers yes, no or unknown. Negations stand at the tests only, so a row matches exactly
//! when it matches with every unknown answer taken as no, and is out of question exactly when it
//! misses with every unknown answer taken as yes.

use plumb_model::Known;

use crate::expr::{Node, Step, Target};
use crate::glob::{Case, fits_glob};
use crate::{Compare, End, Expr, Fact, Family, Pattern, Predicate, Row, Side, Test};

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
    /// Decides a row.
    pub fn evaluate(&self, row: &dyn Row) -> Verdict {
        let mut doubts = false;
        if self.walk(row, false, &mut doubts) {
            return Verdict::Match;
        }
        if doubts && self.walk(row, true, &mut doubts) {
            Verdict::Unknown
        } else {
            Verdict::Miss
        }
    }

    fn walk(&self, row: &dyn Row, unknown: bool, doubts: &mut bool) -> bool {
        let mut at = Target::Step(0);
        loop {
            let step = match at {
                Target::Match => return true,
                Target::Miss => return false,
                Target::Step(index) => self.steps().get(index),
            };
            let Some(step) = step else { return false };
            let holds = self.answer(*step, row).unwrap_or_else(|| {
                *doubts = true;
                unknown
            });
            at = if holds { step.holds } else { step.fails };
        }
    }

    fn answer(&self, step: Step, row: &dyn Row) -> Option<bool> {
        let Some(Node::Test { test, .. }) = self.nodes().get(step.node) else {
            return Some(false);
        };
        Some(holds(test, row)? != step.inverted)
    }
}

/// Answers one test, `None` when a fact it needs is unknown.
fn holds(test: &Test, row: &dyn Row) -> Option<bool> {
    Some(match test {
        Test::Host { side, patterns } => any_fits(patterns, *side, row),
        Test::Port {
            side,
            compare,
            patterns,
        } => {
            let port = row.end(*side).port;
            let wanted = patterns
                .first()
                .and_then(|pattern| pattern.port)
                .unwrap_or(-1);
            match compare {
                Compare::Equal => any_fits(patterns, *side, row),
                Compare::AtLeast => port >= wanted,
                Compare::AtMost => port <= wanted,
            }
        }
        Test::Device(index) => row.device() == *index,
        Test::Mark { value, mask } => row.mark() & mask == *value,
        Test::Cgroup(id) => row.cgroup() == *id,
        Test::Autobound => autobound(row),
        Test::Extended(predicate) => return predicate_holds(predicate, row),
    })
}

fn any_fits(patterns: &[Pattern], side: Side, row: &dyn Row) -> bool {
    let end = row.end(side);
    patterns.iter().any(|pattern| fits(pattern, &end))
}

/// Whether one end fits a pattern. As in the original, a pattern is not kept to rows of its own family:
/// an IPv4 pattern is compared with the first bytes of any address, and with the end of a mapped one; a
/// glob is compared with the empty name of what has none.
fn fits(pattern: &Pattern, end: &End<'_>) -> bool {
    if pattern.family == Some(Family::Unix) {
        return fits_glob(
            &pattern.address,
            end.name.unwrap_or_default(),
            Case::Ignored,
        );
    }
    if pattern.port.is_some_and(|port| port != end.port) {
        return false;
    }
    // The original compares the pointer to a name, which fits only what fits everything.
    if end.name.is_some() {
        return pattern.prefix == 0;
    }
    let alike = |address: &[u8]| starts_alike(&pattern.address, address, pattern.prefix);
    let mapped = || {
        end.address
            .strip_prefix(&MAPPED)
            .filter(|_| pattern.family == Some(Family::Inet))
    };
    alike(end.address) || mapped().is_some_and(alike)
}

/// What stands before the IPv4 address in a mapped one.
const MAPPED: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/// Whether the first `bits` bits are equal. What is not there counts as zero.
fn starts_alike(pattern: &[u8], address: &[u8], bits: u16) -> bool {
    let byte = |bytes: &[u8], index: usize| bytes.get(index).copied().unwrap_or(0);
    let whole = usize::from(bits / 8);
    let left = (0..whole).all(|index| byte(pattern, index) == byte(address, index));
    let mask = !(0xff_u8 >> (bits % 8));
    left && (byte(pattern, whole) ^ byte(address, whole)) & mask == 0
}

fn autobound(row: &dyn Row) -> bool {
    let end = row.end(Side::Local);
    match row.family() {
        Family::Unix => end.name.is_none_or(|name| {
            let digits = name.strip_prefix(b"@").unwrap_or_default();
            digits.len() == 5
                && digits
                    .iter()
                    .all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
        }),
        Family::Link => end.port == 0 && end.address.iter().all(|byte| *byte == 0),
        Family::Netlink => end.port < 0,
        Family::Vsock => end.port > 1023,
        _ => row.ephemeral_ports().contains(&end.port),
    }
}

fn predicate_holds(predicate: &Predicate, row: &dyn Row) -> Option<bool> {
    match predicate {
        Predicate::Number {
            fact,
            compare,
            value,
        } => {
            let number = match fact {
                Fact::RecvQ => row.recv_q(),
                Fact::SendQ => row.send_q(),
                Fact::RttUs => row.rtt_us(),
                Fact::AgeUs => return age_holds(*compare, row.age_us().ok()?, *value),
            };
            let number = number.ok()?;
            Some(match compare {
                Compare::Equal => number == *value,
                Compare::AtLeast => number >= *value,
                Compare::AtMost => number <= *value,
            })
        }
        Predicate::Pid(pid) => {
            let owners = row.owners();
            let found = owners.found.iter().any(|owner| owner.pid == *pid);
            (found || owners.complete).then_some(found)
        }
        Predicate::Process(glob) => {
            let owners = row.owners();
            let found = owners
                .found
                .iter()
                .any(|owner| fits_glob(glob, owner.comm, Case::Counts));
            (found || owners.complete).then_some(found)
        }
        Predicate::Uid(uid) => row.uid().ok().map(|is| is == *uid),
        Predicate::States(states) => {
            let Known::Known(state) = row.state() else {
                return None;
            };
            Some(
                1_u32
                    .checked_shl(u32::from(state))
                    .is_some_and(|bit| states & bit != 0),
            )
        }
    }
}

/// Compares when only a lower bound is known: what the bound does not decide is unknown.
fn age_holds(compare: Compare, at_least: u64, value: u64) -> Option<bool> {
    match compare {
        Compare::AtLeast => (at_least >= value).then_some(true),
        Compare::Equal | Compare::AtMost => (at_least > value).then_some(false),
    }
}
