//! Watching the wire for trouble: attempts, refusals, resets, ICMP errors, of this network namespace.
//!
//! A packet socket whose filter lets the kernel pass on those packets alone: data costs nothing. A thread
//! reads and counts them by flow until the watch ends. Needs CAP_NET_RAW; works on every kernel.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use plumb_model::notice::{Direction, Notice, Notices, What};
use plumb_wire::packet::{Told, decode_packet};
use rustc_hash::FxHashMap;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd as _, OwnedFd};
use rustix::io::Errno;

use crate::sys::packet_socket::{self, Instruction, Received};

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
}

impl Watch {
    /// Begins to watch the namespace of this thread.
    pub fn start() -> Result<Self, Errno> {
        let socket = packet_socket::open(&filter())?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || Reader::new(socket).read(&stopped));
        Ok(Self { stop, thread })
    }

    /// Ends the watch and gives what was noticed.
    pub fn finish(self) -> Notices {
        self.stop.store(true, Ordering::Relaxed);
        // The reader cannot panic on what it reads.
        self.thread.join().unwrap_or_default()
    }
}

type Key = (What, Direction, u8, SocketAddr, SocketAddr, u32);

struct Reader {
    socket: OwnedFd,
    flows: FxHashMap<Key, u64>,
    lost: u64,
}

impl Reader {
    fn new(socket: OwnedFd) -> Self {
        Self {
            socket,
            flows: FxHashMap::default(),
            lost: 0,
        }
    }

    fn read(mut self, stop: &AtomicBool) -> Notices {
        let mut buffer = [0; PACKET_BYTES];
        while !stop.load(Ordering::Relaxed) {
            let mut fds = [PollFd::new(&self.socket, PollFlags::IN)];
            // Whatever woke us, the socket is asked.
            let _ = poll(&mut fds, Some(&WAIT));
            self.take_all(&mut buffer);
        }
        self.take_all(&mut buffer);
        let drops = packet_socket::take_drops(self.socket.as_fd()).unwrap_or(0);
        self.lost += u64::from(drops);
        Notices {
            all: self.flows.into_iter().map(notice).collect(),
            lost: self.lost,
        }
        .sorted()
    }

    fn take_all(&mut self, buffer: &mut [u8]) {
        while let Ok(received) = packet_socket::receive(self.socket.as_fd(), buffer) {
            let packet = buffer.get(..received.len).unwrap_or(&[]);
            if let Some(told) = decode_packet(packet) {
                self.count(&told, received);
            }
        }
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
            told.what,
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
        *self.flows.entry(key).or_insert(0) += 1;
    }
}

fn notice((key, count): (Key, u64)) -> Notice {
    let (what, direction, protocol, local, peer, interface) = key;
    Notice {
        what,
        direction,
        protocol,
        local,
        peer,
        interface,
        count,
    }
}

/// The filter: TCP with SYN or RST, ICMP errors, ICMPv6 errors; from the IP header on.
fn filter() -> Vec<Instruction> {
    const LD_BYTE: u16 = 0x30;
    const LD_HALF: u16 = 0x28;
    const LDX_HEADER: u16 = 0xb1;
    const LD_BYTE_X: u16 = 0x50;
    const RSH: u16 = 0x74;
    const JEQ: u16 = 0x15;
    const JSET: u16 = 0x45;
    const RET: u16 = 0x06;
    let step = |code, jt, jf, k| Instruction { code, jt, jf, k };
    let take = u32::try_from(PACKET_BYTES).unwrap_or(u32::MAX);
    vec![
        step(LD_BYTE, 0, 0, 0),
        step(RSH, 0, 0, 4),
        step(JEQ, 0, 12, 4),
        // IPv4: TCP and ICMP, of fragments the first alone.
        step(LD_HALF, 0, 0, 6),
        step(JSET, 21, 0, 0x1fff),
        step(LDX_HEADER, 0, 0, 0),
        step(LD_BYTE, 0, 0, 9),
        step(JEQ, 0, 2, 6),
        step(LD_BYTE_X, 0, 0, 13),
        step(JSET, 15, 16, 0x06),
        step(JEQ, 0, 15, 1),
        step(LD_BYTE_X, 0, 0, 0),
        step(JEQ, 12, 0, 3),
        step(JEQ, 11, 0, 11),
        step(JEQ, 10, 11, 12),
        // IPv6: TCP and ICMPv6 that stand right behind the header.
        step(JEQ, 0, 10, 6),
        step(LD_BYTE, 0, 0, 6),
        step(JEQ, 0, 2, 6),
        step(LD_BYTE, 0, 0, 53),
        step(JSET, 5, 6, 0x06),
        step(JEQ, 0, 5, 58),
        step(LD_BYTE, 0, 0, 40),
        step(JEQ, 2, 0, 1),
        step(JEQ, 1, 0, 2),
        step(JEQ, 0, 1, 3),
        step(RET, 0, 0, take),
        step(RET, 0, 0, 0),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kernel refuses a jump to nowhere only if it is behind the end; these must also fit.
    #[test]
    fn every_jump_lands_on_a_verdict_or_goes_on() {
        let program = filter();
        let (take, drop) = (program.len() - 2, program.len() - 1);
        for (place, step) in program
            .iter()
            .enumerate()
            .filter(|(_, step)| step.code & 7 == 5)
        {
            for jump in [step.jt, step.jf] {
                let target = place + 1 + usize::from(jump);
                let short = jump <= 2 || (place == 2 && program[target].code == 0x15);
                assert!(
                    short || target == take || target == drop,
                    "{place} -> {target}"
                );
            }
        }
    }

    mod needs_root {
        use std::net::{TcpListener, TcpStream, UdpSocket};

        use super::*;

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
