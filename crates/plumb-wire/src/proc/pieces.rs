//! A file cut the way `fgets` cuts it for the original ss: at line ends, and after 255 bytes.

/// Most bytes of a piece.
const PIECE_BYTES: usize = 255;

/// Gives the pieces of a file in order, line ends included.
pub fn split_pieces(mut content: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let window = content.get(..PIECE_BYTES).unwrap_or(content);
        let len = match window.iter().position(|&b| b == b'\n') {
            Some(end) => end + 1,
            None => window.len(),
        };
        let (piece, rest) = content.split_at_checked(len)?;
        content = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

/// Says whether a piece is a whole line to C: its text ends in a line end, with no NUL before.
pub(super) fn is_whole_line(piece: &[u8]) -> bool {
    piece.ends_with(b"\n") && !piece.contains(&0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_come_in_pieces() {
        let long = [b'x'; 300];
        let content = [&b"a\n\n"[..], &long, b"\nlast"].concat();
        let pieces: Vec<_> = split_pieces(&content).map(<[u8]>::len).collect();
        assert_eq!(pieces, [2, 1, 255, 46, 4]);
    }

    #[test]
    fn a_line_with_a_nul_ends_there() {
        assert!(is_whole_line(b"a\n"));
        assert!(!is_whole_line(b"a"));
        assert!(!is_whole_line(b"a\0b\n"));
    }
}
