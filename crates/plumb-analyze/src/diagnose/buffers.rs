//! `send-buffer-limited`, `receive-buffer-limited`: a buffer that was set too small limits throughput.
//!
//! A program that sets SO_SNDBUF or SO_RCVBUF turns the kernel's own growth off. The sender's side counts
//! the time it waited for room (`tcpi_sndbuf_limited`). On the receiving side a buffer below the kernel's
//! starting size (`tcp_rmem[1]`), with its window in use while the process reads all that comes, is what
//! limits.

use plumb_model::finding::{Confidence, Finding, Severity};
use plumb_model::snapshot::Socket;

use super::flow::{Flow, lasting};
use super::processors::{self, Shortage};
use super::{Case, evidence, subject};

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
/// A buffer that is filled and emptied so often in a second is what a transfer goes through; less is a
/// conversation.
const TURNS: u64 = 5;

/// Looks for connections that wait for room in the send buffer.
pub fn check_send(case: &Case<'_>) -> Vec<Finding> {
    let limited = lasting(case).filter_map(|flow| {
        let share = flow.share_percent(case, |info| info.sndbuf_limited_us);
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
        && moving
        && buffer < window.saturating_mul(flow.is.snd_mss)
        && buffer < flow.is.snd_wnd
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
    // Who waits for a processor does not fill the room there is.
    let shortage = host.and_then(|host| processors::shortage(case, host));
    let (severity, confidence) = match shortage {
        Some(_) => (Severity::Info, Confidence::Likely),
        None => (Severity::Warning, Confidence::Certain),
    };
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
    let usual = case
        .span
        .after
        .settings
        .numbers("net.ipv4.tcp_rmem")
        .get(1)
        .copied();
    let Some(usual) = usual else {
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
        let small = buffer * 2 <= usual;
        let ms = u64::try_from(case.span.duration().as_millis()).unwrap_or(u64::MAX);
        let transfer = received.saturating_mul(1000) >= buffer.saturating_mul(ms) * TURNS;
        (small && read && transfer).then(|| receive(case, &flow, buffer, usual, received))
    });
    limited.collect()
}

fn receive(case: &Case<'_>, flow: &Flow<'_>, buffer: u64, usual: u64, received: u64) -> Finding {
    let subject = subject::of_socket(&case.span.after.snapshot, flow.place, "socket");
    let peer = subject.peer.clone().unwrap_or_default();
    Finding {
        kind: RECEIVE,
        severity: Severity::Warning,
        summary: format!("a receive buffer of {buffer} bytes limits how fast {peer} can send to us"),
        subject,
        evidence: vec![
            evidence::fact(
                "sock_diag SK_MEMINFO_RCVBUF, net.ipv4.tcp_rmem",
                format!("the buffer is {buffer} bytes, where the kernel would begin with {usual} and grow"),
            ),
            evidence::fact(
                "tcp_info.tcpi_rcv_ssthresh",
                format!("the window is at most {} bytes", flow.is.rcv_ssthresh),
            ),
            evidence::fact(
                "tcp_info.tcpi_bytes_received",
                format!("{received} bytes came in {:.1} s, and all were read at once", case.span.seconds()),
            ),
        ],
        hints: vec![
            "let the program leave SO_RCVBUF alone, so that the kernel grows it, or set it to bandwidth times delay".to_owned(),
        ],
        confidence: Confidence::Likely,
    }
}
