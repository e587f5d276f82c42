//! The envelope around the rows, written as a stream.
//!
//! As one document: `{"schema", "time", "host", "sockets": [...], ..., "complete", "reasons": [...]}`
//! on one line. Socket rows leave at once, so a million of them need no memory; the other arrays are
//! small and wait until the sockets are closed. `complete` and `reasons` come last, because only
//! then are they known.
//!
//! As lines (ndjson): a row of any array leaves at once, on a line of its own, and the last line is
//! the envelope without arrays.

use serde::Serialize;

/// The array that is streamed.
const STREAMED: &str = "sockets";

/// A document being written.
#[derive(Debug, Default)]
pub struct Document {
    /// Rows are lines; holds the head, which goes into the last one.
    lines: Option<Vec<u8>>,
    sockets: Option<u64>,
    /// Arrays that wait, without their brackets.
    later: Vec<(&'static str, Vec<u8>)>,
    /// Members that are no arrays.
    members: Vec<(&'static str, Vec<u8>)>,
    reasons: Vec<String>,
}

impl Document {
    /// Writes the head. `time` is RFC 3339.
    pub fn begin(out: &mut Vec<u8>, schema: &str, time: &str, host: &str) -> Self {
        write_head(out, schema, time, host);
        Self::default()
    }

    /// Starts a document of lines; its head waits for the last one. `time` is RFC 3339.
    pub fn begin_lines(schema: &str, time: &str, host: &str) -> Self {
        let mut head = Vec::new();
        write_head(&mut head, schema, time, host);
        Self {
            lines: Some(head),
            ..Self::default()
        }
    }

    /// Makes sure that `array` is in the document even if it stays empty. Lines have no arrays.
    pub fn declare(&mut self, out: &mut Vec<u8>, array: &'static str) {
        if self.lines.is_some() {
            return;
        }
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
        if self.lines.is_some() {
            value(out, row);
            out.push(b'\n');
            return;
        }
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

    /// Adds a member that is no array of rows; it stands behind them.
    pub fn member(&mut self, name: &'static str, member: &impl Serialize) {
        let mut written = Vec::new();
        value(&mut written, member);
        self.members.push((name, written));
    }

    /// Notes that something could not be observed; the document will say `"complete": false`.
    pub fn incomplete(&mut self, reason: impl Into<String>) {
        self.reasons.push(reason.into());
    }

    /// Closes the document with a newline.
    pub fn finish(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.lines.unwrap_or_default());
        if self.sockets.is_some() {
            out.push(b']');
        }
        for (name, rows) in self.later {
            write_key(out, name);
            out.push(b'[');
            out.extend_from_slice(&rows);
            out.push(b']');
        }
        for (name, member) in self.members {
            write_key(out, name);
            out.extend_from_slice(&member);
        }
        write_key(out, "complete");
        value(out, &self.reasons.is_empty());
        write_key(out, "reasons");
        value(out, &self.reasons);
        out.extend_from_slice(b"}\n");
    }
}

fn write_head(out: &mut Vec<u8>, schema: &str, time: &str, host: &str) {
    out.extend_from_slice(b"{\"schema\":");
    value(out, &schema);
    write_key(out, "time");
    value(out, &time);
    write_key(out, "host");
    value(out, &host);
}

fn write_key(out: &mut Vec<u8>, key: &str) {
    out.push(b',');
    value(out, &key);
    out.push(b':');
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

    #[test]
    fn lines_are_rows_as_they_come_and_the_envelope_without_them() {
        let mut out = Vec::new();
        let mut lines = Document::begin_lines("plumb.ss/1", "2026-01-01T00:00:00Z", "h");
        lines.declare(&mut out, "sockets");
        assert_eq!(out, b"");
        lines.push(&mut out, "sockets", &1);
        assert_eq!(out, b"1\n", "a row leaves at once");
        lines.push(&mut out, "sockets", &2);
        lines.member("summary", &serde_json::json!({"total": 3}));
        lines.finish(&mut out);
        let text = String::from_utf8_lossy(&out);
        let last = concat!(
            r#"{"schema":"plumb.ss/1","time":"2026-01-01T00:00:00Z","host":"h","#,
            r#""summary":{"total":3},"complete":true,"reasons":[]}"#
        );
        assert_eq!(text.lines().collect::<Vec<_>>(), ["1", "2", last]);
    }
}
