//! What all tables of a listing share: the request, the filter, the names, and the writer.
//!
//! A mode hands in rows; the session writes them as cells of the table or as JSON. The header goes
//! out before the first table is read.

use plumb_collect::netns::{self, Home, Netns};
use plumb_collect::owners::engine;
use plumb_collect::sock_diag::{DumpError, Summary};
use plumb_model::diag::inet::InetDiag;
use plumb_present::json::creation::CreationMembers;
use plumb_present::ss::bpf_maps::write_storages;
use plumb_present::ss::inet::{self, InetRows};
use plumb_present::ss::layout::Table;
use plumb_present::ss::lookup::Lookup;
use plumb_present::ss::view::View;

use super::bpf_maps::BpfMaps;
use super::creations::subject;
use super::filter::Filter;
use super::json::Json;
use super::layout;
use super::lookup::{Names, Wanted};
use super::options::{Form, Options};
use super::run::summary::Counts;
use super::terminal::Safe;
use rustix::io::Errno;

use crate::creations::{Creations, Subject};
use crate::errno;
use crate::output::Output;

/// Width of the namespace column: `net:[4026531840]` is 16 bytes.
const NETNS_WIDTH: usize = 16;

/// One run of the personality.
pub struct Session {
    /// The parsed command line.
    pub options: Options,
    /// The expression.
    pub filter: Filter,
    /// Names, owners and paths, looked up when first wanted.
    pub names: Names,
    /// The writer.
    pub out: Output,
    table: Table,
    /// What the rows of Internet tables share.
    pub inet_rows: InetRows,
    /// With --bpf-maps and --bpf-map-id: the maps.
    pub bpf_maps: BpfMaps,
    /// With --json and --ndjson, from the first table on: the document.
    pub json: Option<Json>,
    /// With -s: the counts that go into the document.
    pub counts: Option<Counts>,
    /// With --stack: which code made the sockets.
    pub creations: Option<Creations>,
    /// With --all-netns: the namespace whose rows are being written.
    netns: Option<Netns>,
}

impl Session {
    /// Starts a run.
    pub fn new(options: Options, filter: Filter, out: Output) -> Self {
        let table = Table::new(layout::of(&options));
        Self {
            names: Names::new(wanted(&options)),
            creations: options.stack.then(Creations::look),
            options,
            filter,
            out,
            table,
            inet_rows: InetRows::default(),
            bpf_maps: BpfMaps::default(),
            json: None,
            counts: None,
            netns: None,
        }
    }

    /// Begins to look for holders, and writes the header line, where they are wanted.
    pub fn begin(&mut self) {
        // With an expression rows may be few: then their holders are looked for when they are known.
        if !self.filter.is_some() || self.filter.needs().owners {
            self.names.expect_holders();
        }
        let complaint = engine::complaint().filter(|_| self.names.wants_holders());
        self.json = Json::begin(self.options.form, &mut self.out);
        if let Some(json) = &mut self.json {
            json.declare(&mut self.out);
            if let Some(counts) = &self.counts {
                json.add_summary(counts);
            }
        }
        let unknown = self.creations.as_ref().and_then(Creations::complaint);
        for complaint in complaint.into_iter().chain(unknown) {
            self.complain(format!("ss: {complaint}\n").as_bytes());
        }
        if self.json.is_some() {
            return;
        }
        if self.options.all_netns {
            self.table.set_label(label(b"Netns"));
        }
        if self.options.header {
            let out = &mut self.out;
            self.table
                .header(&mut |piece| out.raw(|text| text.extend_from_slice(piece)));
        }
    }

    /// Says whether rows wait for others to be laid out together.
    pub fn is_table(&self) -> bool {
        self.options.form == Form::Table
    }

    /// Says whether rows are written as text.
    pub fn is_text(&self) -> bool {
        self.options.form.is_text()
    }

    /// Writes one row of text through `write`, which starts in its first cell.
    #[inline]
    pub fn row(&mut self, write: impl FnOnce(&mut Table, &View, &mut dyn Lookup)) {
        let out = &mut self.out;
        self.table
            .begin_row(&mut |piece| out.raw(|text| text.extend_from_slice(piece)));
        let (table, view, names) = (&mut self.table, &self.options.view, &mut self.names);
        if out.is_terminal() {
            write(table, view, &mut Safe::new(names));
        } else {
            write(table, view, names);
        }
        if !self.names.complaints.is_empty() {
            let complaints = std::mem::take(&mut self.names.complaints);
            self.complain(&complaints);
        }
    }

    /// Writes the row of an Internet socket.
    #[inline]
    pub fn inet_row(&mut self, row: &InetDiag<'_>) {
        let mut rows = std::mem::take(&mut self.inet_rows);
        self.row(|table, view, names| inet::write_row(table, row, &mut rows, view, names));
        self.inet_rows = rows;
        if let Some(storages) = &row.extensions.bpf_storages
            && self.bpf_maps.request().is_some()
        {
            let typed = self.bpf_maps.typed(storages);
            write_storages(self.table.cell(), &typed, &self.options.view);
        }
        if let Some(creations) = &mut self.creations {
            let lines = creations.lines(subject(row), self.netns.as_ref().map(|netns| netns.id));
            self.table.put_below(lines);
        }
        if !self.inet_rows.escaped.is_empty() {
            let escaped = std::mem::take(&mut self.inet_rows.escaped);
            self.out.raw(|text| text.extend_from_slice(&escaped));
        }
        if !self.inet_rows.complaints.is_empty() {
            let complaints = std::mem::take(&mut self.inet_rows.complaints);
            self.complain(&complaints);
        }
    }

    /// Writes a complaint to standard error; a JSON document also says that it is incomplete.
    pub fn complain(&mut self, text: &[u8]) {
        self.out.complain(text);
        if let Some(json) = &mut self.json {
            json.incomplete(text);
        }
    }

    /// With --stack, asks about rows to come, all at once.
    pub fn ask_creations(&mut self, rows: &[InetDiag<'_>]) {
        if let Some(creations) = &mut self.creations {
            let subjects: Vec<Subject> = rows.iter().map(subject).collect();
            creations.expect(&subjects, self.netns.as_ref().map(|netns| netns.id));
        }
    }

    /// With --stack, gives what is told of a row, for JSON.
    pub fn creation_members(&mut self, row: &InetDiag<'_>) -> Option<CreationMembers> {
        let netns = self.netns.as_ref().map(|netns| netns.id);
        let creations = self.creations.as_mut()?;
        Some(creations.members(subject(row), netns))
    }

    /// Says that a dump failed, as loudly as the release does.
    pub fn report_dump(&mut self, outcome: Result<Summary, DumpError>) {
        let error = match outcome {
            Ok(Summary { interrupted: false }) => return,
            Ok(Summary { interrupted: true }) => {
                return self.complain(b"Dump was interrupted and may be inconsistent.\n");
            }
            Err(DumpError::Refused(error) | DumpError::BrokenOff(error)) => error,
            Err(_) => Errno::PROTO,
        };
        if matches!(error, Errno::NOENT | Errno::OPNOTSUPP) {
            return;
        }
        let text = format!("RTNETLINK answers: {}\n", errno::words(error));
        if !self.options.view.release.since(7, 0) {
            self.complain(text.as_bytes());
        } else if let Some(json) = &mut self.json {
            json.incomplete(text.as_bytes());
        }
    }

    /// Lays out and writes what was gathered.
    pub fn flush_rows(&mut self) {
        let out = &mut self.out;
        self.table
            .flush(&mut |piece| out.raw(|text| text.extend_from_slice(piece)));
    }

    /// A datagram was read: where rows need not wait for others, they leave now.
    pub fn end_batch(&mut self) {
        if matches!(self.options.form, Form::Stream | Form::Ndjson) {
            // The last row waits in the table for the next one to begin.
            self.flush_rows();
            self.out.flush();
        }
    }

    /// Ends the run; gives the writer back.
    pub fn close(mut self) -> Output {
        self.flush_rows();
        if let Some(json) = self.json.take() {
            json.finish(&mut self.out);
        }
        self.out
    }

    /// Calls `each` for every network namespace to show, inside it; without --all-netns that is
    /// once, right here.
    pub fn in_each_netns(&mut self, mut each: impl FnMut(&mut Self)) {
        if !self.options.all_netns {
            return each(self);
        }
        let home = match Home::remember() {
            Ok(home) => home,
            Err(error) => return self.complain_of("remember the own network namespace", error),
        };
        let found = netns::list();
        if found.hidden_processes > 0 {
            let count = found.hidden_processes;
            self.complain(
                format!(
                    "ss: find network namespaces: {count} of the processes may not be looked at\n"
                )
                .as_bytes(),
            );
        }
        for netns in found.all {
            // Our own needs no privilege: an ordinary user sees at least that one.
            let is_own = found.own == Some(netns.id);
            if !is_own && let Err(error) = netns::enter(&netns) {
                let name = String::from_utf8_lossy(&netns.label()).into_owned();
                self.complain_of(&format!("enter network namespace {name}"), error);
                continue;
            }
            self.table.set_label(label(&netns.label()));
            if let Some(json) = &mut self.json {
                json.set_netns(&netns);
            }
            self.netns = Some(netns);
            self.names.forget_namespace();
            each(self);
            if !is_own && let Err(error) = home.go() {
                return self.complain_of("return to the own network namespace", error);
            }
        }
    }

    fn complain_of(&mut self, operation: &str, error: Errno) {
        let cause = errno::words(error);
        self.complain(format!("ss: {operation}: {cause}\n").as_bytes());
    }
}

/// What has to be looked up for the rows.
fn wanted(options: &Options) -> Wanted {
    Wanted {
        release: options.view.release,
        hosts: options.view.resolve,
        holders: options.view.owners,
        threads: options.threads,
        extras: options.all_owners,
        contexts: options.contexts,
    }
}

/// The cell of the namespace column with the blank behind it.
fn label(name: &[u8]) -> Vec<u8> {
    let mut label = name.to_vec();
    label.resize(name.len().max(NETNS_WIDTH), b' ');
    label.push(b' ');
    label
}
