//! The words in front of an expression that choose states, and what is left to show.

use super::selection::States;
use super::{Options, Stop, USAGE};
use crate::ss::Spelling;

impl Options {
    /// Reads the state words in front of the expression, completes the selection, and leaves the
    /// expression alone in `operands`.
    pub fn select_states(&mut self, spelling: Spelling) -> Result<(), Stop> {
        let release = self.view.release;
        let mut any = false;
        let mut words = std::mem::take(&mut self.operands).into_iter().peekable();
        while let Some(word) =
            words.next_if(|word| matches!(word.as_slice(), b"state" | b"exclude" | b"excl"))
        {
            // `state = listen` is a test of our own, which begins the expression.
            if spelling == Spelling::Extended && words.peek().is_some_and(|next| is_operator(next))
            {
                self.operands.push(word);
                break;
            }
            let name = words.next().ok_or_else(|| {
                let text = b"Command line is not complete. Try option \"help\"\n".to_vec();
                Stop::Complaint(text, USAGE)
            })?;
            let exclude = word != b"state";
            if !std::mem::replace(&mut any, true) {
                self.states = if exclude {
                    States::all(release)
                } else {
                    States::default()
                };
            }
            let states = States::parse(&name, release).ok_or_else(|| {
                let text = [&b"ss: wrong state name: "[..], &name, b"\n"].concat();
                Stop::Complaint(text, USAGE)
            })?;
            if exclude {
                self.states.0 &= !states.0;
            } else {
                self.states.0 |= states.0;
            }
        }
        self.operands.extend(words);
        self.selection.complete();
        if self.states != States::default() {
            self.selection.states = self.states;
        }
        self.refuse_nothing()
    }

    fn refuse_nothing(&self) -> Result<(), Stop> {
        let nothing = if self.selection.tables.is_empty() {
            "ss: no socket tables to show with such filter.\n"
        } else if self.selection.families.is_empty() {
            "ss: no families to show with such filter.\n"
        } else if self.selection.states == States::default() {
            "ss: no socket states to show with such filter.\n"
        } else {
            return Ok(());
        };
        Err(Stop::Complaint(nothing.as_bytes().to_vec(), 0))
    }
}

/// Says whether a word can only compare: no state is called like that.
fn is_operator(word: &[u8]) -> bool {
    matches!(word, b"=" | b"==" | b"eq" | b"!=" | b"ne" | b"neq")
}
