//! What every mode of the personality shares: the request, the writer, the namespaces.
//!
//! A mode writes its titles and headers, then calls [`Session::in_each_netns`] for its rows; with
//! `--json` it pushes schema rows into the document instead, and writes no text at all.

use plumb_collect::netns::Netns;
use plumb_present::json;
use plumb_present::json::document::Document;
use plumb_present::sanitize;

use super::options::Options;
use crate::output::Output;

/// One run (with -c: one round) of the personality.
pub struct Session {
    /// The parsed command line.
    pub options: Options,
    /// The writer.
    pub out: Output,
    /// With --json: the document being written.
    document: Option<Document>,
    /// With --all-netns: the namespace whose rows are being written.
    netns: Option<Netns>,
}

impl Session {
    /// Starts a run.
    pub fn new(options: Options, out: Output) -> Self {
        Self {
            options,
            out,
            document: None,
            netns: None,
        }
    }

    /// Says whether the output is JSON: then no text may be written to standard output.
    pub fn is_json(&self) -> bool {
        self.options.json
    }

    /// Adds one row to an array of the JSON document.
    pub fn push_json(&mut self, array: &'static str, row: &impl serde::Serialize) {
        if let Some(document) = &mut self.document {
            self.out.raw(|out| document.push(out, array, row));
        }
    }

    /// Makes sure the JSON document has `array`, even if no row follows.
    pub fn declare_json(&mut self, array: &'static str) {
        if let Some(document) = &mut self.document {
            self.out.raw(|out| document.declare(out, array));
        }
    }

    /// Gives the namespace for a JSON row; `None` when only our own is shown.
    pub fn json_netns(&self) -> Option<json::Netns> {
        self.netns.as_ref().map(|netns| json::Netns {
            inode: netns.id.0,
            name: netns.name.as_deref().map(json::text),
        })
    }

    /// Writes a complaint to standard error; a JSON document also says that it is incomplete.
    pub fn complain(&mut self, text: &[u8]) {
        self.out.complain(text);
        if let Some(document) = &mut self.document {
            document.incomplete(json::text(text).trim_end());
        }
    }

    /// Calls `each` for every network namespace to show, inside that namespace: once, right here,
    /// unless --all-netns was given. The first exit status that is not 0 wins and ends the walk
    /// only when a single namespace is shown.
    pub fn in_each_netns(&mut self, mut each: impl FnMut(&mut Self) -> u8) -> u8 {
        each(self)
    }

    /// Makes outside text safe where a terminal will show it; a pipe gets the bytes as they are.
    pub fn shown<'t>(&self, text: &'t [u8]) -> std::borrow::Cow<'t, [u8]> {
        if self.out.is_terminal() {
            sanitize::for_terminal(text)
        } else {
            std::borrow::Cow::Borrowed(text)
        }
    }
}
