//! Internet sockets: the kernel's dump of one protocol, or what stands in for it.
//!
//! Filtering happens in the kernel as far as its programs can say it, and here on every row. Where
//! sock_diag refuses, the request of older kernels is tried, then `/proc`.

pub mod facts;
mod from_proc;
pub mod request;

use std::ffi::OsStr;

use plumb_collect::diag_file::{self, FileError};
use plumb_collect::sock_diag::{Dump, DumpError, Step, Summary, steady};
use plumb_model::diag::attribute::Trailing;
use plumb_model::diag::inet::{AF_INET, AF_INET6, InetDiag, Protocol};
use plumb_present::ss::inet::write_trailing;
use plumb_present::ss::lookup::PortKind;
use plumb_wire::netlink::inet_diag_record::decode_inet_diag_record;
use rustix::io::Errno;

use self::facts::Facts;
use super::kill::{Kill, Killer};
use crate::errno;
use crate::ss::json;
use crate::ss::options::selection::Family;
use crate::ss::session::Session;

/// Lists the sockets of one protocol.
pub fn run(session: &mut Session, protocol: Protocol) {
    // The other protocols look names up where the table before them did.
    match protocol {
        Protocol::TCP => session.inet_rows.port_kind = PortKind::Tcp,
        Protocol::UDP => session.inet_rows.port_kind = PortKind::Udp,
        Protocol::IPPROTO_RAW => session.inet_rows.port_kind = PortKind::Raw,
        _ => {}
    }
    let killer = session.options.kill.then(Killer::default);
    let mut listing = Listing {
        session,
        protocol,
        killer,
        stopped: false,
    };
    if protocol == Protocol::TCP
        && let Some(path) = std::env::var_os("TCPDIAG_FILE")
    {
        return listing.show_file(&path);
    }
    if from_proc::is_wanted(protocol) || !listing.show_kernel() {
        from_proc::show(&mut listing);
    }
}

/// One table being listed.
struct Listing<'s> {
    session: &'s mut Session,
    protocol: Protocol,
    killer: Option<Killer>,
    /// A socket could not be killed: the rest is not shown.
    stopped: bool,
}

impl Listing<'_> {
    /// Shows a recorded dump: whatever family and state its rows have.
    fn show_file(&mut self, path: &OsStr) {
        let outcome = diag_file::read(path, |step| {
            let message = match step {
                diag_file::Step::Message(message) => message,
                diag_file::Step::BatchEnd => return self.session.end_batch(),
            };
            if let Some(mut row) = decode_inet_diag_record(message.payload, self.protocol) {
                if message.lacking > 0 {
                    row.trailing = Some(Trailing {
                        remaining: i32::try_from(message.lacking)
                            .map_or(i32::MIN, i32::wrapping_neg),
                        claimed: 0,
                    });
                }
                self.show_matching(&row);
            }
        });
        match outcome {
            Ok(()) => {}
            Err(FileError::Open(error)) => self.complain_of("fopen($TCPDIAG_FILE)", error),
            Err(FileError::Header(error)) => {
                self.complain_of("Reading header from $TCPDIAG_FILE", error);
            }
            Err(FileError::Body(error)) => self.complain_of("Reading $TCPDIAG_FILE", error),
            Err(FileError::Ended) => self.complain("Unexpected EOF reading $TCPDIAG_FILE"),
            Err(FileError::Answered(number)) => {
                let cause = match number {
                    0 => String::from("Success"),
                    _ => errno::words(Errno::from_raw_os_error(number)),
                };
                self.complain(&format!("TCPDIAG answered: {cause}\n"));
            }
            Err(FileError::TruncatedError) => self.complain("ERROR truncated\n"),
            Err(error) => self.complain(&format!("ss: read $TCPDIAG_FILE: {error}\n")),
        }
    }

    /// Shows what sock_diag gives; says whether it gave anything at all.
    fn show_kernel(&mut self) -> bool {
        let (v4, v6) = self.session.options.selection.versions();
        for (wanted, family) in [(v4, AF_INET), (v6, AF_INET6)] {
            if wanted && !self.dump(&request::of(self.session, family, self.protocol)) {
                return request::legacy(self.session, self.protocol)
                    .is_some_and(|request| self.dump(&request));
            }
        }
        true
    }

    /// Shows the answers to one request; says whether there were any.
    fn dump(&mut self, request: &[u8]) -> bool {
        let protocol = self.protocol;
        let mut waiting = self.begin_waiting();
        let outcome = self.read(request, |listing, step| match step {
            Step::BatchEnd => listing.session.end_batch(),
            Step::Message(message) => {
                if let Some(row) = decode_inet_diag_record(message, protocol) {
                    match &mut waiting {
                        None => listing.show_of_family(&row),
                        Some(rows) => {
                            if listing.is_of_family(&row) && listing.is_matched(&row) {
                                rows.add(message, row.inode);
                            }
                            if rows.are_many() {
                                listing.release(waiting.take());
                                waiting = listing.wait_for_creations();
                            }
                        }
                    }
                }
            }
        });
        self.release(waiting);
        // Kernels without DCCP refuse it in words of their own; from a document nothing is missing.
        let lacks_dccp = protocol == Protocol::DCCP
            && matches!(outcome, Err(DumpError::Refused(Errno::INVAL)))
            && !self.session.is_text();
        // The original never says that it was refused MPTCP.
        let is_silent = protocol == Protocol::MPTCP && outcome.is_err() && self.session.is_text();
        if !lacks_dccp && !is_silent {
            self.session.report_dump(outcome);
        }
        outcome.is_ok()
    }

    /// With an expression and -p rows wait, as long as they are few, so that holders are looked for only
    /// of theirs; with --stack they wait to be asked about together.
    fn begin_waiting(&self) -> Option<Waiting> {
        let filter = &self.session.filter;
        let for_holders = filter.is_some() && !filter.needs().owners && self.killer.is_none();
        let for_holders = for_holders && self.session.names.can_look_for_few();
        let waiting = Waiting {
            for_holders,
            ..Waiting::default()
        };
        if for_holders {
            Some(waiting)
        } else {
            self.wait_for_creations()
        }
    }

    fn wait_for_creations(&self) -> Option<Waiting> {
        let waits = self.session.creations.is_some() && self.killer.is_none();
        waits.then(Waiting::default)
    }

    /// Shows the rows that waited, with their holders; if they are many, all holders are looked for.
    fn release(&mut self, waiting: Option<Waiting>) {
        let Some(rows) = waiting else { return };
        if rows.for_holders && rows.are_many() {
            self.session.names.expect_holders();
        } else if rows.for_holders && !rows.inodes.is_empty() {
            self.session.names.look_for_few(&rows.inodes);
        }
        let messages = rows.messages.iter();
        let decoded = messages.filter_map(|row| decode_inet_diag_record(row, self.protocol));
        let decoded: Vec<InetDiag<'_>> = decoded.collect();
        self.session.ask_creations(&decoded);
        for row in &decoded {
            show(self.session, self.protocol, row);
        }
        if rows.for_holders {
            self.session.names.forget_few();
        }
    }

    /// Dumps the table; each socket comes once, but for what -K itself does to the table.
    fn read(
        &mut self,
        request: &[u8],
        mut each: impl FnMut(&mut Self, Step<'_>),
    ) -> Result<Summary, DumpError> {
        if self.killer.is_some() {
            let dump = Dump::send(request).map_err(DumpError::Refused)?;
            return dump.read(|step| each(self, step));
        }
        steady::read(request, |step| each(self, step))
    }

    /// Shows a row whose family is among the selected ones.
    fn show_of_family(&mut self, row: &InetDiag<'_>) {
        if !self.is_of_family(row) || self.stopped {
            return;
        }
        // Rows of files are never killed.
        match self.killer.take() {
            None => self.show_matching(row),
            Some(mut killer) => {
                self.kill_matching(row, &mut killer);
                self.killer = Some(killer);
            }
        }
    }

    fn is_of_family(&self, row: &InetDiag<'_>) -> bool {
        let families = self.session.options.selection.families;
        match row.family {
            AF_INET => families.contains(Family::Inet),
            AF_INET6 => families.contains(Family::Inet6),
            _ => false,
        }
    }

    /// Shows a row that the expression matches.
    fn show_matching(&mut self, row: &InetDiag<'_>) {
        if self.is_matched(row) {
            show(self.session, self.protocol, row);
        }
    }

    /// Kills the socket of a row that the expression matches, and shows it if that was done.
    fn kill_matching(&mut self, row: &InetDiag<'_>, killer: &mut Killer) {
        if !self.is_matched(row) {
            return;
        }
        match killer.kill(row) {
            Kill::Done => show(self.session, self.protocol, row),
            Kill::Impossible => {}
            Kill::Refused(error) => {
                self.stopped = true;
                let cause = errno::words(error);
                self.complain(&format!("SOCK_DESTROY answers: {cause}\n"));
            }
        }
    }

    /// Says whether the expression matches a row, and complains of bytes behind its attributes.
    fn is_matched(&mut self, row: &InetDiag<'_>) -> bool {
        if row.trailing.is_some() {
            let mut complaint = Vec::new();
            write_trailing(&mut complaint, row.trailing);
            self.session.complain(&complaint);
        }
        let session = &mut *self.session;
        if session.filter.is_some() {
            let facts = Facts::new(row, &mut session.names, session.filter.needs());
            return session.filter.matches(&facts);
        }
        true
    }

    fn complain_of(&mut self, operation: &str, error: Errno) {
        let cause = errno::words(error);
        self.complain(&format!("{operation}: {cause}\n"));
    }

    fn complain(&mut self, text: &str) {
        self.session.complain(text.as_bytes());
    }
}

/// Rows that the expression matched, and that wait for their holders or for the code that made them.
#[derive(Default)]
struct Waiting {
    for_holders: bool,
    messages: Vec<Vec<u8>>,
    inodes: Vec<u64>,
}

impl Waiting {
    /// More rows do not wait.
    const FEW: usize = 2000;

    fn add(&mut self, message: &[u8], inode: u64) {
        self.messages.push(message.to_vec());
        if inode != 0 {
            self.inodes.push(inode);
        }
    }

    fn are_many(&self) -> bool {
        self.messages.len() > Self::FEW
    }
}

/// Writes one row of the table that was asked for.
#[inline]
pub fn show(session: &mut Session, table: Protocol, row: &InetDiag<'_>) {
    if session.is_text() {
        session.inet_row(row);
    } else {
        json::inet(session, table, row);
    }
}
