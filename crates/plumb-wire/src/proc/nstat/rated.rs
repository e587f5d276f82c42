//! Tables of `NAME VALUE [RATE]` lines: `/proc/net/snmp6`, `/proc/net/sctp/snmp`, nstat's history,
//! and what its sampler sends. A line that begins with `#` names the source of the counters.

use plumb_model::counter::RatedCounter;

use super::Damage;
use crate::float::scan_float;
use crate::lines::{before_nul, pieces};
use crate::scan::Scanner;

/// Longest piece of a line that is read at once.
const PIECE_BYTES: usize = 4095;
/// Longest name of a source that is kept.
const SOURCE_BYTES: usize = 127;

/// Where counters came from, as the `#` lines of all tables read so far say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceName {
    /// The last name given; empty when there was none.
    pub name: Vec<u8>,
    /// A name followed another one: the tables do not belong together.
    pub has_changed: bool,
}

impl SourceName {
    /// Takes a `#` line, whose last byte is dropped whatever it is.
    fn take(&mut self, line: &[u8]) {
        let end = line.len().saturating_sub(1);
        let name = line.get(1..end).unwrap_or(&[]);
        self.has_changed |= !self.name.is_empty() && self.name != name;
        self.name = name.get(..SOURCE_BYTES).unwrap_or(name).to_vec();
    }
}

/// Decodes a table; `source` learns from its `#` lines.
pub fn decode_rated(text: &[u8], source: &mut SourceName) -> Result<Vec<RatedCounter>, Damage> {
    let mut counters = Vec::new();
    for piece in pieces(text, PIECE_BYTES) {
        let line = before_nul(piece);
        if line.first() == Some(&b'#') {
            source.take(line);
        } else {
            counters.push(counter(line).ok_or(Damage::RatedRow)?);
        }
    }
    Ok(counters)
}

fn counter(line: &[u8]) -> Option<RatedCounter> {
    let mut scanner = Scanner::new(line);
    let name = scanner.word(usize::MAX)?.to_vec();
    let value = scanner.decimal()?;
    let rate = scan_float(scanner.rest()).unwrap_or(0.0);
    Some(RatedCounter { name, value, rate })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &str) -> Result<String, Damage> {
        let mut source = SourceName::default();
        let counters = decode_rated(text.as_bytes(), &mut source)?;
        let shown: Vec<String> = counters
            .iter()
            .map(|c| format!("{} {} {}", c.name.escape_ascii(), c.value, c.rate))
            .collect();
        let source = source.name.escape_ascii();
        Ok(format!("#{source};{}", shown.join(";")))
    }

    #[test]
    fn rows_have_a_name_a_value_and_maybe_a_rate() {
        assert_eq!(decoded("A 1\n B\t2x 3\n"), Ok("#;A 1 0;B 2 0".into()));
        assert_eq!(
            decoded("A 1 2.5 7\nB -1"),
            Ok(format!("#;A 1 2.5;B {} 0", u64::MAX))
        );
        for damaged in ["A\n", "\n", " \n", "A x\n", "A +-5\n", "A\0 1\n"] {
            assert_eq!(decoded(damaged), Err(Damage::RatedRow), "{damaged:?}");
        }
    }

    #[test]
    fn a_source_loses_its_last_byte_and_what_is_too_long() {
        assert_eq!(decoded("#kernel\nA 1\n"), Ok("#kernel;A 1 0".into()));
        assert_eq!(decoded("#kernel"), Ok("#kerne;".into()));
        assert_eq!(decoded("#x\0y\n"), Ok("#;".into()));
        assert_eq!(decoded("#"), Ok("#;".into()));
        let long = format!("#{}\n", "y".repeat(300));
        assert_eq!(decoded(&long), Ok(format!("#{};", "y".repeat(127))));
    }

    #[test]
    fn another_source_is_a_change_and_the_first_is_none() {
        let mut source = SourceName::default();
        for (text, has_changed) in [("#a\n", false), ("#a\nA 1\n", false), ("#b\n", true)] {
            assert!(decode_rated(text.as_bytes(), &mut source).is_ok());
            assert_eq!(source.has_changed, has_changed, "{text}");
        }
    }
}
