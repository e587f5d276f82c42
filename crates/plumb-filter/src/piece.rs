//! Where words come from: operands of the command line and lines of a filter file.
//!
//! A piece keeps its place, so that an error can point into it and an explanation can quote it.

/// Where a piece came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// The n-th operand handed to the parser, from 0.
    Argument(usize),
    /// A line of the filter file, from 1.
    Line(usize),
}

/// One operand, or one line of a filter file that is not a comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The bytes as given, without the end of the line.
    pub text: Vec<u8>,
    /// Where they came from.
    pub source: Source,
    /// What is wrong with the line as a whole, which the original says when it gets there.
    pub fault: Option<Fault>,
}

/// Why a line of a filter file cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// It has 1023 bytes or more, its end included.
    TooLong,
    /// It begins with a NUL.
    Invalid,
}

/// The bytes of a word in its piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// Index of the piece.
    pub piece: usize,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// A word as the original's tokenizer cuts it: backslashes removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The bytes after removal of the backslashes.
    pub text: Vec<u8>,
    /// Where it stood.
    pub place: Place,
}

impl Piece {
    /// Gives the operands of a command line as pieces, in their order.
    pub fn arguments<T: Into<Vec<u8>>>(operands: impl IntoIterator<Item = T>) -> Vec<Self> {
        operands
            .into_iter()
            .enumerate()
            .map(|(index, text)| Self {
                text: text.into(),
                source: Source::Argument(index),
                fault: None,
            })
            .collect()
    }

    /// Gives the lines of a filter file as pieces: comments (which begin with `#` or `0`) and empty
    /// lines are left out. The original reads at most 1023 bytes at a time and takes each reading for a
    /// line, and stops a line at a NUL.
    pub fn lines(file: &[u8]) -> Vec<Self> {
        let mut pieces = Vec::new();
        let mut rest = file;
        let mut number = 1;
        while !rest.is_empty() {
            let room = rest.get(..BUFFER).unwrap_or(rest);
            let len = room
                .iter()
                .position(|byte| *byte == b'\n')
                .map_or(room.len(), |end| end + 1);
            let (line, behind) = rest.split_at(len);
            rest = behind;
            let text = line.split(|byte| *byte == 0).next().unwrap_or_default();
            let fault = match text.len() {
                0 => Some(Fault::Invalid),
                BUFFER.. => Some(Fault::TooLong),
                _ => None,
            };
            let text = text.strip_suffix(b"\n").unwrap_or(text);
            if fault.is_some() || !matches!(text.first(), None | Some(b'#' | b'0')) {
                pieces.push(Self {
                    text: text.to_vec(),
                    source: Source::Line(number),
                    fault,
                });
            }
            number += usize::from(line.ends_with(b"\n"));
        }
        pieces
    }
}

/// How many bytes the original reads of a line.
const BUFFER: usize = 1023;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_empty_lines_are_no_pieces() {
        let texts = |file: &[u8]| -> Vec<Vec<u8>> {
            Piece::lines(file)
                .into_iter()
                .map(|piece| piece.text)
                .collect()
        };
        assert_eq!(
            texts(b"# c\nsport = 5\n0foo\n\ndst any"),
            [b"sport = 5".to_vec(), b"dst any".to_vec()]
        );
        assert_eq!(
            texts(b"sport\0 x\n= 5\n"),
            [b"sport".to_vec(), b"= 5".to_vec()]
        );
        assert_eq!(Piece::lines(b"# c\nx\n")[0].source, Source::Line(2));
    }

    #[test]
    fn a_line_that_begins_with_nul_is_invalid() {
        let faults: Vec<_> = Piece::lines(b"x\n\0 y\n")
            .iter()
            .map(|piece| piece.fault)
            .collect();
        assert_eq!(faults, [None, Some(Fault::Invalid)]);
    }

    #[test]
    fn a_line_with_its_end_must_be_shorter_than_1023_bytes() {
        let is_long = |len: usize, end: &str| {
            Piece::lines(format!("{}{end}", "x".repeat(len)).as_bytes())[0]
                .fault
                .is_some()
        };
        assert_eq!((is_long(1021, "\n"), is_long(1022, "\n")), (false, true));
        assert_eq!((is_long(1022, ""), is_long(1023, "")), (false, true));
        assert!(
            Piece::lines(format!("#{}\n", "x".repeat(1021)).as_bytes())[0]
                .fault
                .is_some()
        );
    }
}
