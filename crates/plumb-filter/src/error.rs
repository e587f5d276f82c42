//! What can be wrong with a filter, in the original's words and in ours.
//!
//! `report` gives what the personality prints and returns, to the byte; `pointing` shows the word and
//! says what was expected there. Neither writes anything.

use std::fmt::Write as _;

use crate::extended::{KINDS, is_state};
use crate::token::{Token, token_of};
use crate::{Fault, Piece, Place, Source};

/// An error at a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// What is wrong.
    pub kind: Kind,
    /// The word, `None` at the end of the input.
    pub place: Option<Place>,
}

/// What is wrong. The texts are the operand, or the part of it that was not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A token where the grammar has no place for it, or the end where it is not complete.
    Syntax {
        /// What could have stood there.
        expected: &'static str,
    },
    /// Deeper parentheses than the original's parser takes.
    TooDeep,
    /// A line of a filter file that cannot be read.
    Line(Fault),
    /// Not an address.
    Address(Vec<u8>),
    /// Not a port.
    Port(Vec<u8>),
    /// An operand of another family that was not understood, or a bracket that is not closed.
    Host(Vec<u8>),
    /// No such interface.
    Device(Vec<u8>),
    /// Not a mark.
    Mark(Vec<u8>),
    /// No such cgroup.
    Cgroup {
        /// The operand.
        path: Vec<u8>,
        /// Why, in the original's words, without a line feed.
        cause: Vec<u8>,
    },
    /// This kernel takes no program with a cgroup test.
    CgroupUnsupported,
    /// A word that begins no test, where the parser is strict.
    NoTest(Vec<u8>),
    /// The operand of one of plumb's own tests.
    Operand {
        /// The operand.
        text: Vec<u8>,
        /// What it should have been.
        expected: &'static str,
    },
}

/// What a personality prints and returns for an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The bytes for stderr, line feeds included.
    pub stderr: Vec<u8>,
    /// Whether the usage text follows on stderr.
    pub usage: bool,
    /// The exit status.
    pub status: u8,
}

impl Error {
    /// Gives what the original prints and returns.
    pub fn report(&self) -> Report {
        let bellows =
            |what: &str| format!("ss: bison bellows (while parsing filter): \"{what}!\" Sorry.\n");
        let (stderr, usage, status) = match &self.kind {
            Kind::Syntax { .. } | Kind::Operand { .. } | Kind::NoTest(_) => {
                (bellows("syntax error").into_bytes(), true, 255)
            }
            Kind::TooDeep => (bellows("memory exhausted").into_bytes(), true, 255),
            Kind::Line(Fault::TooLong) => (b"Too long line in filter\n".to_vec(), false, 255),
            Kind::Line(Fault::Invalid) => (b"Invalid line\n".to_vec(), false, 255),
            Kind::Address(text) => (
                quoted(b"an inet prefix is expected rather than", text, b"."),
                false,
                1,
            ),
            Kind::Port(text) => (does_not_look_like(text), false, 1),
            Kind::Host(_) => (b"Cannot parse dst/src address.\n".to_vec(), false, 1),
            Kind::Device(_) => (b"Cannot parse device.\n".to_vec(), false, 1),
            Kind::Mark(text) => (
                [b"Cannot parse mark ", text.as_slice(), b".\n"].concat(),
                false,
                1,
            ),
            Kind::Cgroup { path, cause } => (
                [cause, b"\nCannot parse cgroup ".as_slice(), path, b".\n"].concat(),
                false,
                1,
            ),
            Kind::CgroupUnsupported => (
                b"It looks like such filter is not supported! Too old kernel?\n".to_vec(),
                false,
                255,
            ),
        };
        Report {
            stderr,
            usage,
            status,
        }
    }

    /// Gives our own message: what is wrong, the line with the word, and a caret line under it. Bytes
    /// that are not printable ASCII are shown escaped.
    pub fn pointing(&self, pieces: &[Piece]) -> String {
        let word = self
            .place
            .and_then(|place| pieces.get(place.piece)?.text.get(place.start..place.end));
        let mut out = match word {
            // A bare `:PORT` is a test of plumb's own.
            Some(word) if !word.starts_with(b":") && self.is_no_test(pieces) => no_test(word),
            _ => self.sentence(),
        };
        out.push_str(word.map_or("", |word| self.hint(word)));
        let place = self.place.or_else(|| end_of(pieces));
        let Some((place, piece)) = place.and_then(|place| Some((place, pieces.get(place.piece)?)))
        else {
            return out;
        };
        let head = match piece.source {
            Source::Argument(_) => String::new(),
            Source::Line(line) => format!("line {line}: "),
        };
        let show = |bytes: Option<&[u8]>| bytes.unwrap_or_default().escape_ascii().to_string();
        let before = show(piece.text.get(..place.start));
        let word = show(piece.text.get(place.start..place.end));
        let after = show(piece.text.get(place.end..));
        let indent = " ".repeat(head.len() + before.len());
        let carets = "^".repeat(word.len().max(1));
        let _ = write!(out, "\n  {head}{before}{word}{after}\n  {indent}{carets}");
        out
    }

    /// Whether an operand stands where a test begins. It was read as one of whatever keyword was last.
    fn is_no_test(&self, pieces: &[Piece]) -> bool {
        let is_operand = matches!(
            self.kind,
            Kind::Address(_) | Kind::Port(_) | Kind::Host(_) | Kind::Device(_) | Kind::Mark(_)
        );
        let before = self.place.and_then(|place| word_before(pieces, place));
        is_operand
            && !matches!(
                before.map(token_of),
                Some(Token::Keyword(_) | Token::Operator(_))
            )
    }

    /// What the word probably wanted to be.
    fn hint(&self, word: &[u8]) -> &'static str {
        match (&self.kind, word) {
            (Kind::Address(_) | Kind::Port(_), [b'(', ..] | [.., b')']) => {
                "; parentheses need blanks around them"
            }
            (Kind::Address(_), _) if word.contains(&b'=') => "; operators need blanks around them",
            (Kind::Address(text), _) if text.ends_with(b":") => {
                "; write an IPv6 address in brackets, as [::1]"
            }
            _ => "",
        }
    }

    fn sentence(&self) -> String {
        let show = |text: &Vec<u8>| text.escape_ascii().to_string();
        match &self.kind {
            Kind::Syntax { expected } if self.place.is_none() => {
                format!("the filter ends where {expected} was expected")
            }
            Kind::Syntax { expected } => format!("expected {expected}"),
            Kind::TooDeep => "too many nested parentheses or operators".to_owned(),
            Kind::Line(Fault::TooLong) => {
                "a line of a filter file must be shorter than 1023 bytes".to_owned()
            }
            Kind::Line(Fault::Invalid) => "a line of a filter file begins with a NUL".to_owned(),
            Kind::Address(text) => format!("'{}' is no address and no known host", show(text)),
            Kind::Port(text) => format!("'{}' is no port number and no known service", show(text)),
            Kind::Host(text) => format!("'{}' was not understood", show(text)),
            Kind::Device(text) => format!("there is no interface '{}'", show(text)),
            Kind::Mark(text) => format!("'{}' is no mark; write VALUE or VALUE/MASK", show(text)),
            Kind::Cgroup { path, cause } => format!("no cgroup '{}': {}", show(path), show(cause)),
            Kind::CgroupUnsupported => "this kernel cannot filter by cgroup".to_owned(),
            Kind::NoTest(text) => strict_no_test(text),
            Kind::Operand { text, expected } => format!("'{}' is not {expected}", show(text)),
        }
    }
}

/// Says that a word begins no test.
fn no_test(word: &[u8]) -> String {
    let shown = word.escape_ascii();
    if is_state(word) {
        format!("'{shown}' is no test; states stand before the expression, as in 'state {shown}'")
    } else {
        format!("'{shown}' is no test")
    }
}

/// Says that a word begins no test of plumb's language, and what was probably meant.
fn strict_no_test(word: &[u8]) -> String {
    let shown = word.escape_ascii();
    let meant = if is_state(word) {
        format!("state = {shown}")
    } else if KINDS.iter().any(|kind| kind.as_bytes() == word) {
        format!("kind = {shown}")
    } else if word.iter().all(u8::is_ascii_digit) && !word.is_empty() {
        format!(":{shown}' for a port, or 'pid = {shown}")
    } else if word
        .iter()
        .all(|byte| byte.is_ascii_hexdigit() || b".:/[]".contains(byte))
    {
        format!("src {shown} or dst {shown}")
    } else if word.contains(&b'(') || word.contains(&b')') {
        return format!("'{shown}' is no test; parentheses need blanks around them");
    } else {
        format!("process = {shown}")
    };
    format!("'{shown}' is no test; perhaps '{meant}' is meant")
}

/// The word in front of a place.
fn word_before(pieces: &[Piece], place: Place) -> Option<&[u8]> {
    let last = |text: &'_ [u8]| -> Option<std::ops::Range<usize>> {
        let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
        let end = text.iter().rposition(|byte| !is_blank(byte))? + 1;
        let start = text.get(..end)?.iter().rposition(is_blank);
        Some(start.map_or(0, |at| at + 1)..end)
    };
    let same = pieces.get(place.piece)?.text.get(..place.start)?;
    let others = pieces.get(..place.piece)?.iter().rev();
    std::iter::once(same)
        .chain(others.map(|piece| piece.text.as_slice()))
        .find_map(|text| text.get(last(text)?))
}

fn quoted(before: &[u8], text: &[u8], after: &[u8]) -> Vec<u8> {
    [
        b"Error: ",
        before,
        b" \"",
        text,
        b"\"",
        after,
        b"\nCannot parse dst/src address.\n",
    ]
    .concat()
}

fn does_not_look_like(text: &[u8]) -> Vec<u8> {
    [
        b"Error: \"",
        text,
        b"\" does not look like a port.\nCannot parse dst/src address.\n",
    ]
    .concat()
}

/// The place behind the last byte of the input.
fn end_of(pieces: &[Piece]) -> Option<Place> {
    let piece = pieces.len().checked_sub(1)?;
    let end = pieces.last()?.text.len();
    Some(Place {
        piece,
        start: end,
        end,
    })
}
