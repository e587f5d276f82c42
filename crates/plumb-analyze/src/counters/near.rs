//! Which names somebody may have meant.

/// Most names that are suggested.
const MOST: usize = 5;

/// Gives those of `names` that are nearest to `word`, nearest first; case counts for nothing. A name that
/// holds the word, or is held by it, is nearer than one that differs in letters.
pub fn near<'n>(word: &str, names: impl Iterator<Item = &'n str>) -> Vec<&'n str> {
    let word = word.to_ascii_lowercase();
    // A third of the letters may be wrong.
    let limit = word.len() / 3 + 1;
    let mut found: Vec<(usize, &str)> = names
        .filter_map(|name| {
            let lower = name.to_ascii_lowercase();
            if word.len() > 2 && lower.contains(&word) {
                return Some((0, name));
            }
            let last = lower.rsplit('.').next().unwrap_or(&lower);
            let distance = distance(&word, &lower).min(distance(&word, last));
            (distance <= limit).then_some((distance, name))
        })
        .collect();
    found.sort_by_key(|(distance, name)| (*distance, name.len(), *name));
    found.dedup();
    found.truncate(MOST);
    found.into_iter().map(|(_, name)| name).collect()
}

/// Counts the letters to change, add or take away to make one word the other (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, to) in row.iter_mut().skip(1).zip(b.bytes()) {
            let replaced = diagonal + usize::from(from != to);
            diagonal = *cell;
            left = replaced.min(left + 1).min(diagonal + 1);
            *cell = left;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_counted() {
        for (a, b, expected) in [
            ("", "", 0),
            ("abc", "", 3),
            ("", "abc", 3),
            ("kitten", "sitting", 3),
            ("ListenOverflow", "ListenOverflows", 1),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn the_nearest_comes_first_and_strangers_do_not_come() {
        let names = [
            "TcpExt.ListenDrops",
            "TcpExt.ListenOverflows",
            "Ip.InHdrErrors",
        ];
        let found = near("listenoverfow", names.into_iter());
        assert_eq!(found.first(), Some(&"TcpExt.ListenOverflows"));
        assert!(near("xyzzy", names.into_iter()).is_empty());
        assert_eq!(near("drops", names.into_iter()), ["TcpExt.ListenDrops"]);
    }
}
