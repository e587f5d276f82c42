//! How long gaps in what comes stay open: our own selective acknowledgements, as they leave.
//!
//! What only overtook something fills a gap at once; what was lost comes again a round trip later at the earliest. The
//! watch ends by itself after a number of acknowledgements, so that a fast transfer over a bad path costs no more.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use plumb_model::notice::Gaps;
use plumb_wire::packet::{GapTold, decode_gap, is_after};
use rustc_hash::FxHashMap;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::{AsFd as _, OwnedFd};

use super::{PACKET_BYTES, WAIT};
use crate::sys::packet_socket;

/// So many packets are looked at …
const MOST_PACKETS: u32 = 20_000;
/// … of so many connections, and of each so many gaps.
const MOST_CONNECTIONS: usize = 1024;
const MOST_GAPS: usize = 4096;

type Ends = (SocketAddr, SocketAddr);

/// What one connection told of its gaps.
#[derive(Debug, Default)]
struct Connection {
    /// How far what came reached, and since when, the earliest first: a gap is as old as what came behind it.
    reached: VecDeque<(u32, Duration)>,
    /// What is missing first, since when, if that was told, and when it was last.
    open: Option<(u32, Option<Duration>, Duration)>,
    lengths: Vec<u32>,
}

impl Connection {
    fn note(&mut self, missing: u32, highest: u32, at: Duration) {
        let is_further = |(edge, _): &(u32, Duration)| is_after(highest, *edge);
        if self.reached.back().is_none_or(is_further) && self.reached.len() < MOST_GAPS {
            self.reached.push_back((highest, at));
        }
        while self
            .reached
            .front()
            .is_some_and(|(edge, _)| !is_after(*edge, missing))
        {
            self.reached.pop_front();
        }
        let since = self.reached.front().map(|(_, since)| *since);
        match &mut self.open {
            Some((same, _, last)) if *same == missing => *last = at,
            open => {
                let filled = open.replace((missing, since, at));
                let length = filled.and_then(|(_, since, last)| last.checked_sub(since?));
                let length = length.and_then(|length| u32::try_from(length.as_micros()).ok());
                if self.lengths.len() < MOST_GAPS {
                    self.lengths.extend(length.filter(|&us| us > 0));
                }
            }
        }
    }
}

/// The gaps told so far.
#[derive(Debug, Default)]
struct Told {
    connections: FxHashMap<Ends, Connection>,
    /// Packets that the filter let through.
    packets: u32,
}

impl Told {
    fn note(&mut self, gap: &GapTold, at: Duration) {
        let ends = (gap.from, gap.to);
        if self.connections.len() < MOST_CONNECTIONS || self.connections.contains_key(&ends) {
            let connection = self.connections.entry(ends).or_default();
            connection.note(gap.missing, gap.highest, at);
        }
    }

    fn is_enough(&self) -> bool {
        self.packets >= MOST_PACKETS
    }

    /// Gives all gaps that were filled; the last of each connection may be open still.
    fn into_gaps(self) -> Vec<Gaps> {
        let connections = self.connections.into_iter();
        let mut all: Vec<Gaps> = connections
            .filter(|(_, connection)| !connection.lengths.is_empty())
            .map(|((local, peer), connection)| Gaps {
                local,
                peer,
                open_us: connection.lengths,
            })
            .collect();
        all.sort_by_key(|gaps| (gaps.local, gaps.peer));
        all
    }
}

/// Reads until the watch ends, or enough was seen.
pub(super) fn read(socket: OwnedFd, stop: &AtomicBool) -> Vec<Gaps> {
    let mut told = Told::default();
    let mut buffer = [0; PACKET_BYTES];
    // From here on the kernel notes when it sees a packet; none was read yet.
    let _ = packet_socket::last_seen(socket.as_fd());
    loop {
        let is_over = stop.load(Ordering::Relaxed);
        while !told.is_enough()
            && let Ok(received) = packet_socket::receive(socket.as_fd(), &mut buffer)
        {
            told.packets += 1;
            let packet = buffer.get(..received.len).unwrap_or(&[]);
            let at = packet_socket::last_seen(socket.as_fd());
            if let (Some(gap), Ok(at)) = (decode_gap(packet).filter(|_| received.outgoing), at) {
                told.note(&gap, at);
            }
        }
        if is_over || told.is_enough() {
            drop(socket);
            return told.into_gaps();
        }
        let mut fds = [PollFd::new(&socket, PollFlags::IN)];
        // Whatever woke us, the socket is asked.
        let _ = poll(&mut fds, Some(&WAIT));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives the lengths of gaps, milliseconds, of what was told: what is missing, how far what came reached, and when.
    fn lengths(words: &[(u32, u32, u64)]) -> Vec<u32> {
        let mut told = Told::default();
        for &(missing, highest, ms) in words {
            let gap = GapTold {
                from: ([10, 0, 0, 1], 9).into(),
                to: ([10, 0, 0, 2], 80).into(),
                missing,
                highest,
            };
            told.note(&gap, Duration::from_millis(ms));
        }
        let gaps = told.into_gaps().into_iter();
        gaps.flat_map(|gaps| gaps.open_us)
            .map(|us| us / 1000)
            .collect()
    }

    #[test]
    fn a_gap_is_open_from_the_first_word_of_it_to_the_last() {
        let one = [(100, 300, 0), (100, 400, 5), (100, 500, 20)];
        // One word alone tells no length, and the last gap may be open still.
        let more = [(600, 700, 30), (800, 900, 40), (800, 950, 41)];
        assert_eq!(lengths(&[one, more].concat()), [20]);
    }

    #[test]
    fn a_gap_behind_another_is_as_old_as_what_came_behind_it() {
        // 100, 200 and 300 are missing since 0, 5 and 10 ms, and each comes again 20 ms later.
        let words = [
            (100, 200, 0),
            (100, 300, 5),
            (100, 400, 10),
            (100, 400, 20),
            (200, 400, 25),
            (300, 400, 30),
            (500, 600, 90),
        ];
        assert_eq!(lengths(&words), [20, 20, 20]);
    }

    #[test]
    fn numbers_run_over() {
        let words = [
            (u32::MAX - 10, 50, 0),
            (u32::MAX - 10, 90, 9),
            (200, 300, 20),
        ];
        assert_eq!(lengths(&words), [9]);
    }
}
