//! Makes outside text safe for a terminal.
//!
//! Process names, socket paths, host and service names may hold anything, escape sequences
//! included. What a terminal could act on is shown as `\xNN` (one per byte); printable UTF-8 stays.

use std::borrow::Cow;

/// Replaces control characters, invalid UTF-8 and invisible direction marks by `\xNN`.
///
/// ```
/// use plumb_present::sanitize::for_terminal;
///
/// assert_eq!(&*for_terminal(b"nginx: worker"), b"nginx: worker");
/// assert_eq!(&*for_terminal(b"\x1b[2Jgone"), br"\x1b[2Jgone");
/// ```
pub fn for_terminal(text: &[u8]) -> Cow<'_, [u8]> {
    if text.iter().all(|b| matches!(b, 0x20..=0x7e)) {
        return Cow::Borrowed(text);
    }
    let mut safe = Vec::with_capacity(text.len() + 8);
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            let mut bytes = [0; 4];
            let encoded = character.encode_utf8(&mut bytes).as_bytes();
            if is_dangerous(character) {
                escape(&mut safe, encoded);
            } else {
                safe.extend_from_slice(encoded);
            }
        }
        escape(&mut safe, chunk.invalid());
    }
    Cow::Owned(safe)
}

/// Controls act on the terminal; direction marks and separators make a row read as another one.
fn is_dangerous(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn escape(out: &mut Vec<u8>, bytes: &[u8]) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.extend_from_slice(b"\\x");
        out.push(HEX[usize::from(byte >> 4)]);
        out.push(HEX[usize::from(byte & 15)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_lose_their_power_and_names_stay() {
        assert_eq!(&*for_terminal(b"nginx: worker"), b"nginx: worker");
        assert_eq!(&*for_terminal("größe".as_bytes()), "größe".as_bytes());
        assert_eq!(&*for_terminal(b"a\x1b[31mb\n"), b"a\\x1b[31mb\\x0a");
        assert_eq!(&*for_terminal(b"\xff\xc2\x9b"), b"\\xff\\xc2\\x9b");
        assert_eq!(&*for_terminal("\u{202e}x".as_bytes()), b"\\xe2\\x80\\xaex");
    }
}
