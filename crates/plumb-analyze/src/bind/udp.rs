//! UDP: `udp_lib_get_port` with a port that was asked for.
//!
//! The kernel walks the sockets of the port, the last bound first, and the first that concerns it
//! decides: it lets in when both have SO_REUSEPORT and one user, and refuses when not. So where some
//! would let in and others refuse, the order matters, which sock_diag tells within each family alone.

use super::likely::Likely;
use super::{Answer, Attempt, Rival};

/// Beyond so many sockets in a slot of its table the kernel walks another list, in another order.
const LONGEST_SLOT: usize = 10;

/// What one socket says to the attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It does not concern it.
    Silent,
    /// It lets in, and nobody behind it is asked.
    LetsIn,
    /// It refuses.
    Refuses,
    /// One of these.
    Unsure,
}

/// Asks one socket that overlaps.
pub(super) fn verdict(attempt: &Attempt, rival: &Rival, overlaps: Likely) -> Verdict {
    let shared = Likely::from(attempt.reuse_addr) & rival.reuse_addr();
    let concerned = overlaps & !shared;
    let lets_in =
        Likely::from(attempt.reuse_port) & rival.reuse_port() & rival.has_uid(attempt.uid);
    match (concerned, lets_in) {
        (Likely::No, _) => Verdict::Silent,
        (Likely::Yes, Likely::Yes) => Verdict::LetsIn,
        (Likely::Yes, Likely::No) => Verdict::Refuses,
        _ => Verdict::Unsure,
    }
}

/// Gives the answer of all: each with its family (IPv6 or not), in the order of the dump.
pub(super) fn answer(attempt: &Attempt, verdicts: &[(bool, Verdict)]) -> Answer {
    let has = |wanted| verdicts.iter().any(|&(_, verdict)| verdict == wanted);
    if !attempt.reuse_port {
        // Nobody can let in, so the order does not matter.
        return match (has(Verdict::Refuses), has(Verdict::Unsure)) {
            (true, _) => Answer::No,
            (false, true) => Answer::Unsure,
            (false, false) => Answer::Yes,
        };
    }
    match (
        has(Verdict::Refuses),
        has(Verdict::LetsIn),
        has(Verdict::Unsure),
    ) {
        (false, _, false) => Answer::Yes,
        (true, false, false) => Answer::No,
        _ => by_order(verdicts),
    }
}

fn by_order(verdicts: &[(bool, Verdict)]) -> Answer {
    if verdicts.len() > LONGEST_SLOT {
        return Answer::Unsure;
    }
    let first = |ipv6| {
        verdicts
            .iter()
            .filter(|(family, verdict)| *family == ipv6 && *verdict != Verdict::Silent)
            .map(|(_, verdict)| *verdict)
            .next()
    };
    match (first(false), first(true)) {
        (Some(Verdict::Refuses), None | Some(Verdict::Refuses))
        | (None, Some(Verdict::Refuses)) => Answer::No,
        (Some(Verdict::LetsIn), None | Some(Verdict::LetsIn)) | (None, Some(Verdict::LetsIn)) => {
            Answer::Yes
        }
        _ => Answer::Unsure,
    }
}
