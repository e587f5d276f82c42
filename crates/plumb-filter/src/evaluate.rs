//! Decides a row in user space.
//!
//! Each step answers yes, no or unknown. Negations stand at the tests only, so a row matches exactly
//! when it matches with every unknown answer taken as no, and is out of question exactly when it
//! misses with every unknown answer taken as yes.

use std::borrow::Cow;

use plumb_model::Known;

use crate::expr::{Node, Step, Target};
use crate::glob::{Case, fits_glob};
use crate::{
    Attribute, Compare, End, Expr, Fact, Family, Owner, Pattern, Predicate, Row, Side, Test,
};

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
        if self.walk(row, holds, false, &mut doubts) {
            return Verdict::Match;
        }
        if doubts && self.walk(row, holds, true, &mut doubts) {
            Verdict::Unknown
        } else {
            Verdict::Miss
        }
    }

    /// Says whether a row may match, whatever its ends, device, mark and cgroup are: asked before there
    /// are rows, of one that knows its kind or its state alone. What is ruled out need not be dumped.
    pub fn could_match(&self, row: &dyn Row) -> bool {
        let ask: Ask = |test, row| match test {
            Test::Extended(predicate) => predicate_holds(predicate, row),
            _ => None,
        };
        self.walk(row, ask, true, &mut false)
    }

    fn walk(&self, row: &dyn Row, ask: Ask, unknown: bool, doubts: &mut bool) -> bool {
        let mut at = Target::Step(0);
        loop {
            let step = match at {
                Target::Match => return true,
                Target::Miss => return false,
                Target::Step(index) => self.steps().get(index),
            };
            let Some(step) = step else { return false };
            let holds = self.answer(*step, ask, row).unwrap_or_else(|| {
                *doubts = true;
                unknown
            });
            at = if holds { step.holds } else { step.fails };
        }
    }

    fn answer(&self, step: Step, ask: Ask, row: &dyn Row) -> Option<bool> {
        let Some(Node::Test { test, .. }) = self.nodes().get(step.node) else {
            return Some(false);
        };
        Some(ask(test, row)? != step.inverted)
    }
}

/// A way to answer a test.
type Ask = fn(&Test, &dyn Row) -> Option<bool>;

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
        Test::EitherPort(patterns) => {
            // What other families have there is no port.
            matches!(row.family(), Family::Inet | Family::Inet6 | Family::Vsock)
                && (any_fits(patterns, Side::Local, row) || any_fits(patterns, Side::Peer, row))
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
            fact: Fact::AgeUs,
            compare,
            value,
        } => age_holds(*compare, row.number(Fact::AgeUs).ok()?, *value),
        Predicate::Number {
            fact,
            compare,
            value,
        } => {
            let number = row.number(*fact).ok()?;
            Some(match compare {
                Compare::Equal => number == *value,
                Compare::AtLeast => number >= *value,
                Compare::AtMost => number <= *value,
            })
        }
        Predicate::Pid(pid) => any_owner(row, |owner| owner.pid == *pid),
        Predicate::Fd(fd) => any_owner(row, |owner| owner.fd == Some(*fd)),
        Predicate::Text {
            attribute: Attribute::Process,
            glob,
        } => any_owner(row, |owner| fits_glob(glob, owner.comm, Case::Counts)),
        Predicate::Text { attribute, glob } => {
            let texts = row.texts(*attribute);
            let fits = |text: &Cow<'_, [u8]>| fits_text(*attribute, glob, text);
            let found = texts.found.iter().any(fits);
            (found || texts.complete).then_some(found)
        }
        Predicate::Owner { known } => {
            let reasons = row.texts(Attribute::OwnerUnknown);
            let has_owner = reasons.found.is_empty();
            (reasons.complete || !has_owner).then_some(has_owner == *known)
        }
        Predicate::States(states) => {
            let Known::Known(state) = row.state() else {
                return None;
            };
            let bit = 1_u32.checked_shl(u32::from(state));
            Some(bit.is_some_and(|bit| states & bit != 0))
        }
    }
}

fn any_owner(row: &dyn Row, fits: impl Fn(&Owner<'_>) -> bool) -> Option<bool> {
    let owners = row.owners();
    let found = owners.found.iter().any(fits);
    (found || owners.complete).then_some(found)
}

/// How many digits an id has at least that may be given by its beginning, and how many are enough.
const ID_DIGITS: usize = 32;
const PREFIX_DIGITS: usize = 4;

/// Whether a text fits a glob, with what people leave out: the folder of an executable, the suffix of
/// a service, the end of a container's id.
fn fits_text(attribute: Attribute, glob: &[u8], text: &[u8]) -> bool {
    let fits = |glob: &[u8], text: &[u8]| fits_glob(glob, text, Case::Counts);
    if fits(glob, text) {
        return true;
    }
    match attribute {
        Attribute::Exe if !glob.contains(&b'/') => text
            .rsplit(|byte| *byte == b'/')
            .next()
            .is_some_and(|name| fits(glob, name)),
        Attribute::Unit => text
            .strip_suffix(b".service")
            .is_some_and(|name| fits(glob, name)),
        Attribute::Container | Attribute::Pod => {
            let is_hex = |text: &[u8]| {
                text.iter()
                    .all(|byte| byte.is_ascii_hexdigit() || *byte == b'-')
            };
            text.len() >= ID_DIGITS
                && glob.len() >= PREFIX_DIGITS
                && is_hex(text)
                && is_hex(glob)
                && text.starts_with(glob)
        }
        _ => false,
    }
}

/// Compares when only a lower bound is known: what the bound does not decide is unknown.
fn age_holds(compare: Compare, at_least: u64, value: u64) -> Option<bool> {
    match compare {
        Compare::AtLeast => (at_least >= value).then_some(true),
        Compare::Equal | Compare::AtMost => (at_least > value).then_some(false),
    }
}
