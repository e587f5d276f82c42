//! Exit codes of verbs, a promise to scripts. The personalities have those of the originals.

use crate::errno;
use crate::output::Output;

/// All went well.
pub const FINE: u8 = 0;
/// The answer is no: an assertion is false, findings are present where asked to fail, nothing matched.
pub const NO: u8 = 1;
/// The command line makes no sense.
pub const USAGE: u8 = 2;
/// Too little could be observed for an answer, or it could not be written.
pub const BLIND: u8 = 3;

/// Hands out what is left; gives [`FINE`], or [`BLIND`] with a complaint for an answer that could not be written.
pub fn told(verb: &str, out: &mut Output) -> u8 {
    out.flush();
    match out.lost() {
        None => FINE,
        Some(errno) => {
            let text = format!("the answer cannot be written: {}", errno::words(errno));
            complain(verb, &text, BLIND)
        }
    }
}

/// Says what went wrong on standard error, as `plumb VERB: …`, and gives `status` back.
pub fn complain(verb: &str, text: &str, status: u8) -> u8 {
    use std::io::Write as _;
    // Nobody is left to tell when standard error itself is gone.
    let _ = writeln!(std::io::stderr(), "plumb {verb}: {text}");
    status
}
