//! Tables that name their columns: the header says where each wanted value stands.
//!
//! `/proc/net/route` and the old `rt_cache` are read this way. Columns nobody asked for are
//! skipped; a wanted one that is missing, or a header with too many columns, makes the table
//! unreadable, in the original's words.

use crate::lines::before_nul;
use crate::scan::{Scanner, low32};

/// Bytes of the header line that count.
pub const HEADER_BYTES: usize = 510;
/// Longest piece of a row.
pub const ROW_BYTES: usize = 1022;
/// Room the original has for its description of a row; a longer header is refused.
const FORMAT_BYTES: usize = 507;

/// How a column is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A word of at most so many bytes.
    Word(usize),
    /// A hexadecimal number.
    Hex,
    /// A decimal number.
    Decimal,
}

impl Kind {
    /// How many bytes of the original's row description the column takes (`%15s`, `%X`, `%d`).
    fn format_len(self) -> usize {
        match self {
            Self::Word(width) if width >= 100 => 5,
            Self::Word(_) => 4,
            Self::Hex | Self::Decimal => 2,
        }
    }
}

/// A wanted column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its head.
    pub name: &'static str,
    /// How it is written.
    pub kind: Kind,
}

/// Why a header does not describe the wanted table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderError {
    /// The column of this name is missing (or stands before one that it should follow).
    Missing(&'static str),
    /// There are too many columns.
    TooLong,
}

/// A value of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// Of a [`Kind::Word`] column.
    Word(&'a [u8]),
    /// Of a number column; more than 32 bits are cut.
    Number(u32),
}

/// Where the wanted columns stand: `None` for a column to skip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout(Vec<Option<Kind>>);

impl Layout {
    /// Reads a header line, which must have all of `wanted` in that order.
    pub fn from_header(header: &[u8], wanted: &[Column]) -> Result<Self, HeaderError> {
        let mut layout = Vec::new();
        let mut format_len = 0;
        let mut wanted = wanted.iter();
        let mut next = wanted.next();
        for head in before_nul(header).split(|b| matches!(b, b' ' | b'\t' | b'\n')) {
            let Some(column) = next else { break };
            // Any white space may stand before a head, but only these three end one.
            let mut head = Scanner::new(head);
            head.skip_space();
            let head = head.rest();
            if head.is_empty() {
                continue;
            }
            if head == column.name.as_bytes() {
                layout.push(Some(column.kind));
                format_len += column.kind.format_len();
                next = wanted.next();
            } else {
                layout.push(None);
                format_len += 4;
            }
            if format_len > FORMAT_BYTES {
                return Err(HeaderError::TooLong);
            }
            if layout.last().is_some_and(Option::is_some) {
                format_len += 1;
            }
        }
        match next {
            Some(column) => Err(HeaderError::Missing(column.name)),
            None => Ok(Self(layout)),
        }
    }

    /// Reads the wanted values of a row, up to the first one that is not there.
    pub fn values<'a>(&self, row: &'a [u8]) -> Vec<Value<'a>> {
        let mut scanner = Scanner::new(row);
        let mut values = Vec::with_capacity(16);
        for column in &self.0 {
            let value = match column {
                None => scanner.word(usize::MAX).map(|_| None),
                Some(Kind::Word(width)) => scanner.word(*width).map(Value::Word).map(Some),
                Some(Kind::Hex) => scanner.hex().map(low32).map(Value::Number).map(Some),
                Some(Kind::Decimal) => scanner
                    .signed()
                    .map(|value| Some(Value::Number(low32(value.cast_unsigned())))),
            };
            match value {
                Some(Some(value)) => values.push(value),
                Some(None) => {}
                None => break,
            }
        }
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: &[Column] = &[
        Column {
            name: "Iface",
            kind: Kind::Word(15),
        },
        Column {
            name: "Flags",
            kind: Kind::Hex,
        },
        Column {
            name: "Use",
            kind: Kind::Decimal,
        },
    ];

    #[test]
    fn columns_are_found_by_name() {
        let layout = Layout::from_header(b"x Iface\tFlags Ref  Use Extra\n", WANTED);
        let layout = layout.expect("all wanted columns are there");
        assert_eq!(
            layout.values(b"skipped eth0 1F skipped -1\n"),
            [
                Value::Word(b"eth0"),
                Value::Number(0x1f),
                Value::Number(u32::MAX)
            ]
        );
        assert_eq!(layout.values(b"a eth0 zz"), [Value::Word(b"eth0")]);
    }

    #[test]
    fn headers_that_do_not_fit_are_refused() {
        let missing = |header: &str| Layout::from_header(header.as_bytes(), WANTED);
        assert_eq!(
            missing("Flags Iface Use"),
            Err(HeaderError::Missing("Flags"))
        );
        assert_eq!(
            missing("Iface FlagsX Use"),
            Err(HeaderError::Missing("Flags"))
        );
        assert_eq!(missing(""), Err(HeaderError::Missing("Iface")));
        assert_eq!(
            missing(&"x ".repeat(126)),
            Err(HeaderError::Missing("Iface"))
        );
        assert_eq!(missing(&"x ".repeat(127)), Err(HeaderError::TooLong));
    }
}
