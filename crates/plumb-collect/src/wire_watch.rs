//! Watching the wire for trouble: attempts, refusals, resets, ICMP errors, of this network namespace.
//!
//! A packet socket whose filter lets the kernel pass on those packets alone: data costs nothing. A thread
//! reads and counts them by flow until the watch ends. A second one sees our selective acknowledgements ([`gaps`]).
//! Needs CAP_NET_RAW; works on every kernel.

mod filter;
mod gaps;
mod name_servers;
mod unused;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;

use plumb_model::notice::{Direction, Gaps, Notice, Notices, What};
use plumb_wire::packet::{Told, decode_name_packet, decode_packet};
use rustc_hash::FxHashMap;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd as _, OwnedFd};
use rustix::io::Errno;

use self::name_servers::NameServers;
use self::unused::Opened;
use crate::sys::packet_socket::{self, Received};

/// So many packets are taken before it is asked whether the watch is over: some ten milliseconds.
const MOST_AT_ONCE: usize = 16_384;
/// Flows that are kept apart; packets of more are counted as lost.
const MOST_FLOWS: usize = 65_536;
/// Bytes of a packet that are looked at: an ICMP error with the headers inside it.
const PACKET_BYTES: usize = 256;
/// How long the thread waits for a packet before it looks whether the watch has ended.
const WAIT: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 50_000_000,
};

/// A watch under way.
#[derive(Debug)]
pub struct Watch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Notices>,
    gaps: JoinHandle<Vec<Gaps>>,
}

impl Watch {
    /// Begins to watch the namespace of this thread.
    pub fn start() -> Result<Self, Errno> {
        let socket = packet_socket::open(&filter::trouble())?;
        let of_gaps = packet_socket::open(&filter::gaps())?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || Reader::new(socket).read(&stopped));
        let stopped = Arc::clone(&stop);
        let gaps = std::thread::spawn(move || gaps::read(of_gaps, &stopped));
        Ok(Self { stop, thread, gaps })
    }

    /// Ends the watch and gives what was noticed.
    pub fn finish(self) -> Notices {
        self.stop.store(true, Ordering::Relaxed);
        // The readers cannot panic on what they read.
        let notices = self.thread.join().unwrap_or_default();
        Notices {
            gaps: self.gaps.join().unwrap_or_default(),
            ..notices
        }
    }
}

type Key = (What, Direction, u8, SocketAddr, SocketAddr, u32);

/// How often a flow was seen, and when.
#[derive(Clone, Copy)]
struct Seen {
    count: u64,
    first: Instant,
    last: Instant,
}

struct Reader {
    socket: OwnedFd,
    flows: FxHashMap<Key, Seen>,
    name_servers: NameServers,
    opened: Opened,
    lost: u64,
}

impl Reader {
    fn new(socket: OwnedFd) -> Self {
        Self {
            socket,
            flows: FxHashMap::default(),
            name_servers: NameServers::new(),
            opened: Opened::default(),
            lost: 0,
        }
    }

    fn read(mut self, stop: &AtomicBool) -> Notices {
        let mut buffer = [0; PACKET_BYTES];
        while !stop.load(Ordering::Relaxed) {
            let mut fds = [PollFd::new(&self.socket, PollFlags::IN)];
            // Whatever woke us, the socket is asked.
            let _ = poll(&mut fds, Some(&WAIT));
            self.take(&mut buffer);
        }
        // What is left unread was not seen; how much it is nobody counts.
        self.lost += u64::from(self.take(&mut buffer));
        let drops = packet_socket::take_drops(self.socket.as_fd()).unwrap_or(0);
        self.lost += u64::from(drops);
        // One moment for all, or what came first would be the younger now and then.
        let end = Instant::now();
        let flows = self.flows.into_iter();
        Notices {
            all: flows.map(|flow| notice(flow, end)).collect(),
            name_servers: self.name_servers.finish(),
            lost: self.lost,
            ..Notices::default()
        }
        .sorted()
    }

    /// Takes what is there, but no more than so many packets: in a flood there are always more. Says whether there
    /// may be.
    fn take(&mut self, buffer: &mut [u8]) -> bool {
        for _ in 0..MOST_AT_ONCE {
            let Ok(received) = packet_socket::receive(self.socket.as_fd(), buffer) else {
                return false;
            };
            let packet = buffer.get(..received.len).unwrap_or(&[]);
            if let Some(told) = decode_packet(packet) {
                self.count(&told, received);
            } else if let Some(told) = decode_name_packet(packet) {
                self.name_servers.note(&told, received.outgoing);
            }
        }
        true
    }

    fn count(&mut self, told: &Told, received: Received) {
        let direction = if received.outgoing {
            Direction::Sent
        } else {
            Direction::Received
        };
        // The flow's sender is we when we send, or when an error comes back to us.
        let is_ours = received.outgoing != told.is_inside;
        let (local, peer) = if is_ours {
            (told.from, told.to)
        } else {
            (told.to, told.from)
        };
        let key = (
            self.opened.judge(told),
            direction,
            told.protocol,
            local,
            peer,
            received.interface,
        );
        if self.flows.len() >= MOST_FLOWS && !self.flows.contains_key(&key) {
            self.lost += 1;
            return;
        }
        let now = Instant::now();
        let seen = self.flows.entry(key).or_insert(Seen {
            count: 0,
            first: now,
            last: now,
        });
        seen.count += 1;
        seen.last = now;
    }
}

fn notice((key, seen): (Key, Seen), end: Instant) -> Notice {
    let age_us = |moment: Instant| {
        let age = end.saturating_duration_since(moment);
        u64::try_from(age.as_micros()).unwrap_or(u64::MAX)
    };
    let (what, direction, protocol, local, peer, interface) = key;
    Notice {
        what,
        direction,
        protocol,
        local,
        peer,
        interface,
        count: seen.count,
        age_us: age_us(seen.first),
        last_age_us: age_us(seen.last),
    }
}

#[cfg(test)]
mod tests {
    mod needs_root {
        use std::net::{TcpListener, TcpStream, UdpSocket};

        use super::super::*;

        #[test]
        fn attempts_refusals_and_errors_are_noticed_with_their_ends() {
            let watch = Watch::start().expect("root may watch");
            let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
            let closed = free.expect("loopback has ports");
            TcpStream::connect(closed).expect_err("nobody listens any more");
            let udp = UdpSocket::bind("127.0.0.1:0").expect("loopback has ports");
            udp.send_to(b"x", closed).expect("loopback takes it");
            let notices = watch.finish();
            let has = |direction, is: fn(What) -> bool, local: bool| {
                notices.of(direction, is).any(|notice| {
                    let end = if local { notice.local } else { notice.peer };
                    end == closed
                })
            };
            assert!(has(Direction::Received, |what| what == What::Syn, true));
            assert!(has(Direction::Sent, |what| what == What::Refusal, true));
            assert!(has(
                Direction::Received,
                |what| what == What::Refusal,
                false
            ));
            let unreachable = |what| matches!(what, What::Unreachable { code: 3, .. });
            assert!(has(Direction::Received, unreachable, false));
            assert!(has(Direction::Sent, unreachable, true));
        }
    }
}
