//! What the tables that are no Internet ones share: asking sock_diag, telling what went wrong, and
//! asking the expression.

use std::path::Path;

use plumb_collect::sock_diag::{Dump, DumpError, Step, Summary};
use plumb_filter::Needs;
use plumb_model::diag::attribute::Trailing;
use plumb_present::ss::inet::write_trailing;
use rustix::io::Errno;

use super::facts::Facts;
use crate::ss::lookup::Names;
use crate::ss::session::Session;

/// Directory of recorded answers that stand in for the kernel's, one file for each table.
const RECORDINGS: &str = "PLUMB_DIAG_DIR";

/// Hands every answer to `each`, and says on standard error what went wrong; gives whether the dump
/// came to its end.
///
/// `table` names the recording that is read instead where there is one.
pub fn read(
    session: &mut Session,
    table: &str,
    request: &[u8],
    each: impl FnMut(&mut Session, &[u8]),
) -> bool {
    let outcome = read_quietly(session, table, request, each);
    session.report_dump(outcome);
    outcome.is_ok()
}

/// As [`read`], but leaves it to the caller to tell what went wrong.
pub fn read_quietly(
    session: &mut Session,
    table: &str,
    request: &[u8],
    mut each: impl FnMut(&mut Session, &[u8]),
) -> Result<Summary, DumpError> {
    match open(table, request) {
        Err(error) => Err(DumpError::Refused(error)),
        Ok(dump) => dump.read(|step| match step {
            Step::BatchEnd => session.end_batch(),
            Step::Message(message) => each(session, message),
        }),
    }
}

fn open(table: &str, request: &[u8]) -> Result<Dump, Errno> {
    if let Some(directory) = std::env::var_os(RECORDINGS)
        && let Ok(dump) = Dump::replay(&Path::new(&directory).join(table))
    {
        return Ok(dump);
    }
    Dump::send(request)
}

/// Complains about bytes of an answer that are no attribute, where there are any.
pub fn complain_of(session: &mut Session, trailing: Option<Trailing>) {
    let mut complaints = Vec::new();
    write_trailing(&mut complaints, trailing);
    if !complaints.is_empty() {
        session.complain(&complaints);
    }
}

/// Says whether the expression wants a row, which is looked at only if there is one.
pub fn is_matched<'s>(
    session: &'s mut Session,
    facts: impl FnOnce(&'s mut Names, Needs) -> Facts<'s>,
) -> bool {
    let Session { filter, names, .. } = session;
    if !filter.is_some() {
        return true;
    }
    let needs = filter.needs();
    filter.matches(&facts(names, needs))
}
