//! `/tmp/perf-PID.map`: the names a runtime gives to code it compiles while it runs.
//!
//! The format is perf's (`tools/perf/Documentation/jit-interface.txt`): `START SIZE NAME` in each line,
//! hexadecimal without `0x`, the name to the end of the line. Names as Node, CPython and Java write them
//! are taken apart here.

use core::ops::Range;

use crate::scan::Scanner;

/// One compiled function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compiled<'a> {
    /// Where its code lies.
    pub range: Range<u64>,
    /// Its name as written.
    pub name: &'a [u8],
}

/// Decodes one line; `None` if it is no entry, as the last line of a file that is being written may be.
///
/// ```
/// use plumb_wire::perf_map::decode_line;
///
/// let entry = decode_line(b"7f10 20 JS:*open /srv/app.js:3:10").unwrap();
/// assert_eq!((entry.range, entry.name), (0x7f10..0x7f30, &b"JS:*open /srv/app.js:3:10"[..]));
/// ```
pub fn decode_line(line: &[u8]) -> Option<Compiled<'_>> {
    let mut scanner = Scanner::new(line);
    let start = scanner.hex()?;
    let size = scanner.hex()?;
    scanner.skip_space();
    let name = scanner.rest().trim_ascii_end();
    let end = start.checked_add(size)?;
    (start < end && !name.is_empty()).then_some(Compiled {
        range: start..end,
        name,
    })
}

/// A name taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named<'a> {
    /// The function.
    pub function: &'a [u8],
    /// The file it is written in, where the runtime says so.
    pub file: Option<&'a [u8]>,
    /// The line it begins in, where the runtime says so.
    pub line: Option<u32>,
    /// Whether it is a function of a script, not a part of the runtime.
    pub of_script: bool,
}

/// How Node (V8) begins the names of a script's functions, by the compiler that made them.
const V8_KINDS: &[&[u8]] = &[b"JS:", b"LazyCompile:", b"Function:", b"Script:", b"Eval:"];

/// Marks of V8 for how far a function was optimised.
const V8_TIERS: &[u8] = b"*~^+";

/// Takes a name apart: `py::open:/srv/app.py` of CPython, `JS:*open /srv/app.js:3:10` of Node, and as it
/// stands what Java and others write.
pub fn decode_name(name: &[u8]) -> Named<'_> {
    if let Some(rest) = name.strip_prefix(b"py::") {
        return python(rest);
    }
    let v8 = V8_KINDS.iter().find_map(|kind| name.strip_prefix(*kind));
    v8.map_or_else(|| plain(name), javascript)
}

fn python(rest: &[u8]) -> Named<'_> {
    let colon = rest.iter().position(|byte| *byte == b':');
    let (function, file) = colon.map_or((rest, None), |at| (&rest[..at], Some(&rest[at + 1..])));
    Named {
        function,
        file,
        line: None,
        of_script: true,
    }
}

fn javascript(rest: &[u8]) -> Named<'_> {
    let rest = match rest.split_first() {
        Some((tier, rest)) if V8_TIERS.contains(tier) => rest,
        _ => rest,
    };
    let space = rest.iter().position(|byte| *byte == b' ');
    let (function, place) = space.map_or((rest, None), |at| (&rest[..at], Some(&rest[at + 1..])));
    let (file, line) = place.map_or((None, None), file_and_line);
    Named {
        function: if function.is_empty() {
            b"(anonymous)"
        } else {
            function
        },
        file,
        line,
        of_script: true,
    }
}

/// `FILE:LINE:COLUMN`; FILE may hold colons itself.
fn file_and_line(place: &[u8]) -> (Option<&[u8]>, Option<u32>) {
    let mut parts = place.rsplitn(3, |byte| *byte == b':');
    let (_column, line, file) = (parts.next(), parts.next(), parts.next());
    let line = line
        .and_then(|digits| core::str::from_utf8(digits).ok())
        .and_then(|digits| digits.parse().ok())
        .filter(|line| *line > 0);
    match (file, line) {
        (Some(file), Some(line)) => (Some(file), Some(line)),
        _ => (Some(place), None),
    }
}

/// Java's `void java.net.Socket.connect(…)`, whose type goes, and whatever else.
fn plain(name: &[u8]) -> Named<'_> {
    // `StubRoutines (1)` is no method.
    let parenthesis = name.iter().position(|byte| *byte == b'(');
    let parenthesis = parenthesis.filter(|at| *at > 0 && name.get(at - 1) != Some(&b' '));
    let before = parenthesis.and_then(|at| name.get(..at));
    let space = before.and_then(|before| before.iter().rposition(|byte| *byte == b' '));
    Named {
        function: space.and_then(|at| name.get(at + 1..)).unwrap_or(name),
        file: None,
        line: None,
        of_script: parenthesis.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(name: &[u8]) -> (&[u8], Option<&[u8]>, Option<u32>) {
        let named = decode_name(name);
        (named.function, named.file, named.line)
    }

    #[test]
    fn names_of_node_lose_the_marks_of_its_compilers() {
        let expected = (&b"open"[..], Some(&b"file:///srv/app.js"[..]), Some(3));
        assert_eq!(parts(b"JS:*open file:///srv/app.js:3:10"), expected);
        assert_eq!(
            parts(b"LazyCompile:~open file:///srv/app.js:3:10"),
            expected
        );
        assert_eq!(parts(b"JS:~ node:net:1:1").0, b"(anonymous)");
        assert_eq!(parts(b"JS:open"), (&b"open"[..], None, None));
    }

    #[test]
    fn names_of_python_hold_their_file() {
        let expected = (&b"Pool.open"[..], Some(&b"/srv/app.py"[..]), None);
        assert_eq!(parts(b"py::Pool.open:/srv/app.py"), expected);
    }

    #[test]
    fn names_of_java_lose_their_type() {
        let method = b"java.lang.String Pool.open(int, long)";
        assert_eq!(parts(method), (&b"Pool.open(int, long)"[..], None, None));
        assert!(decode_name(method).of_script);
        for stub in [&b"StubRoutines (1)"[..], b"Interpreter"] {
            assert_eq!(decode_name(stub).function, stub);
            assert!(!decode_name(stub).of_script);
        }
    }

    #[test]
    fn a_line_cut_short_is_no_entry() {
        for line in [
            &b""[..],
            b"7f10",
            b"7f10 20",
            b"7f10 20 ",
            b"7f10 0 x",
            b"ffffffffffffffff 1 x",
        ] {
            assert_eq!(decode_line(line), None, "{line:?}");
        }
    }
}
