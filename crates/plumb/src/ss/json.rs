//! --json and --ndjson: the document of a listing, and its rows.
//!
//! `rows` has one function for each family: look up the names a row shows, push the row. What is
//! complained of becomes a reason of the document, too.

mod rows;

use plumb_collect::netns::Netns;
use plumb_present::json;
use plumb_present::json::diag::summary::Summary;
use plumb_present::json::document::Document;
use rustix::thread::CapabilitySet;
use serde::Serialize;

use super::options::Form;
use super::run::summary::Counts;
use crate::output::Output;

pub use self::rows::{inet, netlink, packet, tipc, unix, vsock, xdp};

/// The schema of the personality.
const SCHEMA: &str = "plumb.ss/1";
/// The one array.
const SOCKETS: &str = "sockets";

/// A document being written.
pub struct Json {
    document: Document,
    netns: Option<json::Netns>,
    admin: bool,
}

impl Json {
    /// Writes the head, where the form is one of JSON's.
    pub fn begin(form: Form, out: &mut Output) -> Option<Self> {
        let time = jiff::Timestamp::now().to_string();
        let system = rustix::system::uname();
        let host = json::text(system.nodename().to_bytes());
        let document = match form {
            Form::Table | Form::Stream => return None,
            Form::Ndjson => Document::begin_lines(SCHEMA, &time, &host),
            Form::Json => {
                let mut head = Vec::new();
                let document = Document::begin(&mut head, SCHEMA, &time, &host);
                out.raw(|out| out.extend_from_slice(&head));
                document
            }
        };
        Some(Self {
            document,
            netns: None,
            admin: is_told_all(),
        })
    }

    /// Makes sure that the document has rows, even if none follows.
    pub fn declare(&mut self, out: &mut Output) {
        out.raw(|out| self.document.declare(out, SOCKETS));
    }

    /// Names the namespace of the rows to come.
    pub fn set_netns(&mut self, netns: &Netns) {
        self.netns = Some(json::Netns {
            inode: netns.id.0,
            name: netns.name.as_deref().map(json::text),
        });
    }

    /// Adds the counts of -s.
    pub fn add_summary(&mut self, counts: &Counts) {
        self.incomplete(&counts.complaints);
        self.document
            .member("summary", &Summary::new(&counts.totals));
    }

    /// Notes why something could not be observed.
    pub fn incomplete(&mut self, complaint: &[u8]) {
        let text = json::text(complaint);
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            self.document.incomplete(line);
        }
    }

    /// Writes the end.
    pub fn finish(self, out: &mut Output) {
        out.raw(|out| self.document.finish(out));
    }

    fn push(&mut self, out: &mut Output, row: &impl Serialize) {
        out.raw(|out| self.document.push(out, SOCKETS, row));
    }
}

/// Says whether nothing is withheld from us: the kernel tells marks and keys only to
/// CAP_NET_ADMIN, a recorded dump has what it has.
fn is_told_all() -> bool {
    std::env::var_os("TCPDIAG_FILE").is_some()
        || rustix::thread::capabilities(None)
            .is_ok_and(|sets| sets.effective.contains(CapabilitySet::NET_ADMIN))
}
