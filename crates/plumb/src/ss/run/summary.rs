//! -s: counts of sockets, before any table and apart from it.

use plumb_collect::totals::read_totals;
use plumb_present::ss::summary::write_summary;
use rustix::io::Errno;

use crate::errno;
use crate::output::Output;
use crate::ss::options::Options;

/// Writes the counts; a file that cannot be read counts as zeros and is complained of.
pub fn run(_options: &Options, out: &mut Output) {
    let read = read_totals();
    complain(out, "get_sockstat", read.sockstat_error);
    complain(out, "get_snmpstat", read.snmp_error);
    out.raw(|text| write_summary(text, &read.totals));
}

fn complain(out: &mut Output, what: &str, error: Option<Errno>) {
    if let Some(error) = error {
        let cause = errno::words(error);
        out.complain(format!("ss: {what}: {cause}\n").as_bytes());
    }
}
