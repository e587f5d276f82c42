//! What a verb tells, as rows of columns: one description, every output form.
//!
//! A verb describes its rows once, as a list of [`Column`]s, and gives each row's JSON by `Serialize`.
//! From that come the table fitted to a terminal ([`table`]) and CSV ([`csv`]); JSON and ndjson are
//! [`crate::json::document`]'s. The personalities do not use this: their layout is the original's.

pub mod creation;
pub mod csv;
pub mod findings;
pub mod spark;
pub mod stack;
pub mod table;
pub mod value;
pub mod wrap;

use std::borrow::Cow;

/// What a cell wants to say beside its text. Never by colour alone: the text says it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tone {
    /// As any other.
    #[default]
    Plain,
    /// Of less interest: what is unknown, what belongs to the frame.
    Dim,
    /// What to look at first: names, subjects.
    Strong,
    /// All is well.
    Good,
    /// Will fail, or costs much.
    Warning,
    /// Fails now.
    Bad,
}

/// One cell: outside text must have passed [`crate::sanitize`] only where a terminal reads it, which
/// the table writer sees to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cell<'r> {
    /// The text, without line feeds of its own.
    pub text: Cow<'r, str>,
    /// What it wants to say beside it.
    pub tone: Tone,
}

impl<'r> Cell<'r> {
    /// A plain cell.
    pub fn new(text: impl Into<Cow<'r, str>>) -> Self {
        Self {
            text: text.into(),
            tone: Tone::Plain,
        }
    }

    /// A cell of outside bytes; what is not UTF-8 becomes U+FFFD.
    pub fn bytes(bytes: &'r [u8]) -> Self {
        Self::new(String::from_utf8_lossy(bytes))
    }

    /// A cell that shows why there is nothing to show: the reason's word, in brackets.
    pub fn unknown(reason: plumb_model::Reason) -> Self {
        Self {
            text: Cow::Owned(format!("({})", reason.word())),
            tone: Tone::Dim,
        }
    }

    /// The same cell in another tone.
    #[must_use]
    pub fn with(mut self, tone: Tone) -> Self {
        self.tone = tone;
        self
    }
}

/// Where a column's text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Align {
    /// Words.
    #[default]
    Left,
    /// Numbers.
    Right,
}

/// Which end of a text goes when it is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cut {
    /// The end.
    #[default]
    End,
    /// The beginning.
    Start,
}

/// A number for machines, where the cell is for people.
pub struct Plain<R> {
    /// The head in CSV, with the unit, as `rtt_us`.
    pub head: &'static str,
    /// The number, where it is known.
    pub number: fn(&R) -> Option<u64>,
}

/// One column of a verb's table.
pub struct Column<R> {
    /// Its word: for `-c`, `--sort`, the head of CSV; that of the JSON key where there is one.
    pub key: &'static str,
    /// Its head in the table.
    pub head: &'static str,
    /// Where its text stands.
    pub align: Align,
    /// How long it stays when the terminal is too narrow: the least goes first, 255 never.
    pub keep: u8,
    /// To how many characters its text may be cut before columns have to go; 0 never.
    pub shrink_to: usize,
    /// Which end of its text goes when it is cut.
    pub cut: Cut,
    /// Shown only when asked for by name or with `-o wide`.
    pub wide_only: bool,
    /// What it tells, for `-c help`.
    pub about: &'static str,
    /// For CSV in place of the cell, where that is scaled for people: the head, with the unit, and the
    /// plain number; empty where it is unknown.
    pub plain: Option<Plain<R>>,
    /// Its text in a row.
    pub cell: for<'r> fn(&'r R) -> Cell<'r>,
}

impl<R> Column<R> {
    /// A column of words that is never cut and never leaves.
    pub const fn new(
        key: &'static str,
        head: &'static str,
        cell: for<'r> fn(&'r R) -> Cell<'r>,
    ) -> Self {
        Self {
            key,
            head,
            align: Align::Left,
            keep: u8::MAX,
            shrink_to: 0,
            cut: Cut::End,
            wide_only: false,
            about: "",
            plain: None,
            cell,
        }
    }

    /// The same, with numbers.
    #[must_use]
    pub const fn right(mut self) -> Self {
        self.align = Align::Right;
        self
    }

    /// The same, leaving in the order of `keep` when there is no room.
    #[must_use]
    pub const fn keep(mut self, keep: u8) -> Self {
        self.keep = keep;
        self
    }

    /// The same, cut to so many characters when there is no room.
    #[must_use]
    pub const fn shrink_to(mut self, characters: usize) -> Self {
        self.shrink_to = characters;
        self
    }

    /// The same, losing its beginning when it is cut: of an endpoint the port counts most.
    #[must_use]
    pub const fn cut_at_start(mut self) -> Self {
        self.cut = Cut::Start;
        self
    }

    /// The same, explained.
    #[must_use]
    pub const fn about(mut self, about: &'static str) -> Self {
        self.about = about;
        self
    }

    /// The same, with a plain number for CSV, under a head that names its unit.
    #[must_use]
    pub const fn plain(mut self, head: &'static str, number: fn(&R) -> Option<u64>) -> Self {
        self.plain = Some(Plain { head, number });
        self
    }

    /// The same, shown only when asked for.
    #[must_use]
    pub const fn wide_only(mut self) -> Self {
        self.wide_only = true;
        self
    }
}

/// Chooses columns by their words, in the order given; `Err` is the first word that is none.
pub fn choose<'c, 'w, R>(
    columns: &'c [Column<R>],
    words: impl IntoIterator<Item = &'w str>,
) -> Result<Vec<&'c Column<R>>, &'w str> {
    words
        .into_iter()
        .map(|word| columns.iter().find(|column| column.key == word).ok_or(word))
        .collect()
}

/// Gives the columns shown when none are named.
pub fn usual<R>(columns: &[Column<R>], wide: bool) -> Vec<&Column<R>> {
    columns
        .iter()
        .filter(|column| wide || !column.wide_only)
        .collect()
}
