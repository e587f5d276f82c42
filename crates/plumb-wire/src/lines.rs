//! Cuts a file into the lines that C's `fgets` and `getline` would have read.
//!
//! The original netstat reads most tables through a fixed buffer, so an overlong line comes in
//! pieces, each taken for a row of its own. Which pieces there are decides what is printed.

/// Cuts `text` into lines, newline included, and lines into pieces of at most `longest` bytes
/// (`fgets` with a buffer of `longest + 1`).
pub fn pieces(text: &[u8], longest: usize) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|&b| b == b'\n')
        .flat_map(move |line| line.chunks(longest.max(1)))
}

/// Gives what a C string function sees of `line`: everything before the first NUL.
pub fn before_nul(line: &[u8]) -> &[u8] {
    line.split(|&b| b == 0).next().unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_come_in_pieces() {
        let cut: Vec<&[u8]> = pieces(b"abcdef\n\nxy", 3).collect();
        assert_eq!(cut, [&b"abc"[..], b"def", b"\n", b"\n", b"xy"]);
        assert_eq!(pieces(b"", 3).count(), 0);
    }

    #[test]
    fn a_nul_ends_a_line() {
        assert_eq!(before_nul(b"ab\0cd"), b"ab");
        assert_eq!(before_nul(b"ab"), b"ab");
    }
}
