//! Damage to the text of a kernel table, as a torn read, a new kernel or a liar would do it.

use crate::random::Random;

/// Words that stand where a number should.
const WORDS: &[&[u8]] = &[
    b"0",
    b"-1",
    b"4294967295",
    b"4294967296",
    b"2147483648",
    b"-2147483649",
    b"18446744073709551615",
    b"18446744073709551616",
    b"99999999999999999999999",
    b"FFFFFFFF",
    b"123456789ABCDEF01",
    b"0x10",
    b"+5",
    b"x",
    b"%n",
    b":",
    b"1:2",
    b"\x1b[2J",
    b"\xff\xfe",
];

/// Changes a text in one to three places.
pub(crate) fn damage(random: &mut Random, text: &[u8]) -> Vec<u8> {
    let mut text = text.to_vec();
    for _ in 0..random.between(1, 3) {
        text = once(random, &text);
    }
    text
}

fn once(random: &mut Random, text: &[u8]) -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> = text
        .split_inclusive(|&b| b == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    if lines.is_empty() {
        return random.pick(WORDS).to_vec();
    }
    let at = random.below(lines.len());
    match random.below(11) {
        0 => return text[..random.below(text.len())].to_vec(),
        1 => {
            lines.remove(at);
        }
        2 => lines.insert(at, lines[at].clone()),
        3 => lines.insert(at, b"\n".to_vec()),
        4 => {
            let len = random.below(lines[at].len());
            lines[at].truncate(len);
        }
        5..=7 => lines[at] = with_other_word(random, &lines[at]),
        8 => lines[at] = without_word(random, &lines[at]),
        9 => {
            let byte = random.below(lines[at].len());
            lines[at][byte] = *random.pick(b" \t:*-0fFgz@\x01\x7f\xe9");
        }
        _ => {
            let more = random.pick(WORDS).to_vec();
            let end = lines[at].len().saturating_sub(1);
            lines[at].splice(end..end, [b" ".to_vec(), more].concat());
        }
    }
    lines.concat()
}

/// Finds the words of a line: where each starts and ends.
fn words(line: &[u8]) -> Vec<(usize, usize)> {
    let mut words = Vec::new();
    let mut start = None;
    for (at, byte) in line.iter().enumerate() {
        match (byte.is_ascii_whitespace() || *byte == b':', start) {
            (false, None) => start = Some(at),
            (true, Some(from)) => {
                words.push((from, at));
                start = None;
            }
            _ => {}
        }
    }
    words
}

fn with_other_word(random: &mut Random, line: &[u8]) -> Vec<u8> {
    let words = words(line);
    if words.is_empty() {
        return line.to_vec();
    }
    let (start, end) = *random.pick(&words);
    let other = random.pick(WORDS);
    [&line[..start], other, &line[end..]].concat()
}

fn without_word(random: &mut Random, line: &[u8]) -> Vec<u8> {
    let words = words(line);
    if words.is_empty() {
        return line.to_vec();
    }
    let (start, end) = *random.pick(&words);
    [&line[..start], &line[end..]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_changes_most_texts_and_takes_any() {
        let text = b"head er\n  0: 0100007F:1F90 01\n  1: x y z\n";
        let mut random = Random::new(3);
        let changed = (0..100).filter(|_| damage(&mut random, text) != text);
        assert!(changed.count() > 90);
        damage(&mut random, b"");
        damage(&mut random, b"\n\n");
    }
}
