//! Shell globs over bytes (`fnmatch` without flags): `*`, `?`, `[…]` and the backslash.

/// Whether the case of letters counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// `a` is not `A`.
    Counts,
    /// `a` is `A`.
    Ignored,
}

/// Whether a whole text fits a pattern. Takes time in proportion to the product of their lengths.
pub fn fits_glob(pattern: &[u8], text: &[u8], case: Case) -> bool {
    let (mut at, mut from) = (0, 0);
    // Where to go on after the last star, and the text it has not swallowed yet.
    let mut star: Option<(usize, usize)> = None;
    loop {
        let rest = pattern.get(at..).unwrap_or_default();
        if let [b'*', ..] = rest {
            at += 1;
            star = Some((at, from));
            continue;
        }
        let step = match (rest, text.get(from)) {
            ([], None) => return true,
            ([], Some(_)) => None,
            (_, Some(byte)) => one(rest, *byte, case),
            (_, None) => return false,
        };
        if let Some(len) = step {
            at += len;
            from += 1;
        } else if let Some((after, swallowed)) = star {
            star = Some((after, swallowed + 1));
            (at, from) = (after, swallowed + 1);
        } else {
            return false;
        }
    }
}

/// Matches one byte against the element a pattern begins with; gives the element's length.
fn one(pattern: &[u8], byte: u8, case: Case) -> Option<usize> {
    match pattern {
        [b'?', ..] => Some(1),
        [b'\\', literal, ..] => same(*literal, byte, case).then_some(2),
        [b'\\'] | [] => None,
        [b'[', rest @ ..] => match set(rest, byte, case) {
            Some((found, len)) => found.then_some(len + 1),
            None => same(b'[', byte, case).then_some(1),
        },
        [literal, ..] => same(*literal, byte, case).then_some(1),
    }
}

fn fold(byte: u8, case: Case) -> u8 {
    if case == Case::Ignored {
        byte.to_ascii_lowercase()
    } else {
        byte
    }
}

fn same(left: u8, right: u8, case: Case) -> bool {
    fold(left, case) == fold(right, case)
}

/// Reads a bracket set from behind its bracket: whether the byte is in it, and its length with the
/// closing bracket; `None` when it is not closed and the bracket stands for itself.
fn set(pattern: &[u8], byte: u8, case: Case) -> Option<(bool, usize)> {
    let inverted = matches!(pattern.first(), Some(b'!' | b'^'));
    let mut at = usize::from(inverted);
    let mut found = false;
    let mut first = true;
    loop {
        match pattern.get(at..)? {
            [b']', ..] if !first => return Some((found != inverted, at + 1)),
            [b'[', b':', rest @ ..] if let Some((is, len)) = class(rest, byte) => {
                found |= is;
                at += 2 + len;
            }
            // A collating element outside of a range is itself, whatever the case.
            [b'[', mark @ (b'.' | b'='), symbol, end, b']', after, ..]
                if mark == end && (*after != b'-' || *mark == b'=') =>
            {
                found |= *symbol == byte;
                at += 5;
            }
            // A longer name of one is known to no locale here.
            [b'[', b'.', rest @ ..] if named_symbol(rest).is_some() => {
                at += 2 + named_symbol(rest)?;
            }
            rest => {
                let (low, low_len) = element(rest)?;
                let high = match rest.get(low_len..)? {
                    [b'-', next @ ..] if !matches!(next.first(), Some(b']') | None) => {
                        Some(element(next)?)
                    }
                    _ => None,
                };
                let (high, high_len) = high.map_or((low, 0), |(high, len)| (high, len + 1));
                found |= (fold(low, case)..=fold(high, case)).contains(&fold(byte, case));
                at += low_len + high_len;
            }
        }
        first = false;
    }
}

/// One byte of a set, which a backslash may precede, or which is written as `[.a.]`.
fn element(pattern: &[u8]) -> Option<(u8, usize)> {
    match pattern {
        [b'\\', literal, ..] => Some((*literal, 2)),
        [b'[', b'.', symbol, b'.', b']', ..] => Some((*symbol, 5)),
        [b'\\'] | [] => None,
        [literal, ..] => Some((*literal, 1)),
    }
}

/// The length of a collating element's name of several bytes, with its end.
fn named_symbol(pattern: &[u8]) -> Option<usize> {
    let end = pattern.windows(2).position(|pair| pair == b".]")?;
    (end > 1).then_some(end + 2)
}

/// Reads a class name up to `:]`: whether the byte is in the class, and the length with the end.
fn class(pattern: &[u8], byte: u8) -> Option<(bool, usize)> {
    let end = pattern.windows(2).position(|pair| pair == b":]")?;
    let name = pattern.get(..end)?;
    if !name.iter().all(u8::is_ascii_lowercase) {
        return None;
    }
    let is = match name {
        b"alpha" => byte.is_ascii_alphabetic(),
        b"digit" => byte.is_ascii_digit(),
        b"alnum" => byte.is_ascii_alphanumeric(),
        b"upper" => byte.is_ascii_uppercase(),
        b"lower" => byte.is_ascii_lowercase(),
        b"space" => matches!(byte, b' ' | b'\t'..=b'\r'),
        b"blank" => matches!(byte, b' ' | b'\t'),
        b"punct" => byte.is_ascii_punctuation(),
        b"xdigit" => byte.is_ascii_hexdigit(),
        b"cntrl" => byte.is_ascii_control(),
        b"print" => byte == b' ' || byte.is_ascii_graphic(),
        b"graph" => byte.is_ascii_graphic(),
        _ => false,
    };
    Some((is, end + 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_fit_as_fnmatch_has_it() {
        let fits = |pattern: &str, text: &str| {
            fits_glob(pattern.as_bytes(), text.as_bytes(), Case::Ignored)
        };
        for (pattern, text) in [
            ("*", ""),
            ("*", "/tmp/.x"),
            ("/TMP/*", "/tmp/a"),
            ("@a?c", "@ABC"),
            ("a*b*c", "aXbYbZc"),
            ("[a-c]x", "Bx"),
            ("[!a]x", "bx"),
            ("[]]x", "]x"),
            ("[x", "[x"),
            (r"\*", "*"),
            ("[[:digit:]]", "7"),
            ("[[.-.]]", "-"),
            ("[0-[.b.]]", "a"),
        ] {
            assert!(fits(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("", "x"),
            ("?", ""),
            ("a*b", "ac"),
            ("[!a]", "a"),
            (r"\*", "x"),
            ("a\\", "a"),
        ] {
            assert!(!fits(pattern, text), "{pattern} {text}");
        }
        assert!(!fits_glob(b"A", b"a", Case::Counts));
    }
}
