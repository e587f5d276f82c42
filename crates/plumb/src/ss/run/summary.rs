//! -s: counts of sockets, before any table and apart from it.

use plumb_collect::totals::read_totals;
use plumb_model::socket_totals::SocketTotals;
use plumb_present::ss::summary::write_summary;
use rustix::io::Errno;

use crate::errno;
use crate::output::Output;
use crate::ss::options::Options;

/// Counts that were read, and what was complained of.
#[derive(Debug, Default)]
pub struct Counts {
    /// The counts.
    pub totals: SocketTotals,
    /// Lines that went to standard error.
    pub complaints: Vec<u8>,
}

/// Reads the counts, and writes them where the form is text; a file that cannot be read counts as
/// zeros there and is complained of.
pub fn run(options: &Options, out: &mut Output) -> Counts {
    let read = read_totals();
    let mut complaints = complaint("get_sockstat", read.sockstat_error);
    complaints.extend(complaint("get_snmpstat", read.snmp_error));
    out.complain(&complaints);
    if options.form.is_text() {
        out.raw(|text| write_summary(text, &read.totals));
    }
    Counts {
        totals: read.totals,
        complaints,
    }
}

fn complaint(what: &str, error: Option<Errno>) -> Vec<u8> {
    error.map_or_else(Vec::new, |error| {
        let cause = errno::words(error);
        format!("ss: {what}: {cause}\n").into_bytes()
    })
}
