//! Hop by hop: probes of rising TTL until the way ends, then more rounds over the hops that were found.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use plumb_analyze::path::{End, Heard, Hop, Word, verdict};
use plumb_collect::probe::{Answer, Flow, Method, Probe, What};
use plumb_collect::sys::signal;
use rustix::io::Errno;

/// So many TTLs are probed side by side. More would make the destination's kernel hold its answers back,
/// which sends an ICMP error once a second and few at once.
const WINDOW: u8 = 4;
/// Where traceroute begins with its ports: nobody listens there.
const FIRST_UDP_PORT: u16 = 33434;
/// Bytes of a probe, whole packet.
pub const USUAL_BYTES: usize = 64;

/// A further answer may take so many round trips, and no less than this.
const PATIENCE: u32 = 5;
const LEAST_PATIENCE: Duration = Duration::from_millis(200);

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// With what.
    pub method: Method,
    /// Whereto.
    pub destination: SocketAddr,
    /// The source asked for.
    pub source: Option<IpAddr>,
    /// Index of the interface asked for, 0 for none.
    pub device: u32,
    /// No further than this.
    pub max_hops: u8,
    /// It is given up behind so many silent hops on end.
    pub silent_hops: u8,
    /// Probes for each hop.
    pub rounds: u16,
    /// Between rounds.
    pub interval: Duration,
    /// For an answer.
    pub wait: Duration,
}

/// One hop and how it answered.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Measured {
    /// What was heard, each once.
    pub hop: Hop,
    /// Probes sent.
    pub sent: u32,
    /// Round trip times in the order of the rounds, ms.
    pub rtts_ms: Vec<f64>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// The hops by rising TTL.
    pub hops: Vec<Measured>,
    /// How the way ends.
    pub end: End,
    /// Why probes could not be sent, where that happened.
    pub unsent: Option<Errno>,
    /// Somebody interrupted before the end was found.
    pub interrupted: bool,
    /// The last hop that may be asked passes probes on: what lies behind it is not known.
    pub cut: bool,
}

impl Trace {
    /// Says how long further answers may take, from how long those took that came.
    pub fn patience(&self, plan: &Plan) -> Duration {
        let rtts = self.hops.iter().flat_map(|measured| &measured.rtts_ms);
        let slowest = rtts.copied().fold(0.0, f64::max);
        let slowest = Duration::try_from_secs_f64(slowest / 1000.0).unwrap_or(plan.wait);
        (slowest * PATIENCE).max(LEAST_PATIENCE).min(plan.wait)
    }

    /// Says whether probes could not be sent and nobody answered any.
    pub fn is_unsent(&self) -> bool {
        let is_silent = |measured: &Measured| measured.hop.heard.is_empty();
        self.unsent.is_some() && self.hops.iter().all(is_silent)
    }
}

/// Traces.
pub fn run(plan: &Plan) -> Trace {
    let mut trace = Trace {
        hops: Vec::new(),
        end: End::Silent { ttl: 0 },
        unsent: None,
        interrupted: false,
        cut: false,
    };
    signal::catch_interrupts(1);
    let mut flow = Flow::default();
    let mut first = 1;
    // Later rounds may go other ways, of which one goes on where the first was stopped.
    while discover(plan, first, &mut trace, &mut flow) == Found::Stop {
        repeat(plan, first, &mut trace, &mut flow);
        first = next(&trace);
        let ends = matches!(
            end(plan, &trace.hops),
            End::Stopped { .. } | End::Reached { .. }
        );
        if ends || first > plan.max_hops || signal::interrupted() {
            return finished(plan, trace);
        }
    }
    repeat(plan, first, &mut trace, &mut flow);
    finished(plan, trace)
}

/// Asks the hops from `first` on again.
fn repeat(plan: &Plan, first: u8, trace: &mut Trace, flow: &mut Flow) {
    for round in 1..plan.rounds {
        if !signal::pause(plan.interval) {
            break;
        }
        let ttls: Vec<u8> = trace.hops.iter().map(|measured| measured.hop.ttl).collect();
        let ttls: Vec<u8> = ttls.into_iter().filter(|&ttl| ttl >= first).collect();
        for window in ttls.chunks(WINDOW.into()) {
            send((plan, flow), window, round, trace);
        }
    }
}

/// The TTL behind the last that was asked.
fn next(trace: &Trace) -> u8 {
    let last = trace.hops.last().map_or(0, |measured| measured.hop.ttl);
    last.saturating_add(1)
}

/// Judges; what was asked behind the end, because a first answer of it was lost, is no hop.
fn finished(plan: &Plan, mut trace: Trace) -> Trace {
    trace.end = end(plan, &trace.hops);
    trace.cut = trace.end == End::Silent { ttl: plan.max_hops };
    if let End::Reached { ttl, .. } | End::Stopped { ttl, .. } = trace.end {
        trace.hops.retain(|measured| measured.hop.ttl <= ttl);
    }
    trace
}

/// What looking for hops came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// Somebody says that it goes no further.
    Stop,
    /// The destination, a circle, silence, or as far as was asked for.
    End,
}

/// Looks for hops from `first` on.
fn discover(plan: &Plan, mut first: u8, trace: &mut Trace, flow: &mut Flow) -> Found {
    while first <= plan.max_hops {
        let last = first.saturating_add(WINDOW - 1).min(plan.max_hops);
        let ttls: Vec<u8> = (first..=last).collect();
        for &ttl in &ttls {
            trace.hops.push(Measured {
                hop: Hop {
                    ttl,
                    heard: Vec::new(),
                },
                ..Measured::default()
            });
        }
        send((plan, flow), &ttls, 0, trace);
        match end(plan, &trace.hops) {
            End::Reached { ttl, .. } => {
                trace.hops.truncate(ttl.into());
                return Found::End;
            }
            End::Stopped { ttl, .. } => {
                trace.hops.truncate(ttl.into());
                return Found::Stop;
            }
            End::Loop { .. } => return Found::End,
            End::Silent { ttl } if last - ttl >= plan.silent_hops => return Found::End,
            End::Silent { .. } if trace.unsent.is_some() => return Found::End,
            End::Silent { .. } if signal::interrupted() => {
                trace.interrupted = true;
                return Found::End;
            }
            End::Silent { .. } => {}
        }
        let Some(further) = last.checked_add(1) else {
            break;
        };
        first = further;
    }
    Found::End
}

fn end(plan: &Plan, hops: &[Measured]) -> End {
    let hops: Vec<Hop> = hops.iter().map(|measured| measured.hop.clone()).collect();
    verdict(&hops, plan.destination.ip())
}

fn send((plan, flow): (&Plan, &mut Flow), ttls: &[u8], round: u16, trace: &mut Trace) {
    let probes: Vec<Probe> = ttls.iter().map(|&ttl| plan.probe(ttl, round)).collect();
    let results = flow.run(&probes, plan.wait);
    for (probe, result) in probes.iter().zip(results) {
        let Some(measured) = trace
            .hops
            .iter_mut()
            .find(|measured| measured.hop.ttl == probe.ttl)
        else {
            continue;
        };
        measured.sent += 1;
        match result {
            Ok(Some(answer)) => match heard(plan, &answer) {
                Ok(heard) => {
                    measured.rtts_ms.push(milliseconds(answer.rtt));
                    // The same with another TTL is the same.
                    let is_known = measured
                        .hop
                        .heard
                        .iter()
                        .any(|known| known.from == heard.from && known.word == heard.word);
                    if !is_known {
                        measured.hop.heard.push(heard);
                    }
                }
                Err(errno) => trace.unsent = Some(errno),
            },
            Ok(None) => {}
            Err(errno) => trace.unsent = Some(errno),
        }
    }
}

/// Counts whole nanoseconds, so that no digits are made up behind them.
fn milliseconds(time: Duration) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "round trips take less than a month"
    )]
    let nanoseconds = time.as_nanos() as f64;
    nanoseconds / 1e6
}

/// Understands an answer; `Err` is this host's own refusal.
pub(super) fn heard(plan: &Plan, answer: &Answer) -> Result<Heard, Errno> {
    let word = match answer.what {
        What::Reply => Word::Reply,
        What::Refused => Word::Refused,
        What::Icmp { kind, code, .. } => Word::of_icmp(plan.destination.is_ipv6(), kind, code),
        What::Local { errno, .. } => return Err(errno),
    };
    Ok(Heard {
        from: answer.from.unwrap_or(plan.destination.ip()).to_canonical(),
        word,
        ttl: answer.ttl,
    })
}

impl Plan {
    /// Makes the probe of a TTL.
    pub fn probe(&self, ttl: u8, round: u16) -> Probe {
        let mut destination = self.destination;
        if self.method == Method::Udp && destination.port() == 0 {
            destination.set_port(FIRST_UDP_PORT + u16::from(ttl));
        }
        Probe {
            method: self.method,
            destination,
            source: self.source,
            device: self.device,
            ttl,
            least_ttl: 0,
            sequence: round.wrapping_mul(256).wrapping_add(ttl.into()),
            bytes: USUAL_BYTES,
            whole: false,
        }
    }
}

impl Measured {
    /// Probes without answer, percent.
    pub fn loss_percent(&self) -> f64 {
        let received = u32::try_from(self.rtts_ms.len()).unwrap_or(u32::MAX);
        f64::from(self.sent.saturating_sub(received)) * 100.0 / f64::from(self.sent.max(1))
    }

    /// Smallest, mean and largest round trip time, ms.
    pub fn rtt_ms(&self) -> Option<(f64, f64, f64)> {
        let count = u32::try_from(self.rtts_ms.len())
            .ok()
            .filter(|&count| count > 0)?;
        let sum: f64 = self.rtts_ms.iter().sum();
        let least = self.rtts_ms.iter().copied().fold(f64::INFINITY, f64::min);
        let most = self.rtts_ms.iter().copied().fold(0.0, f64::max);
        Some((least, rounded(sum / f64::from(count)), most))
    }

    /// Mean difference between one round trip time and the next, ms.
    pub fn jitter_ms(&self) -> Option<f64> {
        let pairs = self.rtts_ms.windows(2);
        let differences: Vec<f64> = pairs
            .filter_map(|pair| match pair {
                [a, b] => Some((a - b).abs()),
                _ => None,
            })
            .collect();
        let count = u32::try_from(differences.len())
            .ok()
            .filter(|&count| count > 0)?;
        Some(rounded(differences.iter().sum::<f64>() / f64::from(count)))
    }
}

/// Rounds milliseconds to whole nanoseconds.
fn rounded(ms: f64) -> f64 {
    (ms * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_a_hop_are_those_of_its_round_trips() {
        let measured = Measured {
            sent: 4,
            rtts_ms: vec![1.0, 3.0, 2.0],
            ..Measured::default()
        };
        assert!((measured.loss_percent() - 25.0).abs() < 1e-9);
        assert_eq!(measured.rtt_ms(), Some((1.0, 2.0, 3.0)));
        assert_eq!(measured.jitter_ms(), Some(1.5));
        let measured = Measured {
            rtts_ms: vec![0.1, 0.3],
            ..Measured::default()
        };
        assert_eq!(measured.rtt_ms(), Some((0.1, 0.2, 0.3)));
        assert_eq!(measured.jitter_ms(), Some(0.2), "no 0.19999999999999998");
        assert_eq!(
            milliseconds(Duration::from_nanos(65_724)).to_string(),
            "0.065724"
        );
        assert_eq!(Measured::default().rtt_ms(), None);
        assert_eq!(Measured::default().jitter_ms(), None);
    }
}
