//! Sentences broken into lines at their blanks.

use unicode_width::UnicodeWidthStr as _;

/// Breaks a text into lines of at most `width` columns; a longer word has a line of its own.
pub fn lines(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.width() + 1 + word.width() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_blanks_and_never_inside_words() {
        assert_eq!(lines("one two three", 7), ["one two", "three"]);
        assert_eq!(lines("incomprehensibly so", 5), ["incomprehensibly", "so"]);
        assert_eq!(lines("größe der 漢字", 9), ["größe der", "漢字"]);
        assert!(lines("  ", 10).is_empty());
    }
}
