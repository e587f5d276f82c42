//! A UNIX socket that nobody reads while somebody waits to write.
//!
//! What is unread is in the sender's send buffer: he waits when that is full, until most of it is free again, or, of datagrams, when more than
//! `max_dgram_qlen` lie at the receiver's. The kernel counts no bytes of UNIX sockets, so who reads slowly and who does
//! not read at all look alike, unless not one thread of those who could read has run, or of those who write: what is
//! unread is then what was, and nothing of it was read.

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

/// How it is known that nothing was read.
#[derive(Clone, Copy)]
enum Slept {
    Readers,
    Writers,
}

/// Looks for sockets whose senders wait in both samples, while their holders, or the senders, sleep.
pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let (before, after) = (case.span.before, case.span.after);
    let (were, are) = (senders(before), senders(after));
    let earlier = sockets::by_cookie(before);
    let snapshot = &after.snapshot;
    let all = snapshot.sockets.iter().enumerate();
    let stuck = all.filter_map(|(place, socket)| {
        let was = sockets::again(&earlier, socket);
        let stays = socket.kind.is_unix()
            && !socket.is_listener()
            && unread(socket) > 0
            && was.is_some_and(|was| unread(was) == unread(socket))
            && keeps_waiting(before, socket, &were)
            && keeps_waiting(after, socket, &are);
        let slept = stays.then(|| slept(case, place, socket, [&were, &are]))??;
        Some(finding(case, place, socket, slept))
    });
    stuck.collect()
}

/// Says who did not run: the holders, or all who send, of whom as much lies there as did.
fn slept(
    case: &Case<'_>,
    place: usize,
    socket: &Socket,
    [were, are]: [&Senders<'_>; 2],
) -> Option<Slept> {
    let snapshot = &case.span.after.snapshot;
    let sleep = |place: usize| {
        let holders = snapshot.owners.processes_of(place);
        !holders.is_empty() && holders.iter().all(|one| case.span.slept(one.pid))
    };
    if sleep(place) {
        return Some(Slept::Readers);
    }
    let inode = socket.inode.ok()?;
    let (were, are) = (were.get(&inode)?, are.get(&inode)?);
    let taken = |senders: &[(usize, &Socket)]| -> u64 {
        let words = senders.iter().map(|(_, sender)| word(sender, WMEM_ALLOC));
        words.sum()
    };
    let stays = were.len() == are.len() && taken(were) == taken(are);
    (stays && are.iter().all(|(place, _)| sleep(*place))).then_some(Slept::Writers)
}

fn unread(socket: &Socket) -> u64 {
    socket.recv_q.ok().unwrap_or(0)
}

/// Sockets with their places, by whom they send to.
type Senders<'s> = BTreeMap<Inode, Vec<(usize, &'s Socket)>>;

/// Gives the sockets that are connected to others, by whom they send to.
fn senders(sample: &Sample) -> Senders<'_> {
    let mut senders = Senders::new();
    for (place, socket) in sample.snapshot.sockets.iter().enumerate() {
        if let End::Unix { inode, .. } = &socket.peer
            && inode.0 != 0
        {
            senders.entry(*inode).or_default().push((place, socket));
        }
    }
    senders
}

/// Says whether who writes to a socket has to wait.
fn keeps_waiting(sample: &Sample, socket: &Socket, to: &Senders<'_>) -> bool {
    let Some(senders) = socket.inode.ok().and_then(|inode| to.get(&inode)) else {
        return false;
    };
    let is_full = |sender: &Socket| !is_writable(word(sender, WMEM_ALLOC), word(sender, SNDBUF));
    if senders.iter().any(|(_, sender)| is_full(sender)) {
        return true;
    }
    let taken = senders.iter().map(|(_, sender)| word(sender, WMEM_ALLOC));
    let taken: u64 = taken.sum();
    let most = sample.settings.number("net.unix.max_dgram_qlen").ok();
    let full = most.is_some_and(|most| taken > most.saturating_mul(DATAGRAM_BYTES));
    socket.kind == Kind::UnixDgram && full
}

/// Gives a word of the memory counters.
fn word(socket: &Socket, at: usize) -> u64 {
    let words = socket.memory.map(|memory| memory.words);
    words
        .and_then(|words| words.get(at).copied())
        .map_or(0, u64::from)
}

/// Says whether a sender may go on. Who waits for room is woken when three quarters are free (`unix_writable`), not before:
/// a reader that stops half-way leaves him waiting.
fn is_writable(taken: u64, size: u64) -> bool {
    taken.saturating_mul(4) <= size
}

fn finding(case: &Case<'_>, place: usize, socket: &Socket, slept: Slept) -> Finding {
    let who_slept = match slept {
        Slept::Readers => "its holders",
        Slept::Writers => "those who write to it",
    };
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
                    "not one thread of {who_slept} ran in {:.1} s",
                    case.span.seconds()
                ),
            ),
        ],
        hints: vec![subject::see_instead(&subject, "reading")],
        subject,
        confidence: Confidence::Certain,
    }
}

#[cfg(test)]
mod tests {
    use plumb_model::attribution::{Attribution, Holding, How, Process};
    use plumb_model::diag::inet::SkMemInfo;
    use plumb_model::diag::tcp_info::TcpInfo;
    use plumb_model::id::{Cookie, Pid};
    use plumb_model::known::{Known, Reason};
    use plumb_model::sample::RunTime;

    use super::*;
    use crate::made_up;

    /// Says what is found where a reader (process 7) and a writer (8) ran so long between the samples, and so much of the
    /// writer's lay there in the second.
    fn found(reader_ns: u64, writer_ns: u64, taken: u32) -> usize {
        let sample = |at_us, ran: [u64; 2], taken: u32| {
            let ends = [1, 2].map(|inode| End::Unix {
                name: None,
                inode: Inode(inode),
            });
            let socket = |place: usize, unread, taken| {
                let mut socket = made_up::connection(&TcpInfo::default());
                socket.kind = Kind::UnixStream;
                socket.cookie = Known::Known(Cookie([1, 2][place]));
                socket.inode = Known::Known(Inode([1, 2][place]));
                socket.tcp = None;
                (socket.local, socket.peer) = (ends[place].clone(), ends[1 - place].clone());
                socket.recv_q = Known::Known(unread);
                socket.memory = Some(SkMemInfo {
                    words: [0, 212_992, taken, 212_992, 0, 0, 0, 0, 0],
                    sent_bytes: 36,
                });
                socket
            };
            let mut sample = Sample {
                at_us,
                ..Sample::default()
            };
            let processes = [7, 8].map(|pid| Process::unknown(Pid(pid), Reason::NotInSource));
            sample.snapshot.owners = Attribution::new(processes.to_vec());
            for process in 0..2 {
                let how = How::Descriptor(3);
                let holding = Holding { process, how };
                sample.snapshot.owners.push([holding], Reason::NotInSource);
            }
            sample.snapshot.sockets = vec![socket(0, 180_000, 0), socket(1, 0, taken)];
            sample.run_times = [(7, ran[0]), (8, ran[1])]
                .map(|(pid, ns)| RunTime { pid: Pid(pid), ns })
                .to_vec();
            sample
        };
        let before = sample(1_000_000, [5, 5], 213_000);
        let after = sample(3_000_000, [5 + reader_ns, 5 + writer_ns], taken);
        check(&made_up::between(&before, &after)).len()
    }

    #[test]
    fn a_thread_that_hangs_is_told_though_others_of_its_process_run_as_long_as_the_writer_waits() {
        assert_eq!(found(9, 0, 213_000), 1);
        assert_eq!(found(0, 9, 213_000), 1);
        // Who runs both may write and read; what is less was read.
        assert_eq!(found(9, 9, 213_000), 0);
        assert_eq!(found(9, 0, 150_000), 0);
    }

    #[test]
    fn a_writer_goes_on_waiting_until_three_quarters_of_his_buffer_are_free() {
        assert!(!is_writable(213_760, 212_992) && !is_writable(100_000, 212_992));
        assert!(is_writable(53_248, 212_992) && is_writable(0, 212_992));
    }
}
