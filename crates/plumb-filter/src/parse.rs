//! The grammar, and the tree it builds.
//!
//! ```text
//! filter := nothing | list
//! list   := term | list or term | list and term | list term
//! term   := ( list ) | not term | test
//! ```
//!
//! There is no precedence. An operand is understood at the moment its word is read, as the latest
//! keyword wants it, even where the grammar has no place for one: that decides which error is told.
//! Tests themselves are read in `parse/test.rs`.

mod test;

use crate::expr::{Node, NodeId};
use crate::operand::Asking;
use crate::token::{Keyword, Token, Words, token_of};
use crate::{Context, Error, Expr, Kind, Needs, Parsed, Piece, Resolve, Test, Word};

/// Reads a filter: the operands of the command line, then the lines of a filter file.
pub fn parse(
    pieces: &[Piece],
    context: &Context,
    resolve: &mut dyn Resolve,
) -> Result<Parsed, Error> {
    let mut parser = Parser {
        words: Words::new(pieces),
        asking: Asking {
            context: *context,
            resolve,
        },
        keyword: Keyword::Autobound,
        parsed: Parsed::default(),
        nodes: Vec::new(),
        frame: Frame::default(),
        outer: Vec::new(),
    };
    parser.filter()?;
    let Parser {
        mut parsed, nodes, ..
    } = parser;
    parsed.needs = Needs::of(&nodes);
    parsed.expr = (!nodes.is_empty()).then(|| Expr::new(nodes));
    Ok(parsed)
}

/// How many symbols the original's parser can hold that are shifted and not yet reduced.
const DEPTH: usize = 9_998;

const A_TEST: &str = "a test, 'not' or '('";
const MORE: &str = "'and', 'or', another test or the end";
const MORE_INSIDE: &str = "'and', 'or', another test or ')'";

/// What joins a list and its next term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Join {
    And,
    Or,
    /// Nothing was written, which means `and`.
    Implied,
}

/// An open parenthesis, or the whole filter.
#[derive(Debug, Default)]
struct Frame {
    left: Option<NodeId>,
    join: Option<Join>,
    nots: usize,
    /// Whether the list so far ends in an `or` that stands in this parenthesis itself.
    ends_in_or: bool,
    /// Symbols of the frames outside and the parenthesis.
    below: usize,
}

impl Frame {
    fn wants_term(&self) -> bool {
        self.left.is_none() || self.join.is_some() || self.nots > 0
    }

    /// How many symbols the original's parser holds here.
    fn depth(&self) -> usize {
        let written = matches!(self.join, Some(Join::And | Join::Or));
        self.below + usize::from(self.left.is_some()) + usize::from(written) + self.nots
    }
}

/// Reads words and builds nodes.
struct Parser<'a> {
    words: Words<'a>,
    asking: Asking<'a>,
    /// The latest keyword; `autobound` makes the next operand an address, as no keyword does.
    keyword: Keyword,
    parsed: Parsed,
    nodes: Vec<Node>,
    /// The innermost parenthesis.
    frame: Frame,
    /// Those around it.
    outer: Vec<Frame>,
}

impl Parser<'_> {
    fn filter(&mut self) -> Result<(), Error> {
        while let Some((word, token)) = self.next_word()? {
            match token {
                Token::And => self.join(Join::And, &word)?,
                Token::Or => self.join(Join::Or, &word)?,
                Token::Close => self.close(&word)?,
                Token::Open => self.open(&word)?,
                Token::Not => {
                    self.begin_term();
                    self.frame.nots += 1;
                    self.check_depth(0, &word)?;
                }
                Token::Keyword(keyword) => {
                    self.begin_term();
                    self.test(keyword, &word)?;
                }
                Token::Operand => self.foreign(&word)?,
                Token::Operator(_) => return Err(self.unexpected(&word)),
            }
        }
        let complete = self.outer.is_empty() && !self.frame.wants_term();
        if complete || self.parsed.words.is_empty() {
            Ok(())
        } else {
            Err(self.at_end())
        }
    }

    /// Reads the next word, keeps it, and remembers it if it is a keyword.
    fn next_word(&mut self) -> Result<Option<(Word, Token)>, Error> {
        let Some(word) = self.words.next()? else {
            return Ok(None);
        };
        let token = token_of(&word.text);
        if let Token::Keyword(keyword) = token {
            self.keyword = keyword;
        }
        self.parsed.words.push(word.clone());
        Ok(Some((word, token)))
    }

    /// Makes room for a term: without an operator before it, it is and-ed.
    fn begin_term(&mut self) {
        if !self.frame.wants_term() {
            self.frame.join = Some(Join::Implied);
        }
    }

    fn join(&mut self, join: Join, word: &Word) -> Result<(), Error> {
        if self.frame.wants_term() {
            return Err(self.unexpected(word));
        }
        self.frame.join = Some(join);
        self.check_depth(0, word)
    }

    fn open(&mut self, word: &Word) -> Result<(), Error> {
        self.begin_term();
        let below = self.frame.depth() + 1;
        let outer = std::mem::replace(
            &mut self.frame,
            Frame {
                below,
                ..Frame::default()
            },
        );
        self.outer.push(outer);
        self.check_depth(0, word)
    }

    fn close(&mut self, word: &Word) -> Result<(), Error> {
        let Some(node) = self.frame.left.filter(|_| !self.frame.wants_term()) else {
            return Err(self.unexpected(word));
        };
        self.check_depth(1, word)?;
        let Some(outer) = self.outer.pop() else {
            return Err(self.unexpected(word));
        };
        self.frame = outer;
        self.complete(node);
        Ok(())
    }

    /// Takes a finished term into the list it belongs to.
    fn complete(&mut self, mut node: NodeId) {
        for _ in 0..std::mem::take(&mut self.frame.nots) {
            node = self.push(Node::Not(node));
        }
        let join = self.frame.join.take();
        let joined = match (self.frame.left, join) {
            (Some(left), Some(Join::Or)) => self.push(Node::Or(left, node)),
            (Some(left), _) => self.push(Node::And(left, node)),
            (None, _) => node,
        };
        if self.frame.ends_in_or && join != Some(Join::Or) {
            self.parsed.surprises.push(joined);
        }
        self.frame.ends_in_or = self.frame.left.is_some() && join == Some(Join::Or);
        self.frame.left = Some(joined);
    }

    fn push(&mut self, node: Node) -> NodeId {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// Fails as the original does when its parser's stack is full. `more` symbols are not in a frame.
    fn check_depth(&self, more: usize, word: &Word) -> Result<(), Error> {
        if self.frame.depth() + more <= DEPTH {
            return Ok(());
        }
        Err(Error {
            kind: Kind::TooDeep,
            place: Some(word.place),
        })
    }

    /// Adds a test whose words begin at index `first` and end with the latest.
    fn finish_test(&mut self, test: Test, negated: bool, first: usize) {
        let words = first..self.parsed.words.len();
        let node = self.push(Node::Test {
            test,
            negated,
            words,
        });
        self.complete(node);
    }

    /// The error for a word that the grammar does not have here.
    fn unexpected(&self, word: &Word) -> Error {
        let expected = self.wanted();
        Error {
            kind: Kind::Syntax { expected },
            place: Some(word.place),
        }
    }

    fn at_end(&self) -> Error {
        Error {
            kind: Kind::Syntax {
                expected: self.wanted(),
            },
            place: None,
        }
    }

    fn wanted(&self) -> &'static str {
        match (self.frame.wants_term(), self.outer.is_empty()) {
            (true, _) => A_TEST,
            (false, true) => MORE,
            (false, false) => MORE_INSIDE,
        }
    }
}
