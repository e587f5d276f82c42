//! What every mode of the personality shares: the request, the writer, the namespaces.
//!
//! A mode writes its titles and headers, then calls [`Session::in_each_netns`] for its rows; with
//! `--json` it pushes schema rows into the document instead, and writes no text at all.

use plumb_collect::inet::Backend;
use plumb_collect::names::Names;
use plumb_collect::netns::{self, Home, Namespaces, Netns};
use plumb_present::json;
use plumb_present::json::document::Document;
use plumb_present::sanitize;

use super::options::Options;
use crate::errno;
use crate::output::Output;

/// The JSON schema of every mode.
const SCHEMA: &str = "plumb.netstat/1";

/// One run (with -c: one round) of the personality.
pub struct Session {
    /// The parsed command line.
    pub options: Options,
    /// The writer.
    pub out: Output,
    /// Names for numbers, looked up when first wanted.
    pub names: Names,
    /// Where socket rows come from.
    pub backend: Backend,
    /// With -c: how many rounds were finished.
    pub round: u64,
    /// With --json: the document being written.
    document: Option<Document>,
    /// With --all-netns: the namespace whose rows are being written.
    netns: Option<Netns>,
    /// With --all-netns: the namespaces of this round.
    namespaces: Option<Namespaces>,
    /// With --all-netns: what one namespace already complained of for all, in this round.
    said: Vec<Vec<u8>>,
}

impl Session {
    /// Starts a run.
    pub fn new(options: Options, out: Output, backend: Backend) -> Self {
        let mut names = Names::new();
        if options.all_netns {
            names.resolve_from_here();
        }
        Self {
            options,
            out,
            names,
            backend,
            round: 0,
            document: None,
            netns: None,
            namespaces: None,
            said: Vec::new(),
        }
    }

    /// Opens the JSON document of this round, where one is wanted.
    pub fn begin_round(&mut self) {
        self.namespaces = None;
        self.said.clear();
        if self.options.all_netns {
            self.out.show_netns();
        }
        if self.options.json {
            let time = jiff::Timestamp::now().to_string();
            let system = rustix::system::uname();
            let host = json::text(system.nodename().to_bytes());
            let document = &mut self.document;
            self.out
                .raw(|out| *document = Some(Document::begin(out, SCHEMA, &time, &host)));
        }
    }

    /// Closes the round: everything it wrote goes out now.
    pub fn end_round(&mut self) {
        if let Some(document) = self.document.take() {
            self.out.raw(|out| document.finish(out));
        }
        self.out.flush();
        self.round += 1;
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
            document.incomplete(one_line(text));
        }
    }

    /// Complains of what all namespaces of a kernel lack alike: once a round.
    pub fn complain_once(&mut self, text: &[u8]) {
        if self.options.all_netns {
            if self.said.iter().any(|said| said == text) {
                return;
            }
            self.said.push(text.to_vec());
        }
        self.complain(text);
    }

    /// Calls `each` for every network namespace to show, inside that namespace; gives the highest
    /// exit status. Without --all-netns that is once, right here.
    pub fn in_each_netns(&mut self, mut each: impl FnMut(&mut Self) -> u8) -> u8 {
        if !self.options.all_netns {
            return each(self);
        }
        let home = match Home::remember() {
            Ok(home) => home,
            Err(error) => return self.refuse_netns("remember the own network namespace", error),
        };
        let mut status = 0;
        let Namespaces { all, own, .. } = self.namespaces();
        for netns in all {
            // Our own needs no privilege: an ordinary user sees at least that one.
            let is_own = own == Some(netns.id);
            if !is_own && let Err(error) = netns::enter(&netns) {
                self.unreachable(&netns, error);
                continue;
            }
            self.label_netns(Some(netns));
            status = each(self).max(status);
            if !is_own && let Err(error) = home.go() {
                return self.refuse_netns("return to the own network namespace", error);
            }
        }
        status
    }

    /// Says which namespace the rows to come belong to; `None` changes nothing.
    pub fn label_netns(&mut self, netns: Option<Netns>) {
        if let Some(netns) = netns {
            let label = self.shown(&netns.label()).into_owned();
            self.out.set_netns(&label);
            self.netns = Some(netns);
        }
    }

    /// Gives the namespace being shown, with --all-netns.
    pub fn netns(&self) -> Option<&Netns> {
        self.netns.as_ref()
    }

    /// Lists the namespaces, once a round, and says how many could not be found out.
    fn namespaces(&mut self) -> Namespaces {
        if let Some(namespaces) = &self.namespaces {
            return namespaces.clone();
        }
        let found = netns::list();
        if found.hidden_processes > 0 {
            let count = found.hidden_processes;
            let complaint = format!(
                "netstat: find network namespaces: {count} of the processes may not be looked at\n"
            );
            self.complain(complaint.as_bytes());
        }
        self.namespaces = Some(found.clone());
        found
    }

    /// Says that a namespace cannot be entered, and leaves it out from now on.
    fn unreachable(&mut self, netns: &Netns, error: rustix::io::Errno) {
        if let Some(namespaces) = &mut self.namespaces {
            namespaces.all.retain(|other| other.id != netns.id);
        }
        let label = json::text(&netns.label());
        let cause = errno::words(error);
        self.complain(format!("netstat: enter network namespace {label}: {cause}\n").as_bytes());
    }

    fn refuse_netns(&mut self, operation: &str, error: rustix::io::Errno) -> u8 {
        let cause = errno::words(error);
        self.complain(format!("netstat: {operation}: {cause}\n").as_bytes());
        1
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

/// Joins the lines of a complaint, which is one reason.
fn one_line(text: &[u8]) -> String {
    let text = json::text(text);
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.join(" ")
}
