//! `slow-reader-local`, `slow-reader-peer`: a side does not read what came, and its window closes.
//!
//! Of our own sockets the receive queue and its memory tell, of the peer's the window it leaves us
//! (`tcpi_snd_wnd`), the probes we send into it (timer 4) and the time we waited for it
//! (`tcpi_rwnd_limited`). Where both ends are on this host the reader is named, not who writes to it. A window also fills
//! while what is missing is sent again, and stays so while nothing that would open it arrives: that is loss.
//! A server that hangs is told by what its clients sent ([`hung`]), whoever reads a UNIX socket by who waits for him
//! ([`unix`]).

mod hung;
mod unix;

use std::collections::{BTreeMap, BTreeSet};

use plumb_model::finding::{Confidence, Finding, Severity};
use plumb_model::id::Pid;

use super::flow::{Flow, lasting};
use super::{Case, evidence, loss, subject};

/// The id of the finding: our process does not read.
pub const LOCAL: &str = "slow-reader-local";
/// The id of the finding: the peer does not read.
pub const PEER: &str = "slow-reader-peer";
/// From this share of the receive buffer on it is full, in percent: the window closes before 100, and opens
/// again when about half is free (`__tcp_select_window`), so that a slow reader's buffer swings between both.
const FULL_PERCENT: u64 = 50;
/// Less than this is no queue: it will be read next.
const SOME_BYTES: u64 = 4096;
/// What waits so long to be read is not read as it comes.
const OLD_MS: u32 = 100;
/// From this share of the time on the peer's window is what limits us, in percent.
const LIMITED_PERCENT: u64 = 60;
/// A window that stays so small is none of a peer that reads as it comes: its buffer would grow. Then a
/// smaller share is enough, because a sender that paces itself by what it achieved waits less.
const SMALL_WINDOW: u32 = 128 * 1024;
const SMALL_PERCENT: u64 = 25;
/// Who takes so many bytes a second reads as fast as his processor lets him; that the window limits such a
/// transfer, and not the network, is worth knowing and no fault.
const FAST_BYTES_PER_S: f64 = 10_000_000.0;

/// Looks for connections whose receive queue stays full.
pub fn check_local(case: &Case<'_>) -> Vec<Finding> {
    let held_up = held_up(case);
    let stuck = lasting(case).filter_map(|flow| {
        let (taken, buffer) = full_queue(case, &flow)?;
        Some({
            let mut found = local(case, &flow, taken, buffer);
            let sends = found.subject.pid.and_then(|pid| held_up.get(&pid));
            if let Some((_, peer)) = sends.filter(|(place, _)| *place != flow.place) {
                // Who passes on what he reads reads no faster than it is taken from him.
                found.confidence = Confidence::Likely;
                found.evidence.push(evidence::fact(
                    "sock_diag send-q",
                    format!("the same process waits to send to {peer}, which does not read"),
                ));
            }
            found
        })
    });
    let mut found: Vec<Finding> = stuck.collect();
    let many: BTreeSet<Option<Pid>> = found.iter().map(|found| found.subject.pid).collect();
    let hung = hung::check(case).into_iter();
    let hung: Vec<Finding> = hung
        .filter(|hung| hung.subject.pid.is_none() || !many.contains(&hung.subject.pid))
        .collect();
    found.extend(hung);
    found.extend(unix::check(case));
    found
}

/// Gives how much of a receive buffer is taken, and its size, where what came is old and leaves no room.
fn full_queue(case: &Case<'_>, flow: &Flow<'_>) -> Option<(u64, u64)> {
    let (taken, buffer) = flow.receive_buffer()?;
    let full = taken.saturating_mul(100) >= buffer.saturating_mul(FULL_PERCENT);
    // Who reads much is busy, not stuck: then what came is not old.
    let old = flow.has_old_data(case, OLD_MS);
    let waits = old && flow.unread() >= SOME_BYTES.min(buffer / 8);
    (waits && (full || flow.own_window_closed())).then_some((taken, buffer))
}

/// Gives the processes that wait for a closed window, with the connection and its other end.
fn held_up(case: &Case<'_>) -> BTreeMap<Pid, (usize, String)> {
    let waiting = lasting(case).filter(|flow| {
        let share = flow.limited_percent(case, |info| info.rwnd_limited_us);
        let closed = flow.probes() && !flow.cannot_send() || share >= LIMITED_PERCENT;
        flow.unsent() > 0 && closed
    });
    let named = waiting.filter_map(|flow| {
        let subject = subject::of_socket(&case.span.after.snapshot, flow.place, "socket");
        Some((subject.pid?, (flow.place, subject.peer.unwrap_or_default())))
    });
    named.collect()
}

fn local(case: &Case<'_>, flow: &Flow<'_>, taken: u64, buffer: u64) -> Finding {
    let subject = subject::of_socket(&case.span.after.snapshot, flow.place, "socket");
    let who = subject
        .process
        .clone()
        .unwrap_or_else(|| "our process".to_owned());
    let peer = subject.peer.clone().unwrap_or_default();
    let unread = flow.unread();
    let mut facts = vec![
        evidence::fact(
            "sock_diag recv-q",
            format!("at least {unread} bytes waited to be read through the watch"),
        ),
        evidence::fact(
            "sock_diag SK_MEMINFO_RMEM_ALLOC, SK_MEMINFO_RCVBUF",
            format!("{taken} of {buffer} bytes of the receive buffer are taken"),
        ),
    ];
    if flow.own_window_closed() {
        facts.push(evidence::fact(
            "tcp_info.tcpi_rcv_wnd",
            format!("we let the peer send {} bytes more", flow.is.rcv_wnd),
        ));
    }
    facts.extend(evidence::grown(case.span, "TcpExt", "TCPToZeroWindowAdv"));
    Finding {
        kind: LOCAL,
        severity: Severity::Warning,
        summary: format!("{who} does not read what {peer} sends as fast as it comes"),
        hints: vec![subject::see_instead(&subject, "reading")],
        subject,
        evidence: facts,
        confidence: Confidence::Certain,
    }
}

/// Looks for connections whose peer leaves no window.
pub fn check_peer(case: &Case<'_>) -> Vec<Finding> {
    let limited = lasting(case).filter(|flow| flow.unsent() > 0 && !flow.is_within_host(case));
    let unheard = loss::unheard(case);
    let limited = limited.filter_map(|flow| {
        let is_unheard = flow.host().is_some_and(|host| unheard.contains(&host));
        // Who does not read answers probes; where answers are lost, so is the word that there is room again.
        let is_answered = !is_unheard || flow.is.segs_in != flow.was.segs_in;
        let probes = flow.probes() && !flow.cannot_send() && is_answered;
        let share = if is_unheard || flow.waits_for_repetition() {
            0
        } else {
            flow.limited_percent(case, |info| info.rwnd_limited_us)
        };
        let small = flow.has_small_window(SMALL_WINDOW) && share >= SMALL_PERCENT;
        (probes || small || share >= LIMITED_PERCENT).then(|| peer(case, &flow, share))
    });
    limited.collect()
}

fn peer(case: &Case<'_>, flow: &Flow<'_>, share: u64) -> Finding {
    let subject = subject::of_socket(&case.span.after.snapshot, flow.place, "socket");
    let peer = subject.peer.clone().unwrap_or_default();
    let mut facts = vec![evidence::fact(
        "sock_diag send-q",
        format!(
            "at least {} bytes waited to be sent through the watch",
            flow.unsent()
        ),
    )];
    if share > 0 {
        facts.push(evidence::fact(
            "tcp_info.tcpi_rwnd_limited",
            format!("we waited for the peer's window {share} % of the time"),
        ));
    }
    facts.push(evidence::fact(
        "tcp_info.tcpi_snd_wnd",
        format!("the peer lets us send {} bytes more", flow.is.snd_wnd),
    ));
    let window = if flow.is.snd_wnd == 0 {
        "is closed"
    } else {
        "is what we wait for"
    };
    Finding {
        kind: PEER,
        severity: if flow.sent_per_s(case) >= FAST_BYTES_PER_S {
            Severity::Info
        } else {
            Severity::Warning
        },
        summary: format!("{peer} does not read as fast as we send: its window {window}"),
        subject,
        evidence: facts,
        hints: vec![
            "the reason is in the program at the other end: run plumb diagnose there".to_owned(),
        ],
        confidence: Confidence::Certain,
    }
}

#[cfg(test)]
mod tests {
    use plumb_model::Known;
    use plumb_model::diag::tcp_info::TcpInfo;
    use plumb_model::id::Cookie;
    use plumb_model::snapshot::End;

    use super::*;
    use crate::made_up;

    #[test]
    fn a_window_that_nothing_is_heard_of_is_closed_only_where_answers_are_not_lost() {
        let told = |in_vain: u32, segs_in: u32| {
            let sample = |at_us: u64, is_later: bool| {
                let later = u32::from(is_later);
                let info = TcpInfo {
                    segs_in: later * segs_in,
                    ..TcpInfo::default()
                };
                let mut sample = made_up::sample(at_us, &info);
                for socket in &mut sample.snapshot.sockets {
                    socket.send_q = Known::Known(100_000);
                    // The timer of probes of a closed window.
                    socket.timer.code = 4;
                }
                let info = TcpInfo {
                    data_segs_out: later * 4_000,
                    bytes_acked: u64::from(later) * 4_000_000,
                    total_retrans: later * 3,
                    dsack_dups: later * in_vain,
                    total_rto: u16::from(is_later) * 3,
                    ..TcpInfo::default()
                };
                let mut other = made_up::connection(&info);
                other.cookie = Known::Known(Cookie(8));
                other.local = End::Inet(([10, 0, 0, 1], 40_001).into());
                sample.snapshot.sockets.push(other);
                sample
            };
            let (before, after) = (sample(1_000_000, false), sample(3_000_000, true));
            !check_peer(&made_up::between(&before, &after)).is_empty()
        };
        // What was sent again on another connection had arrived.
        assert!(!told(3, 0));
        assert!(told(0, 0) && told(3, 1));
    }

    /// Says whether a peer is told whose window is full most of the time.
    fn is_told(retransmits: u8, again: u32, in_vain: u32) -> bool {
        let sample = |at_us: u64, is_later: bool| {
            let info = TcpInfo {
                retransmits,
                data_segs_out: 1000 * u32::from(is_later),
                total_retrans: again * u32::from(is_later),
                dsack_dups: in_vain * u32::from(is_later),
                rwnd_limited_us: at_us,
                ..TcpInfo::default()
            };
            let mut sample = made_up::sample(at_us, &info);
            for socket in &mut sample.snapshot.sockets {
                socket.send_q = Known::Known(100_000);
            }
            sample
        };
        let (before, after) = (sample(1_000_000, false), sample(3_000_000, true));
        let case = made_up::between(&before, &after);
        !check_peer(&case).is_empty()
    }

    #[test]
    fn a_window_that_is_full_of_what_waits_for_a_repetition_is_no_slow_reader_s() {
        assert!(is_told(0, 0, 0) && is_told(0, 2, 1));
        assert!(!is_told(2, 2, 0));
        assert!(!is_told(0, 100, 0));
        // It has what was sent again: acknowledgements of it were lost.
        assert!(!is_told(0, 8, 7));
    }
}
