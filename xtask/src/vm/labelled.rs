//! Output of several guests on one terminal: each line with the name of the one that wrote it.

use std::io::{self, Write};

/// A writer that hands on whole lines.
pub(super) struct Labelled<W: Write> {
    label: &'static str,
    to: W,
    /// The beginning of a line.
    begun: Vec<u8>,
}

impl<W: Write> Labelled<W> {
    pub(super) fn new(label: &'static str, to: W) -> Self {
        Self {
            label,
            to,
            begun: Vec::new(),
        }
    }

    fn hand_on(&mut self) -> io::Result<()> {
        let line = [self.label.as_bytes(), b"  ", &self.begun].concat();
        self.begun.clear();
        self.to.write_all(&line)
    }

    /// Hands on a last line that has no end.
    pub(super) fn finish(mut self) -> io::Result<()> {
        if self.begun.is_empty() {
            return Ok(());
        }
        self.begun.push(b'\n');
        self.hand_on()
    }
}

impl<W: Write> Write for Labelled<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.begun.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                self.hand_on()?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_labelled_however_they_come() {
        let mut text = Vec::new();
        let mut labelled = Labelled::new("6.1", &mut text);
        for piece in ["one\ntw", "o\n", "", "\nthe last"] {
            labelled.write_all(piece.as_bytes()).expect("there is room");
        }
        labelled.finish().expect("there is room");
        let text = String::from_utf8(text).expect("it went in as text");
        assert_eq!(text, "6.1  one\n6.1  two\n6.1  \n6.1  the last\n");
    }
}
