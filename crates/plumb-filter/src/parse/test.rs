//! Tests: a keyword, perhaps an operator, an operand; and plumb's own, where a test may begin.
//!
//! Plumb's own tests take words that are errors for the original in every place where they are looked
//! for, so each filter the original understands keeps its meaning.

use super::Parser;
use crate::extended::{self, Predicate};
use crate::operand::{self, Host};
use crate::token::{Keyword, Operator, Token, operator_of, token_of};
use crate::{Compare, Error, Kind, Pattern, Place, Side, Test, Word};

const AN_OPERAND: &str = "an operand";
const AN_OPERATOR: &str = "an operator this test has";

/// An operator as comparison and negation.
#[derive(Debug, Clone, Copy)]
struct Meant {
    compare: Compare,
    negated: bool,
}

/// An operand that was understood.
enum Operand {
    Host(Vec<Pattern>),
    Device(u32),
    Mark(u32, u32),
    Cgroup(u64),
}

fn meaning(operator: Operator) -> Meant {
    let (compare, negated) = match operator {
        Operator::Equal => (Compare::Equal, false),
        Operator::NotEqual => (Compare::Equal, true),
        Operator::AtLeast => (Compare::AtLeast, false),
        Operator::Less => (Compare::AtLeast, true),
        Operator::AtMost => (Compare::AtMost, false),
        Operator::Greater => (Compare::AtMost, true),
    };
    Meant { compare, negated }
}

fn side_of(keyword: Keyword) -> Side {
    match keyword {
        Keyword::Dst | Keyword::Dport => Side::Peer,
        _ => Side::Local,
    }
}

fn expected(expected: &'static str, word: &Word) -> Error {
    Error {
        kind: Kind::Syntax { expected },
        place: Some(word.place),
    }
}

fn ends_before(expected: &'static str) -> Error {
    Error {
        kind: Kind::Syntax { expected },
        place: None,
    }
}

impl Parser<'_> {
    /// Reads a test of the original's from behind its keyword.
    pub(super) fn test(&mut self, keyword: Keyword, word: &Word) -> Result<(), Error> {
        let first = self.parsed.words.len() - 1;
        self.check_depth(1, word)?;
        if keyword == Keyword::Autobound {
            self.finish_test(Test::Autobound, false, first);
            return Ok(());
        }
        let (mut next, mut token) = self.operand_word()?;
        let mut operator = Operator::Equal;
        if let Token::Operator(written) = token {
            if !self.takes(keyword, written) {
                return Err(expected(AN_OPERATOR, &next));
            }
            operator = written;
            self.check_depth(2, word)?;
            (next, token) = self.operand_word()?;
        }
        if token != Token::Operand {
            return Err(expected(AN_OPERAND, &next));
        }
        let operand = self.operand(&next)?;
        // The original's parser holds an operator even where none is written.
        self.check_depth(3, word)?;
        self.finish_keyword_test(keyword, operator, operand, first);
        Ok(())
    }

    fn finish_keyword_test(
        &mut self,
        keyword: Keyword,
        operator: Operator,
        operand: Operand,
        first: usize,
    ) {
        let meant = meaning(operator);
        let side = side_of(keyword);
        let test = match (keyword, operand) {
            (Keyword::Sport | Keyword::Dport, Operand::Host(patterns)) => Test::Port {
                side,
                compare: meant.compare,
                patterns,
            },
            (_, Operand::Host(patterns)) => Test::Host { side, patterns },
            (_, Operand::Device(index)) => Test::Device(index),
            (_, Operand::Mark(value, mask)) => Test::Mark { value, mask },
            (_, Operand::Cgroup(id)) => Test::Cgroup(id),
        };
        self.finish_test(test, meant.negated, first);
    }

    fn operand_word(&mut self) -> Result<(Word, Token), Error> {
        self.next_word()?.ok_or_else(|| ends_before(AN_OPERAND))
    }

    /// Whether the grammar has the operator after the keyword. `src != X` is plumb's own.
    fn takes(&self, keyword: Keyword, operator: Operator) -> bool {
        match keyword {
            Keyword::Sport | Keyword::Dport => true,
            Keyword::Src | Keyword::Dst if !self.asking.context.extended => {
                operator == Operator::Equal
            }
            _ => matches!(operator, Operator::Equal | Operator::NotEqual),
        }
    }

    /// Understands an operand as the latest keyword wants it.
    fn operand(&mut self, word: &Word) -> Result<Operand, Error> {
        let text = word.text.as_slice();
        let operand = match self.keyword {
            Keyword::Src | Keyword::Dst | Keyword::Autobound => {
                self.asking.address(text).map(|host| self.host(host))
            }
            Keyword::Sport | Keyword::Dport => self.asking.port(text).map(|host| self.host(host)),
            Keyword::Dev => operand::device(text, self.asking.resolve).map(Operand::Device),
            Keyword::Fwmark => operand::mark(text).map(|(value, mask)| Operand::Mark(value, mask)),
            Keyword::Cgroup => operand::cgroup(text, self.asking.resolve).map(Operand::Cgroup),
        };
        operand.map_err(|kind| Error {
            kind,
            place: Some(word.place),
        })
    }

    /// Takes the family of an operand for the whole command line, where the last one counts, and for
    /// the operands that follow.
    fn host(&mut self, host: Host) -> Operand {
        self.asking.context.preferred = host.family.or(self.asking.context.preferred);
        self.parsed.family = host.family.or(self.parsed.family);
        Operand::Host(host.patterns)
    }

    /// Reads what begins with an operand: one of plumb's own tests, or the original's error.
    pub(super) fn foreign(&mut self, word: &Word) -> Result<(), Error> {
        if self.asking.context.extended && self.own(word)? {
            return Ok(());
        }
        if self.asking.context.strict {
            return Err(Error {
                kind: Kind::NoTest(word.text.clone()),
                place: Some(word.place),
            });
        }
        self.operand(word)?;
        Err(self.unexpected(word))
    }

    /// Reads one of plumb's own tests; says whether it was one.
    fn own(&mut self, word: &Word) -> Result<bool, Error> {
        let first = self.parsed.words.len() - 1;
        if let [b':', _, ..] = word.text.as_slice() {
            self.begin_term();
            self.either_port(word, false, first)?;
            return Ok(true);
        }
        if let Some(glued) = Glued::find(&word.text) {
            let entry = extended::Entry::find(glued.name);
            let keyword = match token_of(glued.name) {
                Token::Keyword(keyword) => Some(keyword),
                _ => entry.and_then(extended::Entry::keyword),
            };
            if let Some(keyword) = keyword {
                self.glued_keyword(keyword, &glued, word, first)?;
                return Ok(true);
            }
            if let Some(entry) = entry {
                self.predicate(entry, &glued, word, first)?;
                return Ok(true);
            }
        }
        let Some(entry) = extended::Entry::find(&word.text) else {
            return Ok(false);
        };
        if let Some(keyword) = entry.keyword() {
            self.begin_term();
            self.keyword = keyword;
            self.test(keyword, word)?;
            return Ok(true);
        }
        let bare = Glued {
            name: &word.text,
            operator: None,
            operand: b"",
        };
        self.predicate(entry, &bare, word, first)?;
        Ok(true)
    }

    /// Takes a word as the port of either end.
    fn either_port(&mut self, word: &Word, negated: bool, first: usize) -> Result<(), Error> {
        let port = self.asking.port(&word.text).map_err(|kind| Error {
            kind,
            place: Some(word.place),
        })?;
        if let Operand::Host(patterns) = self.host(port) {
            self.finish_test(Test::EitherPort(patterns), negated, first);
        }
        Ok(())
    }

    /// Reads `sport=22`, which is one word.
    fn glued_keyword(
        &mut self,
        keyword: Keyword,
        glued: &Glued<'_>,
        word: &Word,
        first: usize,
    ) -> Result<(), Error> {
        let operator = glued.operator.unwrap_or(Operator::Equal);
        if keyword == Keyword::Autobound || !self.takes(keyword, operator) {
            return Err(expected(AN_OPERATOR, word));
        }
        self.begin_term();
        self.keyword = keyword;
        let operand = self.rest_of(glued, word)?;
        let operand = self.operand(&operand)?;
        self.finish_keyword_test(keyword, operator, operand, first);
        Ok(())
    }

    /// Reads one of plumb's own tests: a name, an operator, which may be left out as the original's may,
    /// and an operand.
    fn predicate(
        &mut self,
        entry: &extended::Entry,
        glued: &Glued<'_>,
        word: &Word,
        first: usize,
    ) -> Result<(), Error> {
        self.begin_term();
        let (operator, operand) = match glued.operator {
            Some(operator) => (operator, None),
            None => match self.next_word()? {
                Some((_, Token::Operator(operator))) => (operator, None),
                Some((operand, Token::Operand)) => (Operator::Equal, Some(operand)),
                Some((other, _)) => {
                    return Err(expected("'=', '!=', '<', '>', '<=' or '>='", &other));
                }
                None => return Err(ends_before("an operator")),
            },
        };
        let meant = meaning(operator);
        if meant.compare != Compare::Equal && !entry.is_ordered() {
            return Err(expected("'=' or '!='", word));
        }
        let operand = match operand {
            Some(operand) => operand,
            None => self.rest_of(glued, word)?,
        };
        if entry.reading == extended::Reading::EitherPort {
            return self.either_port(&operand, meant.negated, first);
        }
        let predicate: Result<Predicate, _> =
            extended::read(entry, meant.compare, &operand.text, self.asking.resolve);
        let predicate = predicate.map_err(|expected| Error {
            kind: Kind::Operand {
                text: operand.text.clone(),
                expected,
            },
            place: Some(operand.place),
        })?;
        self.finish_test(Test::Extended(predicate), meant.negated, first);
        Ok(())
    }

    /// The operand that is left in a glued word, or else the next word, whatever it spells.
    fn rest_of(&mut self, glued: &Glued<'_>, word: &Word) -> Result<Word, Error> {
        if glued.operand.is_empty() {
            let Some((next, _)) = self.next_word()? else {
                return Err(ends_before(AN_OPERAND));
            };
            return Ok(next);
        }
        let start = word
            .place
            .end
            .saturating_sub(glued.operand.len())
            .max(word.place.start);
        Ok(Word {
            text: glued.operand.to_vec(),
            place: Place {
                start,
                ..word.place
            },
        })
    }
}

/// A word cut at the first operator in it.
struct Glued<'a> {
    name: &'a [u8],
    operator: Option<Operator>,
    operand: &'a [u8],
}

impl<'a> Glued<'a> {
    fn find(word: &'a [u8]) -> Option<Self> {
        let at = word.iter().position(|byte| b"=!<>".contains(byte))?;
        let (name, rest) = word.split_at(at);
        let two = rest
            .get(..2)
            .and_then(operator_of)
            .map(|operator| (operator, 2));
        let (operator, len) = two.or_else(|| Some((operator_of(rest.get(..1)?)?, 1)))?;
        Some(Self {
            name,
            operator: Some(operator),
            operand: rest.get(len..)?,
        })
    }
}
