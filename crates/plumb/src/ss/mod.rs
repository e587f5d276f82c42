//! The ss personality: command line in, the tables of iproute2's ss out.
//!
//! `options` turns words into a request, `filter` holds the expression, `session` is what all tables
//! share, `run` has one module for each kind of socket. Formatting is `plumb-present`'s, reading is
//! `plumb-collect`'s, and the filter language is `plumb-filter`'s.

mod bpf_maps;
mod creations;
mod filter;
mod json;
mod layout;
mod lookup;
pub mod machine;
mod options;
mod resolve;
mod run;
mod session;
mod terminal;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use plumb_present::ss::help;
use plumb_present::ss::view::Release;

use self::bpf_maps::BpfMaps;
use self::json::Json;
use self::machine::Machine;
use self::options::{Options, Stop, USAGE};
use self::session::Session;
use crate::output::Output;

/// How the personality was called, which decides what a filter may say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling {
    /// As `ss`: the original's words and no others.
    Original,
    /// As `plumb ss`: plumb's own tests, too.
    Extended,
}

/// Runs the personality; gives the exit status.
///
/// `argv0` is the name that complaints of the option parser begin with.
pub fn main(argv0: &OsStr, words: Vec<OsString>, spelling: Spelling) -> u8 {
    let mut out = Output::stdout();
    let release = match options::release(&words, std::env::var_os("PLUMB_SS_COMPAT")) {
        Ok(release) => release,
        Err(complaint) => {
            out.complain(&complaint);
            return USAGE;
        }
    };
    let mut machine = Machine::new(release);
    let status = Options::parse(argv0.as_bytes(), words, release, &mut machine)
        .and_then(|options| run(options, machine, spelling, &mut out));
    let status = status.unwrap_or_else(|stop| finish(&stop, release, &mut out));
    // The original's exit status does not say whether its output could be written.
    let _ = out.finish();
    status
}

/// Does what the options ask for; gives the exit status.
fn run(
    mut options: Options,
    mut machine: Machine,
    spelling: Spelling,
    out: &mut Output,
) -> Result<u8, Stop> {
    let counts =
        (options.summary && !options.explain_filter).then(|| run::summary::run(&options, out));
    if let Some(counts) = &counts
        && options.is_default
        && options.operands.is_empty()
    {
        if let Some(mut json) = Json::begin(options.form, out) {
            json.add_summary(counts);
            json.finish(out);
        }
        return Ok(0);
    }
    options.select_states(spelling)?;
    // -D writes what the kernel says, before anybody looks at the expression.
    if options.diag_file.is_some() && !options.explain_filter {
        return run::diag_file::run(&options, out);
    }
    let filter = filter::read(&mut options, &mut machine, spelling)?;
    if options.explain_filter {
        out.raw(|text| text.extend_from_slice(filter.explain().as_bytes()));
        return Ok(0);
    }
    let bpf_maps = BpfMaps::open(&options.bpf_maps)?;
    let mut session = Session::new(options, filter, std::mem::replace(out, Output::stdout()));
    session.bpf_maps = bpf_maps;
    session.counts = counts;
    session.names.know_netlink(machine.netlink);
    let result = run::run(&mut session);
    *out = session.close();
    result
}

/// Says why nothing is listed; gives the exit status.
fn finish(stop: &Stop, release: Release, out: &mut Output) -> u8 {
    let mut help = Vec::new();
    help::write_help(&mut help);
    match stop {
        Stop::Help => out.raw(|text| text.extend_from_slice(&help)),
        Stop::Version => out.raw(|text| help::write_version(text, release)),
        Stop::Complaint(text, status) => {
            out.complain(text);
            return *status;
        }
        Stop::Usage(text) => {
            out.complain(text);
            out.complain(&help);
            return USAGE;
        }
    }
    0
}
