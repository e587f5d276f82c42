//! A line as a shell would take it apart, up to the cursor.

/// The words of the last command on a line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line {
    /// The words that are finished, without their quotes.
    pub words: Vec<String>,
    /// The word at the cursor, so far and without its quotes; empty behind a blank.
    pub last: String,
    /// Whether the cursor stands between quotes.
    pub is_quoted: bool,
}

impl Line {
    /// Takes a line apart.
    pub fn read(text: &str) -> Self {
        let mut line = Self::default();
        let mut quote = None;
        let mut in_word = false;
        let mut letters = text.chars();
        while let Some(letter) = letters.next() {
            match (quote, letter) {
                (Some(open), letter) if letter == open => quote = None,
                (Some('"') | None, '\\') => {
                    line.last.extend(letters.next());
                    in_word = true;
                }
                (Some(_), letter) => line.last.push(letter),
                (None, '\'' | '"') => {
                    quote = Some(letter);
                    in_word = true;
                }
                (None, ' ' | '\t' | '\n') => {
                    if in_word {
                        line.words.push(std::mem::take(&mut line.last));
                    }
                    in_word = false;
                }
                // Another command begins.
                (None, ';' | '|' | '&') => {
                    line = Self::default();
                    in_word = false;
                }
                (None, letter) => {
                    line.last.push(letter);
                    in_word = true;
                }
            }
        }
        line.is_quoted = quote.is_some();
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<String>, String, bool) {
        let line = Line::read(text);
        (line.words, line.last, line.is_quoted)
    }

    #[test]
    fn words_are_taken_apart_as_a_shell_does() {
        let words = |words: &[&str]| {
            words
                .iter()
                .map(|&word| word.to_owned())
                .collect::<Vec<_>>()
        };
        for (text, finished, last, quoted) in [
            ("plumb ls", &["plumb"][..], "ls", false),
            ("plumb ls ", &["plumb", "ls"], "", false),
            ("plumb ls 'sport = :4", &["plumb", "ls"], "sport = :4", true),
            ("plumb ls \"pid = ", &["plumb", "ls"], "pid = ", true),
            (
                "plumb ls 'pid = 1' and ",
                &["plumb", "ls", "pid = 1", "and"],
                "",
                false,
            ),
            (r"plumb ls \( pid", &["plumb", "ls", "("], "pid", false),
            ("true; sudo x | plumb l", &["plumb"], "l", false),
            ("plumb ls ''", &["plumb", "ls"], "", false),
            ("", &[], "", false),
        ] {
            assert_eq!(
                read(text),
                (words(finished), last.to_owned(), quoted),
                "{text}"
            );
        }
    }
}
