//! A UNIX socket that nobody reads while somebody waits to write.
//!
//! What is unread is in the sender's send buffer: he waits when that is full, until most of it is free again, or, of datagrams, when more than
//! `max_dgram_qlen` lie at the receiver's. The kernel counts no bytes of UNIX sockets, so who reads slowly and who does
//! not read at all look alike, unless not one thread of those who could read has run.

use std::collections::BTreeMap;

use plumb_model::finding::{Confidence, Finding, Severity};
use plumb_model::id::Inode;
use plumb_model::sample::Sample;
use plumb_model::snapshot::{End, Kind, Socket};

use super::super::{Case, evidence, sockets, subject};
use super::LOCAL;

/// Where `wmem_alloc` and `sndbuf` stand in the memory counters (`SK_MEMINFO_*`).
const WMEM_ALLOC: usize = 2;
const SNDBUF: usize = 3;
/// A datagram takes at least so much of its sender's buffer (`SKB_TRUESIZE` of the smallest).
const DATAGRAM_BYTES: u64 = 512;

/// Looks for sockets whose senders wait in both samples, while their holders sleep.
pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let (before, after) = (case.span.before, case.span.after);
    let (were, are) = (senders(before), senders(after));
    let earlier = sockets::by_cookie(before);
    let snapshot = &after.snapshot;
    let all = snapshot.sockets.iter().enumerate();
    let stuck = all.filter(|(place, socket)| {
        let holders = snapshot.owners.processes_of(*place);
        let sleep = !holders.is_empty() && holders.iter().all(|one| case.span.slept(one.pid));
        let was = sockets::again(&earlier, socket);
        socket.kind.is_unix()
            && !socket.is_listener()
            && unread(socket) > 0
            && was.is_some_and(|was| unread(was) == unread(socket))
            && sleep
            && keeps_waiting(before, socket, &were)
            && keeps_waiting(after, socket, &are)
    });
    stuck
        .map(|(place, socket)| finding(case, place, socket))
        .collect()
}

fn unread(socket: &Socket) -> u64 {
    socket.recv_q.ok().unwrap_or(0)
}

/// Gives the sockets that are connected to others, by whom they send to.
fn senders(sample: &Sample) -> BTreeMap<Inode, Vec<&Socket>> {
    let mut senders: BTreeMap<Inode, Vec<&Socket>> = BTreeMap::new();
    for socket in &sample.snapshot.sockets {
        if let End::Unix { inode, .. } = &socket.peer
            && inode.0 != 0
        {
            senders.entry(*inode).or_default().push(socket);
        }
    }
    senders
}

/// Says whether who writes to a socket has to wait.
fn keeps_waiting(sample: &Sample, socket: &Socket, to: &BTreeMap<Inode, Vec<&Socket>>) -> bool {
    let Some(senders) = socket.inode.ok().and_then(|inode| to.get(&inode)) else {
        return false;
    };
    let word = |sender: &Socket, at: usize| {
        let words = sender.memory.map(|memory| memory.words);
        words
            .and_then(|words| words.get(at).copied())
            .map_or(0, u64::from)
    };
    let is_full = |sender: &&&Socket| !is_writable(word(sender, WMEM_ALLOC), word(sender, SNDBUF));
    if senders.iter().find(is_full).is_some() {
        return true;
    }
    let taken: u64 = senders.iter().map(|sender| word(sender, WMEM_ALLOC)).sum();
    let most = sample.settings.number("net.unix.max_dgram_qlen").ok();
    let full = most.is_some_and(|most| taken > most.saturating_mul(DATAGRAM_BYTES));
    socket.kind == Kind::UnixDgram && full
}

/// Says whether a sender may go on. Who waits for room is woken when three quarters are free (`unix_writable`), not before:
/// a reader that stops half-way leaves him waiting.
fn is_writable(taken: u64, size: u64) -> bool {
    taken.saturating_mul(4) <= size
}

fn finding(case: &Case<'_>, place: usize, socket: &Socket) -> Finding {
    let subject = subject::of_socket(&case.span.after.snapshot, place, "socket");
    let who = subject
        .process
        .clone()
        .unwrap_or_else(|| "our process".to_owned());
    let at = subject
        .local
        .as_ref()
        .map_or_else(String::new, |local| format!(" at {local}"));
    Finding {
        kind: LOCAL,
        severity: Severity::Warning,
        summary: format!("{who} does not read its UNIX socket{at}, and who writes to it waits"),
        evidence: vec![
            evidence::fact(
                "sock_diag unix recv-q, SK_MEMINFO_WMEM_ALLOC",
                format!(
                    "{} bytes lay in its queue in both samples, and there was no room for more",
                    unread(socket)
                ),
            ),
            evidence::fact(
                "/proc/PID/task/*/schedstat",
                format!(
                    "not one thread of its holders ran in {:.1} s",
                    case.span.seconds()
                ),
            ),
        ],
        hints: vec![super::what_else(&subject)],
        subject,
        confidence: Confidence::Certain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_writer_goes_on_waiting_until_three_quarters_of_his_buffer_are_free() {
        assert!(!is_writable(213_760, 212_992) && !is_writable(100_000, 212_992));
        assert!(is_writable(53_248, 212_992) && is_writable(0, 212_992));
    }
}
