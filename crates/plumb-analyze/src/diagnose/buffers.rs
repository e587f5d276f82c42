//! `send-buffer-limited`, `receive-buffer-limited`: a buffer that was set too small limits throughput.
//!
//! A program that sets SO_SNDBUF or SO_RCVBUF turns the kernel's own growth off. The sender's side counts
//! the time it waited for room (`tcpi_sndbuf_limited`); a writer that is not run in time is not counted as one that
//! waits, because the clock stops when there is room again. On the receiving side a buffer below the kernel's
//! starting size (`tcp_rmem[1]`), with its window in use while the process reads all that comes, is what
//! limits; and so is one that may not grow (`tcp_rmem[2]`) where each round trip brings a full window.

use plumb_model::finding::{Confidence, Finding, Severity};
use plumb_model::snapshot::Socket;

use super::flow::{Flow, lasting};
use super::processors::{self, Shortage};
use super::{Case, evidence, loss, subject};

/// The id of the finding: the send buffer limits.
pub const SEND: &str = "send-buffer-limited";
/// The id of the finding: the receive buffer limits.
pub const RECEIVE: &str = "receive-buffer-limited";
/// Where the send buffer's size and use stand in the memory counters.
const SNDBUF: usize = 3;
const WMEM_QUEUED: usize = 5;
/// From this share of the time on it is what limits, in percent.
const LIMITED_PERCENT: u64 = 40;
/// What waits less than this is read as it comes.
const READ_MS: u64 = 50;
/// A shorter round trip needs no large window, microseconds.
const FAR_US: u64 = 2_000;
/// From this share of the window on, in percent, that a round trip brings, the window is what limits.
const WINDOW_PERCENT: u64 = 70;
/// A buffer that is filled and emptied so often in a second is what a transfer goes through; less is a
/// conversation.
const TURNS: u64 = 5;

/// Segments that a connection may send at first (`TCP_INIT_CWND`).
const FIRST_WINDOW: u32 = 10;

/// Looks for connections that wait for room in the send buffer.
pub fn check_send(case: &Case<'_>) -> Vec<Finding> {
    let limited = lasting(case).filter_map(|flow| {
        let share = flow.limited_percent(case, |info| info.sndbuf_limited_us);
        (share >= LIMITED_PERCENT || is_full(&flow)).then(|| send(case, &flow, share))
    });
    limited.collect()
}

/// Says whether the send buffer stays about full, though the congestion window and the peer's
/// window would have let more out: the kernel's own growth keeps it above the congestion window.
fn is_full(flow: &Flow<'_>) -> bool {
    let words = |socket: &Socket| socket.memory.map(|memory| memory.words);
    let (Some(was), Some(is)) = (words(flow.before), words(flow.after)) else {
        return false;
    };
    let full = |words: [u32; 9]| words[WMEM_QUEUED] >= words[SNDBUF];
    let moving = flow.is.bytes_acked > flow.was.bytes_acked;
    let buffer = is[SNDBUF];
    // A timeout or a look for the shortest round trip makes it small for a moment.
    let window = flow.was.snd_cwnd.max(flow.is.snd_cwnd);
    // Between two writes there is room for a moment.
    (full(was) || full(is))
        && flow.unsent() >= u64::from(buffer / 4)
        // What waits for a timer fills it otherwise.
        && !flow.timed_out()
        && moving
        && buffer < window.saturating_mul(flow.is.snd_mss)
        && buffer < flow.is.snd_wnd
}

/// Says whether a program set the size of the send buffer: the kernel begins with room for two first windows of
/// segments, and grows it to two of the congestion window's (`tcp_sndbuf_expand`), up to `tcp_wmem[2]`.
fn is_set(case: &Case<'_>, flow: &Flow<'_>) -> bool {
    let size = |socket: &Socket| socket.memory?.words.get(SNDBUF).copied();
    let (Some(was), Some(is)) = (size(flow.before), size(flow.after)) else {
        return false;
    };
    let window = flow.was.snd_cwnd.min(flow.is.snd_cwnd).max(FIRST_WINDOW);
    let most = case.span.after.settings.numbers("net.ipv4.tcp_wmem");
    let is_most = most.get(2).is_none_or(|most| u64::from(is) >= *most);
    was == is && !is_most && is < window.saturating_mul(flow.is.snd_mss).saturating_mul(2)
}

fn send(case: &Case<'_>, flow: &Flow<'_>, share: u64) -> Finding {
    let subject = subject::of_socket(&case.span.after.snapshot, flow.place, "socket");
    let peer = subject.peer.clone().unwrap_or_default();
    let buffer = flow
        .after
        .memory
        .and_then(|memory| memory.words.get(3).copied());
    let mut facts = vec![evidence::fact(
        "tcp_info.tcpi_sndbuf_limited",
        format!("sending waited for room in the send buffer {share} % of the time"),
    )];
    if let Some(buffer) = buffer {
        facts.push(evidence::fact(
            "sock_diag SK_MEMINFO_SNDBUF",
            format!("the send buffer is {buffer} bytes"),
        ));
    }
    let host = flow.after.peer.inet().map(|peer| peer.ip().to_canonical());
    // The kernel counts the waiting, and a program set the size.
    let is_told = is_set(case, flow) && share >= LIMITED_PERCENT;
    // What makes a path long may be a program that waits for a processor; the kernel's own growth would have followed.
    let shortage = host
        .and_then(|host| processors::shortage(case, host))
        .filter(|_| !is_told);
    // What was lost keeps its room until it was sent again, or acknowledged after all: the kernel's own growth does not
    // follow that.
    let again = flow.is.total_retrans.wrapping_sub(flow.was.total_retrans);
    let is_unheard = host.is_some_and(|host| loss::unheard(case).contains(&host));
    let is_lossy = host.is_some_and(|host| loss::lossy(case).contains(&host));
    let is_guess = share < LIMITED_PERCENT;
    let waits_for_loss =
        is_unheard || is_lossy && is_guess || again > 0 && (!is_told || flow.repeats_in_vain());
    let (severity, confidence) = if shortage.is_some() || waits_for_loss {
        (Severity::Info, Confidence::Likely)
    } else {
        (Severity::Warning, Confidence::Certain)
    };
    if waits_for_loss {
        let text = if again > 0 {
            format!("{again} segments were sent again meanwhile, and keep their room until then")
        } else {
            "what is sent there, or its acknowledgements, are lost: it keeps its room until then"
                .to_owned()
        };
        facts.push(evidence::fact("tcp_info.tcpi_total_retrans", text));
    }
    facts.extend(shortage.map(Shortage::into_fact));
    Finding {
        kind: SEND,
        severity,
        summary: format!("the send buffer limits how fast {peer} is sent to"),
        subject,
        evidence: facts,
        hints: vec![
            "let the program leave SO_SNDBUF alone, so that the kernel grows it, or set it to bandwidth times delay".to_owned(),
            "the kernel's own limit is the last number of net.ipv4.tcp_wmem".to_owned(),
        ],
        confidence,
    }
}

/// Looks for connections whose small receive buffer is in use although all is read.
pub fn check_receive(case: &Case<'_>) -> Vec<Finding> {
    let settings = &case.span.after.settings;
    let &[_, usual, most] = settings.numbers("net.ipv4.tcp_rmem") else {
        return Vec::new();
    };
    let limited = lasting(case).filter_map(|flow| {
        let (_, buffer) = flow.receive_buffer()?;
        let received = flow
            .is
            .bytes_received
            .saturating_sub(flow.was.bytes_received);
        let read = flow.unread() == 0 || flow.waiting_ms(case).is_some_and(|ms| ms < READ_MS);
        // Twice what was asked for is what the kernel sets.
        let limit = if buffer * 2 <= usual {
            Limit::Program { usual }
        } else if buffer >= most && fills_its_window(case, &flow, received) {
            Limit::Setting { most }
        } else {
            return None;
        };
        let ms = u64::try_from(case.span.duration().as_millis()).unwrap_or(u64::MAX);
        let transfer = received.saturating_mul(1000) >= buffer.saturating_mul(ms) * TURNS;
        (read && transfer).then(|| receive(case, &flow, buffer, limit, received))
    });
    limited.collect()
}

/// Who set a receive buffer that is too small.
#[derive(Clone, Copy)]
enum Limit {
    /// The program: the kernel would begin with `usual` bytes.
    Program { usual: u64 },
    /// Whoever set `tcp_rmem`: the kernel may not grow it beyond `most`.
    Setting { most: u64 },
}

/// Says whether a round trip without any queue brings about as much as the window lets the peer send. Where a queue on the
/// way fills the window, it brings less; and within a host or a rack no buffer is too small.
fn fills_its_window(case: &Case<'_>, flow: &Flow<'_>, received: u64) -> bool {
    let trip_us = u64::from(flow.is.min_rtt_us);
    let us = u64::try_from(case.span.duration().as_micros()).unwrap_or(u64::MAX);
    let a_trip = received
        .saturating_mul(trip_us)
        .checked_div(us)
        .unwrap_or(0);
    trip_us >= FAR_US && a_trip * 100 >= u64::from(flow.is.rcv_ssthresh) * WINDOW_PERCENT
}

fn receive(case: &Case<'_>, flow: &Flow<'_>, buffer: u64, limit: Limit, received: u64) -> Finding {
    let (source, why, hint) = match limit {
        Limit::Program { usual } => (
            "sock_diag SK_MEMINFO_RCVBUF, net.ipv4.tcp_rmem",
            format!(
                "the buffer is {buffer} bytes, where the kernel would begin with {usual} and grow"
            ),
            "let the program leave SO_RCVBUF alone, so that the kernel grows it, or set it to bandwidth times delay",
        ),
        Limit::Setting { most } => (
            "sock_diag SK_MEMINFO_RCVBUF, net.ipv4.tcp_rmem, tcp_info.tcpi_min_rtt",
            format!(
                "the buffer is {buffer} bytes, and net.ipv4.tcp_rmem lets it grow to {most}; each round trip of {:.1} ms brings a full window",
                f64::from(flow.is.min_rtt_us) / 1000.0
            ),
            "raise the last number of net.ipv4.tcp_rmem to twice bandwidth times delay",
        ),
    };
    let subject = subject::of_socket(&case.span.after.snapshot, flow.place, "socket");
    let peer = subject.peer.clone().unwrap_or_default();
    Finding {
        kind: RECEIVE,
        severity: Severity::Warning,
        summary: format!(
            "a receive buffer of {buffer} bytes limits how fast {peer} can send to us"
        ),
        subject,
        evidence: vec![
            evidence::fact(source, why),
            evidence::fact(
                "tcp_info.tcpi_rcv_ssthresh",
                format!("the window is at most {} bytes", flow.is.rcv_ssthresh),
            ),
            evidence::fact(
                "tcp_info.tcpi_bytes_received",
                format!(
                    "{received} bytes came in {:.1} s, and all were read at once",
                    case.span.seconds()
                ),
            ),
        ],
        hints: vec![hint.to_owned()],
        confidence: Confidence::Likely,
    }
}

#[cfg(test)]
mod tests;
