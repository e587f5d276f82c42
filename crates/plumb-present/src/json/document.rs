//! The envelope around the rows, written as a stream.
//!
//! Shape: `{"schema", "time", "host", "sockets": [...], ..., "complete", "reasons": [...]}` on one
//! line. Socket rows leave at once, so a million of them need no memory; the other arrays are
//! small and wait until the sockets are closed. `complete` and `reasons` come last, because only
//! then are they known.

use serde::Serialize;

/// The array that is streamed.
const STREAMED: &str = "sockets";

/// A document being written.
#[derive(Debug, Default)]
pub struct Document {
    open: bool,
    sockets: Option<u64>,
    later: Vec<(&'static str, Vec<u8>)>,
    reasons: Vec<String>,
}

impl Document {
    /// Writes the head. `time` is RFC 3339.
    pub fn begin(out: &mut Vec<u8>, schema: &str, time: &str, host: &str) -> Self {
        out.extend_from_slice(b"{\"schema\":");
        value(out, &schema);
        out.extend_from_slice(b",\"time\":");
        value(out, &time);
        out.extend_from_slice(b",\"host\":");
        value(out, &host);
        Self {
            open: true,
            ..Self::default()
        }
    }

    /// Makes sure that `array` is in the document even if it stays empty.
    pub fn declare(&mut self, out: &mut Vec<u8>, array: &'static str) {
        if array == STREAMED {
            if self.sockets.is_none() {
                self.sockets = Some(0);
                out.extend_from_slice(b",\"sockets\":[");
            }
        } else if !self.later.iter().any(|(name, _)| *name == array) {
            self.later.push((array, Vec::new()));
        }
    }

    /// Adds one row to `array`.
    pub fn push(&mut self, out: &mut Vec<u8>, array: &'static str, row: &impl Serialize) {
        self.declare(out, array);
        if array == STREAMED {
            let count = self.sockets.get_or_insert(0);
            if *count > 0 {
                out.push(b',');
            }
            *count += 1;
            value(out, row);
        } else if let Some((_, rows)) = self.later.iter_mut().find(|(name, _)| *name == array) {
            if !rows.is_empty() {
                rows.push(b',');
            }
            value(rows, row);
        }
    }

    /// Notes that something could not be observed; the document will say `"complete": false`.
    pub fn incomplete(&mut self, reason: impl Into<String>) {
        self.reasons.push(reason.into());
    }

    /// Closes the document with a newline.
    pub fn finish(mut self, out: &mut Vec<u8>) {
        if self.sockets.is_some() {
            out.push(b']');
        }
        for (name, rows) in std::mem::take(&mut self.later) {
            out.push(b',');
            value(out, &name);
            out.extend_from_slice(b":[");
            out.extend_from_slice(&rows);
            out.push(b']');
        }
        out.extend_from_slice(b",\"complete\":");
        value(out, &self.reasons.is_empty());
        out.extend_from_slice(b",\"reasons\":");
        value(out, &self.reasons);
        out.extend_from_slice(b"}\n");
        self.open = false;
    }
}

fn value(out: &mut Vec<u8>, value: &impl Serialize) {
    let written = serde_json::to_writer(out, value);
    debug_assert!(written.is_ok(), "schema types serialise without failing");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streamed_and_buffered_arrays_make_one_valid_document() {
        let mut out = Vec::new();
        let mut document =
            Document::begin(&mut out, "plumb.netstat/1", "2026-01-01T00:00:00Z", "h");
        document.push(&mut out, "groups", &1);
        document.push(&mut out, "sockets", &2);
        document.push(&mut out, "sockets", &3);
        document.declare(&mut out, "routes");
        document.incomplete("no /proc");
        document.finish(&mut out);
        let parsed: serde_json::Value = serde_json::from_slice(&out).unwrap_or_default();
        assert_eq!(
            parsed,
            serde_json::json!({
                "schema": "plumb.netstat/1", "time": "2026-01-01T00:00:00Z", "host": "h",
                "sockets": [2, 3], "groups": [1], "routes": [],
                "complete": false, "reasons": ["no /proc"],
            })
        );
    }
}
