//! Cuts pieces into words and words into tokens, one at a time.
//!
//! Blanks and tabs separate, a backslash makes the next byte literal. What a word means is decided
//! only when the grammar asks for it, because operands are resolved in reading order and the first
//! thing wrong is the one that is reported.

use crate::{Error, Kind, Piece, Place, Word};

/// A keyword that takes an operand, or `autobound`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keyword {
    Src,
    Dst,
    Sport,
    Dport,
    Dev,
    Fwmark,
    Cgroup,
    Autobound,
}

/// A comparison operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal,
    NotEqual,
    AtLeast,
    AtMost,
    Greater,
    Less,
}

/// What a word is, before operands are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    Not,
    And,
    Or,
    Open,
    Close,
    Operator(Operator),
    Keyword(Keyword),
    /// Anything else.
    Operand,
}

/// Gives the token a word spells. Spelling counts in case.
pub(crate) fn token_of(word: &[u8]) -> Token {
    match word {
        b"!" | b"not" => Token::Not,
        b"&" | b"&&" | b"and" => Token::And,
        b"|" | b"||" | b"or" => Token::Or,
        b"(" => Token::Open,
        b")" => Token::Close,
        b"src" => Token::Keyword(Keyword::Src),
        b"dst" => Token::Keyword(Keyword::Dst),
        b"sport" => Token::Keyword(Keyword::Sport),
        b"dport" => Token::Keyword(Keyword::Dport),
        b"dev" => Token::Keyword(Keyword::Dev),
        b"fwmark" => Token::Keyword(Keyword::Fwmark),
        b"cgroup" => Token::Keyword(Keyword::Cgroup),
        b"autobound" => Token::Keyword(Keyword::Autobound),
        _ => operator_of(word).map_or(Token::Operand, Token::Operator),
    }
}

/// Gives the comparison a word spells.
pub(crate) fn operator_of(word: &[u8]) -> Option<Operator> {
    Some(match word {
        b">=" | b"ge" | b"geq" => Operator::AtLeast,
        b"<=" | b"le" | b"leq" => Operator::AtMost,
        b"!=" | b"ne" | b"neq" => Operator::NotEqual,
        b"=" | b"==" | b"eq" => Operator::Equal,
        b">" | b"gt" => Operator::Greater,
        b"<" | b"lt" => Operator::Less,
        _ => return None,
    })
}

/// Hands out the words of all pieces in order.
#[derive(Debug)]
pub(crate) struct Words<'a> {
    pieces: &'a [Piece],
    piece: usize,
    at: usize,
}

impl<'a> Words<'a> {
    pub(crate) fn new(pieces: &'a [Piece]) -> Self {
        Self {
            pieces,
            piece: 0,
            at: 0,
        }
    }

    /// Gives the next word, `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Word>, Error> {
        while let Some(piece) = self.pieces.get(self.piece) {
            if let Some(fault) = piece.fault {
                let place = Place {
                    piece: self.piece,
                    start: 0,
                    end: piece.text.len(),
                };
                return Err(Error {
                    kind: Kind::Line(fault),
                    place: Some(place),
                });
            }
            let text = &piece.text;
            let rest = text.get(self.at..).unwrap_or_default();
            let start = self.at + rest.iter().take_while(|byte| is_blank(**byte)).count();
            if start < text.len() {
                let (word, end) = cut(text, start);
                self.at = end;
                return Ok(Some(Word {
                    text: word,
                    place: Place {
                        piece: self.piece,
                        start,
                        end,
                    },
                }));
            }
            self.piece += 1;
            self.at = 0;
        }
        Ok(None)
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Cuts the word that begins at `start`; gives its bytes and where it ends.
fn cut(text: &[u8], start: usize) -> (Vec<u8>, usize) {
    let mut word = Vec::new();
    let mut bytes = text.iter().enumerate().skip(start);
    while let Some((at, byte)) = bytes.next() {
        match *byte {
            byte if is_blank(byte) => return (word, at),
            b'\\' => word.extend(bytes.next().map(|(_, literal)| *literal)),
            byte => word.push(byte),
        }
    }
    (word, text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(operands: &[&str]) -> Vec<String> {
        let pieces = Piece::arguments(operands.iter().copied());
        let mut words = Words::new(&pieces);
        let mut found = Vec::new();
        while let Ok(Some(word)) = words.next() {
            found.push(String::from_utf8_lossy(&word.text).into_owned());
        }
        found
    }

    #[test]
    fn blanks_separate_and_quoting_is_free() {
        assert_eq!(
            words(&["sport = 22", "\tand\t", "", "dport"]),
            ["sport", "=", "22", "and", "dport"]
        );
        assert_eq!(words(&["sport=22", "(a"]), ["sport=22", "(a"]);
    }

    #[test]
    fn a_backslash_keeps_a_blank_in_its_word() {
        assert_eq!(
            words(&[r"src /with\ blank x\\y"]),
            ["src", "/with blank", r"x\y"]
        );
    }

    #[test]
    fn a_word_knows_its_place() {
        let pieces = Piece::arguments(["a", r" b\ c d"]);
        let mut words = Words::new(&pieces);
        let _ = words.next();
        let word = words
            .next()
            .expect("no line is too long")
            .expect("there is a second word");
        assert_eq!(
            word.place,
            Place {
                piece: 1,
                start: 1,
                end: 5
            }
        );
    }
}
