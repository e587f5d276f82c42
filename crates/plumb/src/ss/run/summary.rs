//! -s: counts of sockets.

use crate::output::Output;
use crate::ss::options::Options;

/// Writes the counts.
pub fn run(_options: &Options, _out: &mut Output) {}
