//! CPython's strings: `PyASCIIObject` and `PyCompactUnicodeObject`, of 3.11 and newer.

use super::layout::Layout;

/// Bytes of a string's head that are needed to find its characters.
pub const HEAD: usize = 40;

/// Where the characters of a string lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Characters {
    /// Behind the beginning of the object.
    pub offset: u64,
    /// How many there are.
    pub count: u64,
    /// Bytes of each: 1 (Latin-1), 2 or 4.
    pub width: u8,
}

/// Decodes the head of a string; `None` if it is none, or one that was made in the manner of Python 2.
pub fn decode_head(layout: &Layout, head: &[u8]) -> Option<Characters> {
    let count = u64::from_ne_bytes(head.get(16..24)?.try_into().ok()?);
    let state = u32::from_ne_bytes(head.get(32..36)?.try_into().ok()?);
    // interned:2, kind:3, compact:1, ascii:1
    let kind = u8::try_from(state >> 2 & 7).ok()?;
    let (compact, ascii) = (state >> 5 & 1 == 1, state >> 6 & 1 == 1);
    if !compact || !matches!(kind, 1 | 2 | 4) {
        return None;
    }
    let (behind_ascii, behind_compact) = layout.characters;
    Some(Characters {
        offset: if ascii { behind_ascii } else { behind_compact },
        count,
        width: kind,
    })
}

/// Decodes characters of this width.
pub fn decode_characters(width: u8, bytes: &[u8]) -> String {
    let character = |value: u32| char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER);
    match width {
        1 => bytes.iter().map(|byte| char::from(*byte)).collect(),
        2 => {
            let pairs = bytes
                .chunks_exact(2)
                .filter_map(|pair| pair.try_into().ok());
            pairs
                .map(|pair| character(u32::from(u16::from_ne_bytes(pair))))
                .collect()
        }
        _ => {
            let fours = bytes
                .chunks_exact(4)
                .filter_map(|four| four.try_into().ok());
            fours
                .map(|four| character(u32::from_ne_bytes(four)))
                .collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::layout::layout;
    use super::*;

    fn head(state: u32, count: u64) -> Vec<u8> {
        let mut head = vec![0; HEAD];
        head[16..24].copy_from_slice(&count.to_ne_bytes());
        head[32..36].copy_from_slice(&state.to_ne_bytes());
        head
    }

    #[test]
    fn characters_lie_behind_the_head_that_their_kind_has() {
        let layout = layout(0x030b_02f0).expect("the table has 3.11");
        let ascii = decode_head(layout, &head(0b110_0101, 5));
        assert_eq!(
            ascii,
            Some(Characters {
                offset: 48,
                count: 5,
                width: 1
            })
        );
        let wide = decode_head(layout, &head(0b10_1000, 2));
        assert_eq!(
            wide,
            Some(Characters {
                offset: 72,
                count: 2,
                width: 2
            })
        );
        assert_eq!(decode_head(layout, &head(0, 2)), None);
        assert_eq!(decode_head(layout, b"short"), None);
    }

    #[test]
    fn each_width_has_its_characters() {
        assert_eq!(decode_characters(1, &[b'a', 0xe9]), "aé");
        assert_eq!(decode_characters(2, &[b'a', 0, 0xac, 0x20, 1]), "a€");
        assert_eq!(decode_characters(4, &[0x00, 0xf6, 0x01, 0x00]), "😀");
    }
}
