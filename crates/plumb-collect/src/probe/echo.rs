//! Echo requests of one flow: over one ping socket, so that they have one identifier, and routers which choose among
//! several ways by it (or, on this host, by the hash of the socket) send all of them the same way, as those of ping and
//! traceroute.

use std::time::{Duration, Instant};

use plumb_wire::error_queue::{Control, decode_control, decode_echo};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::io::Errno;

use super::answer::{self, Answer};
use super::{Method, Probe, Sending, socket};
use crate::sys::receive::receive;

/// What came of a probe: an answer, silence, or why it could not be sent.
type Outcome = Result<Option<Answer>, Errno>;

/// Probes of one way. Echo requests over a ping socket are of one flow, others as many as they are.
#[derive(Debug, Default)]
pub struct Flow(Option<OwnedFd>);

impl Flow {
    /// Sends probes that differ in TTL, number and size alone, and waits for their answers, `wait` at most; gives what
    /// came of each. No two of a flow may have one number.
    pub fn run(&mut self, probes: &[Probe], wait: Duration) -> Vec<Outcome> {
        let Some(first) = probes.first().filter(|first| first.method == Method::Ping) else {
            return super::run(probes, wait);
        };
        let socket = match self.0.take().map_or_else(|| socket::prepare(first), Ok) {
            Ok(socket) => socket,
            Err(errno) => return vec![Err(errno); probes.len()],
        };
        let mut flight = Flight {
            probes,
            socket: &socket,
            sent: Vec::new(),
            outcomes: vec![Ok(None); probes.len()],
        };
        flight.fly(wait);
        let outcomes = flight.outcomes;
        self.0 = Some(socket);
        outcomes
    }
}

/// Requests on their way.
struct Flight<'p> {
    probes: &'p [Probe],
    socket: &'p OwnedFd,
    /// When each was sent, as far as they were.
    sent: Vec<Sending>,
    outcomes: Vec<Outcome>,
}

impl Flight<'_> {
    fn fly(&mut self, wait: Duration) {
        for probe in self.probes {
            self.send(probe);
        }
        let end = Instant::now() + wait;
        while self.waits() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || !self.wait_for(left) {
                break;
            }
            self.read();
        }
    }

    fn send(&mut self, probe: &Probe) {
        let place = self.sent.len();
        self.sent.push(Sending::now());
        let mut launched = self.launch(probe);
        if launched.is_err() {
            // The first may be the error of an earlier one, which is in the queue as well.
            self.read();
            launched = self.launch(probe);
        }
        if let Err(errno) = launched {
            self.read();
            if let Some(outcome @ Ok(None)) = self.outcomes.get_mut(place) {
                *outcome = Err(errno);
            }
        }
    }

    fn launch(&self, probe: &Probe) -> Result<(), Errno> {
        socket::set_ttl(probe, self.socket)?;
        socket::launch(probe, self.socket)
    }

    fn waits(&self) -> bool {
        self.outcomes.contains(&Ok(None))
    }

    /// Waits until the socket has something to say; no when the time is over.
    fn wait_for(&self, left: Duration) -> bool {
        let mut polled = [PollFd::new(self.socket, PollFlags::IN)];
        match poll(&mut polled, Timespec::try_from(left).ok().as_ref()) {
            Ok(count) => count > 0,
            Err(errno) => errno == Errno::INTR,
        }
    }

    /// Takes all that has come.
    fn read(&mut self) {
        let mut packet = vec![0; answer::PACKET_BYTES];
        let mut control = [0; answer::CONTROL_BYTES];
        let said = |control: &[u8], len: usize| decode_control(control.get(..len).unwrap_or(&[]));
        while let Ok(got) = receive(self.socket, true, &mut packet, &mut control) {
            self.take(
                packet.get(..got.bytes).unwrap_or(&[]),
                said(&control, got.control_bytes),
                false,
            );
        }
        loop {
            match receive(self.socket, false, &mut packet, &mut control) {
                Ok(got) => self.take(
                    packet.get(..got.bytes).unwrap_or(&[]),
                    said(&control, got.control_bytes),
                    true,
                ),
                // An error that is pending beside its entry in the queue, which was read.
                Err(errno) if errno != Errno::AGAIN => {}
                Err(_) => break,
            }
        }
    }

    /// Finds whose answer it is; an error of this host itself names no packet and is of the last.
    fn take(&mut self, bytes: &[u8], said: Control, is_reply: bool) {
        let sequence = match decode_echo(bytes) {
            Some(echo) if echo.is_reply == is_reply => Some(echo.sequence),
            None if said.error.is_some() && bytes.is_empty() => None,
            _ => return,
        };
        let place = match sequence {
            Some(sequence) => self
                .probes
                .iter()
                .position(|probe| probe.sequence == sequence),
            None => self.sent.len().checked_sub(1),
        };
        let Some(place) = place else { return };
        let (Some(probe), Some(sent)) = (self.probes.get(place), self.sent.get(place)) else {
            return;
        };
        let rtt = sent.until(said.received);
        let answer = match said.error {
            Some(error) => answer::from_error(error, said, rtt),
            None => answer::reply(probe, said, rtt),
        };
        if let Some(outcome @ Ok(None)) = self.outcomes.get_mut(place) {
            *outcome = Ok(Some(answer));
        }
    }
}
