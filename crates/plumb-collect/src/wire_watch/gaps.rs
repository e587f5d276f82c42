//! How long gaps in what comes stay open: our own selective acknowledgements, as they leave.
//!
//! What only overtook something fills a gap at once; what was lost comes again a round trip later at the earliest. The
//! watch ends by itself after a number of acknowledgements, so that a fast transfer over a bad path costs no more.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use plumb_model::notice::Gaps;
use plumb_wire::packet::decode_gap;
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

/// The gap of a connection that is open.
#[derive(Debug, Clone, Copy)]
struct Open {
    missing: u32,
    first: Duration,
    last: Duration,
}

impl Open {
    /// Gives how long it was open; `None` where one acknowledgement alone told of it.
    fn us(&self) -> Option<u32> {
        let us = self.last.saturating_sub(self.first).as_micros();
        u32::try_from(us).ok().filter(|&us| us > 0)
    }
}

/// The gaps told so far.
#[derive(Debug, Default)]
struct Told {
    connections: FxHashMap<Ends, (Open, Vec<u32>)>,
    /// Packets that the filter let through.
    packets: u32,
}

impl Told {
    fn note(&mut self, ends: Ends, missing: u32, at: Duration) {
        let new = Open {
            missing,
            first: at,
            last: at,
        };
        let Some((open, lengths)) = self.connections.get_mut(&ends) else {
            if self.connections.len() < MOST_CONNECTIONS {
                self.connections.insert(ends, (new, Vec::new()));
            }
            return;
        };
        if open.missing == missing {
            open.last = at;
            return;
        }
        if lengths.len() < MOST_GAPS {
            lengths.extend(open.us());
        }
        *open = new;
    }

    fn is_enough(&self) -> bool {
        self.packets >= MOST_PACKETS
    }

    /// Gives all gaps that were filled; the last of each connection may be open still.
    fn into_gaps(self) -> Vec<Gaps> {
        let connections = self.connections.into_iter();
        let mut all: Vec<Gaps> = connections
            .filter(|(_, (_, open_us))| !open_us.is_empty())
            .map(|((local, peer), (_, open_us))| Gaps {
                local,
                peer,
                open_us,
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
                told.note((gap.from, gap.to), gap.missing, at);
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

    #[test]
    fn a_gap_is_open_from_the_first_word_of_it_to_the_last() {
        let ends: Ends = (([10, 0, 0, 1], 9).into(), ([10, 0, 0, 2], 80).into());
        let mut told = Told::default();
        let words = [
            (100, 0),
            (100, 5),
            (100, 20),
            (300, 30),
            (500, 40),
            (500, 41),
        ];
        for (missing, ms) in words {
            told.note(ends, missing, Duration::from_millis(ms));
        }
        // One word alone tells no length, and the last gap may be open still.
        let gaps = told.into_gaps();
        assert_eq!(gaps.len(), 1);
        assert_eq!(gaps[0].open_us, [20_000]);
    }
}
