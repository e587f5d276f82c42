//! Command-line parsing with the semantics and the error texts of glibc's `getopt_long`.
//!
//! The personalities promise the words a script already knows, so clustering, permutation,
//! abbreviation, `POSIXLY_CORRECT` and every complaint follow glibc. Nothing here knows an
//! option's meaning: callers hand in tables and get typed matches in command-line order.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

/// Whether an option takes an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Argument {
    /// Never (`--all`).
    No,
    /// Always, in the same word or the next (`-A inet`, `--protocol=inet`).
    Required,
}

/// One long option.
#[derive(Debug, Clone, Copy)]
pub struct Long<K> {
    /// The name without dashes.
    pub name: &'static str,
    /// Whether it takes an argument.
    pub argument: Argument,
    /// The original's return value for it. An abbreviation of several options with the same code
    /// is no ambiguity: it means the first of them.
    pub code: u8,
    /// What it means.
    pub key: K,
}

/// One short option.
#[derive(Debug, Clone, Copy)]
pub struct Short<K> {
    /// The letter.
    pub letter: u8,
    /// Whether it takes an argument.
    pub argument: Argument,
    /// What it means.
    pub key: K,
}

impl<K> Short<K> {
    /// An option without an argument.
    pub const fn flag(letter: u8, key: K) -> Self {
        let argument = Argument::No;
        Self {
            letter,
            argument,
            key,
        }
    }

    /// An option with an argument.
    pub const fn with_value(letter: u8, key: K) -> Self {
        let argument = Argument::Required;
        Self {
            letter,
            argument,
            key,
        }
    }
}

impl<K> Long<K> {
    /// An option without an argument.
    pub const fn flag(name: &'static str, code: u8, key: K) -> Self {
        let argument = Argument::No;
        Self {
            name,
            argument,
            code,
            key,
        }
    }

    /// An option with an argument.
    pub const fn with_value(name: &'static str, code: u8, key: K) -> Self {
        let argument = Argument::Required;
        Self {
            name,
            argument,
            code,
            key,
        }
    }
}

/// The options a command knows.
#[derive(Debug, Clone, Copy)]
pub struct Table<'t, K> {
    /// Short options in any order.
    pub short: &'t [Short<K>],
    /// Long options; the order decides which alias an abbreviation picks and how lists read.
    pub long: &'t [Long<K>],
    /// Long options of ours, which must be spelled out: an abbreviation of an original option
    /// never becomes ambiguous because we know more words.
    pub exact: &'t [Long<K>],
}

/// One step of the parse, in command-line order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step<K> {
    /// An option, with its argument if it takes one.
    Option(K, Option<Vec<u8>>),
    /// A word that is not an option; the parser moved on past it.
    Operand(Vec<u8>),
    /// A complaint in glibc's words, without the `ARGV0: ` prefix.
    Error(Vec<u8>),
}

/// An iterator over the steps of one command line.
pub struct Parser<'t, K> {
    table: Table<'t, K>,
    words: std::vec::IntoIter<Vec<u8>>,
    cluster: Vec<u8>,
    operands_only: bool,
    posixly_correct: bool,
}

impl<'t, K: Copy> Parser<'t, K> {
    /// Starts on the words after argv[0].
    pub fn new(table: Table<'t, K>, words: Vec<OsString>, posixly_correct: bool) -> Self {
        let words: Vec<Vec<u8>> = words.into_iter().map(OsStringExt::into_vec).collect();
        Self {
            table,
            words: words.into_iter(),
            cluster: Vec::new(),
            operands_only: false,
            posixly_correct,
        }
    }

    fn next_short(&mut self) -> Step<K> {
        let letter = self.cluster.remove(0);
        let known = self
            .table
            .short
            .iter()
            .find(|option| option.letter == letter);
        match known {
            // glibc refuses ':' and ';' even where the option string holds them.
            None => Step::Error([&b"invalid option -- '"[..], &[letter], b"'"].concat()),
            Some(option) if option.argument == Argument::No => Step::Option(option.key, None),
            Some(option) => {
                let attached = std::mem::take(&mut self.cluster);
                let argument = if attached.is_empty() {
                    self.words.next()
                } else {
                    Some(attached)
                };
                match argument {
                    Some(argument) => Step::Option(option.key, Some(argument)),
                    None => Step::Error(
                        [&b"option requires an argument -- '"[..], &[letter], b"'"].concat(),
                    ),
                }
            }
        }
    }

    fn next_long(&mut self, word: &[u8]) -> Step<K> {
        let (name, attached) = match word.iter().position(|&b| b == b'=') {
            Some(at) => (&word[..at], Some(word[at + 1..].to_vec())),
            None => (word, None),
        };
        let option = match self.find_long(name, word) {
            Ok(option) => option,
            Err(complaint) => return Step::Error(complaint),
        };
        let quoted = |before: &str, after: &str| {
            Step::Error(format!("{before}option '--{}'{after}", option.name).into_bytes())
        };
        match (option.argument, attached) {
            (Argument::No, None) => Step::Option(option.key, None),
            (Argument::No, Some(_)) => quoted("", " doesn't allow an argument"),
            (Argument::Required, Some(argument)) => Step::Option(option.key, Some(argument)),
            (Argument::Required, None) => match self.words.next() {
                Some(argument) => Step::Option(option.key, Some(argument)),
                None => quoted("", " requires an argument"),
            },
        }
    }

    /// Finds the one option that `name` spells or abbreviates; complaints quote the whole `word`.
    ///
    /// glibc lists as possibilities the first match and every later one that differs *from the
    /// first*; others with the first one's code are no ambiguity.
    fn find_long(&self, name: &[u8], word: &[u8]) -> Result<Long<K>, Vec<u8>> {
        let mut all = self.table.long.iter().chain(self.table.exact);
        if let Some(exact) = all.find(|o| o.name.as_bytes() == name) {
            return Ok(*exact);
        }
        let mut matches = self
            .table
            .long
            .iter()
            .filter(|o| o.name.as_bytes().starts_with(name));
        let Some(first) = matches.next() else {
            return Err([&b"unrecognized option '--"[..], word, b"'"].concat());
        };
        let others: Vec<&Long<K>> = matches
            .filter(|o| o.code != first.code || o.argument != first.argument)
            .collect();
        if others.is_empty() {
            return Ok(*first);
        }
        let mut complaint = [&b"option '--"[..], word, b"' is ambiguous; possibilities:"].concat();
        for possibility in std::iter::once(first).chain(others) {
            complaint.extend_from_slice(format!(" '--{}'", possibility.name).as_bytes());
        }
        Err(complaint)
    }
}

impl<K: Copy> Iterator for Parser<'_, K> {
    type Item = Step<K>;

    fn next(&mut self) -> Option<Step<K>> {
        if !self.cluster.is_empty() {
            return Some(self.next_short());
        }
        let word = self.words.next()?;
        if self.operands_only || word.len() < 2 || word[0] != b'-' {
            self.operands_only |= self.posixly_correct;
            return Some(Step::Operand(word));
        }
        if word == b"--" {
            self.operands_only = true;
            return self.next();
        }
        if word.starts_with(b"--") {
            return Some(self.next_long(&word[2..]));
        }
        self.cluster = word[1..].to_vec();
        Some(self.next_short())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: &[Short<char>] = &[Short::flag(b't', 't'), Short::with_value(b'A', 'A')];
    const LONG: &[Long<char>] = &[
        Long::flag("tcp", b't', 't'),
        Long::flag("tcpip", b'1', '1'),
        Long::flag("inet", b'4', '4'),
        Long::flag("ine", b'4', '4'),
        Long::with_value("protocol", b'A', 'A'),
    ];

    const EXACT: &[Long<char>] = &[Long::flag("inet-all", b'j', 'j')];

    fn parse(words: &[&str], posix: bool) -> Vec<Step<char>> {
        let words = words.iter().map(OsString::from).collect();
        Parser::new(
            Table {
                short: SHORT,
                long: LONG,
                exact: EXACT,
            },
            words,
            posix,
        )
        .collect()
    }

    fn error(text: &str) -> Step<char> {
        Step::Error(text.as_bytes().to_vec())
    }

    #[test]
    fn clusters_arguments_and_permutation() {
        let steps = parse(&["x", "-tAinet", "-A", "inet6", "--", "-t"], false);
        assert_eq!(
            steps,
            [
                Step::Operand(b"x".to_vec()),
                Step::Option('t', None),
                Step::Option('A', Some(b"inet".to_vec())),
                Step::Option('A', Some(b"inet6".to_vec())),
                Step::Operand(b"-t".to_vec()),
            ]
        );
    }

    #[test]
    fn posixly_correct_stops_at_the_first_operand() {
        let steps = parse(&["x", "-t"], true);
        assert_eq!(
            steps,
            [Step::Operand(b"x".to_vec()), Step::Operand(b"-t".to_vec())]
        );
    }

    #[test]
    fn abbreviations_follow_glibc() {
        assert_eq!(parse(&["--in"], false), [Step::Option('4', None)]);
        assert_eq!(parse(&["--tcp"], false), [Step::Option('t', None)]);
        assert_eq!(
            parse(&["--tc"], false),
            [error(
                "option '--tc' is ambiguous; possibilities: '--tcp' '--tcpip'"
            )]
        );
        assert_eq!(
            parse(&["--bogus"], false),
            [error("unrecognized option '--bogus'")]
        );
    }

    #[test]
    fn our_own_options_never_make_an_abbreviation_ambiguous() {
        assert_eq!(parse(&["--inet-all"], false), [Step::Option('j', None)]);
        assert_eq!(
            parse(&["--inet-a"], false),
            [error("unrecognized option '--inet-a'")]
        );
        assert_eq!(parse(&["--i"], false), [Step::Option('4', None)]);
    }

    #[test]
    fn argument_complaints_follow_glibc() {
        assert_eq!(
            parse(&["-A"], false),
            [error("option requires an argument -- 'A'")]
        );
        assert_eq!(
            parse(&["--prot"], false),
            [error("option '--protocol' requires an argument")]
        );
        assert_eq!(
            parse(&["--inet=5"], false),
            [error("option '--inet' doesn't allow an argument")]
        );
        assert_eq!(parse(&["-q"], false), [error("invalid option -- 'q'")]);
    }
}
