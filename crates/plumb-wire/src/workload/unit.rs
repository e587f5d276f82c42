//! The systemd unit in a path of folders.
//!
//! systemd makes a cgroup for each service, scope, socket, mount and swap, inside slices. A unit's name is
//! kept as systemd spells it, escapes included: that is what its own tools take. A name that would be
//! mistaken for a file of the cgroup file system has `_` before it.

/// The longest name of a unit.
const LONGEST: usize = 255;
/// Units that have processes.
const SUFFIXES: [&[u8]; 5] = [b".service", b".scope", b".socket", b".mount", b".swap"];

/// Gives the innermost unit; a slice only where no other unit is below it.
pub(super) fn decode<'a>(folders: &[&'a [u8]]) -> Option<&'a [u8]> {
    let units = folders.iter().rev().map(|folder| unescape(folder));
    let has = |suffixes: &'static [&'static [u8]]| {
        move |name: &&[u8]| is_name(name) && suffixes.iter().any(|suffix| ends(name, suffix))
    };
    units
        .clone()
        .find(has(&SUFFIXES))
        .or_else(|| units.clone().find(has(&[b".slice"])))
}

fn unescape(folder: &[u8]) -> &[u8] {
    folder.strip_prefix(b"_").unwrap_or(folder)
}

/// A suffix alone is no name.
fn ends(name: &[u8], suffix: &[u8]) -> bool {
    name.len() > suffix.len() && name.ends_with(suffix)
}

fn is_name(name: &[u8]) -> bool {
    name.len() <= LONGEST
        && name
            .iter()
            .all(|&b| b.is_ascii_alphanumeric() || b":-_.\\@".contains(&b))
}

/// Undoes the escapes of a name (`\x2d` for `-`).
pub(super) fn unescape_hex(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, tail)) = rest.split_first() {
        let escaped = rest.strip_prefix(b"\\x").and_then(|tail| {
            let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
            u8::from_str_radix(digits, 16).ok()
        });
        bytes.push(escaped.unwrap_or(first));
        rest = tail
            .get(if escaped.is_some() { 3 } else { 0 }..)
            .unwrap_or_default();
    }
    bytes
}
