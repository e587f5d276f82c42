//! The largest packet that reaches the destination whole, and who is to blame where big ones vanish.
//!
//! Packets that must not be fragmented are sent as large as this host allows. A router that cannot pass
//! one on has to say so and name its MTU (RFC 1191, RFC 8201), and the next try is that. Where nobody
//! says anything although small ones are answered, the limit is searched, and then the hop behind which
//! big ones vanish.

use std::net::IpAddr;
use std::time::Duration;

use plumb_collect::probe::{self, Answer, Method, Probe, What};
use plumb_collect::sys::signal;
use serde::Serialize;

use super::trace::{Plan, USUAL_BYTES};

/// A probe that passes everywhere.
const SMALL_BYTES: u32 = 64;

/// Routers name a smaller MTU at most so often on one way.
const MOST_STEPS: usize = 8;
/// Every way passes packets of so many bytes (RFC 791, RFC 8200).
const LEAST_IPV4: u32 = 68;
const LEAST_IPV6: u32 = 1280;
/// No IP packet is larger.
const LARGEST: u32 = 65_535;
/// A silence is believed when it comes so often.
const SILENCES: usize = 2;
/// A size is tried at most so often.
const MOST_ASKS: usize = 5;
/// An answer may take so many times as long as an earlier one, and no less than this.
const PATIENCE: u32 = 5;
const LEAST_PATIENCE: Duration = Duration::from_millis(100);
/// Hosts answer with an ICMP error about once a second.
const ANSWER_PAUSE: Duration = Duration::from_millis(1100);

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PathMtu {
    /// The largest packet that arrives whole, bytes.
    pub bytes: u32,
    /// How it was found: `link` (nobody on the way allows less), `icmp` (a router said so), `search` (nobody
    /// did).
    pub by: &'static str,
    /// Who named it.
    pub said_by: Option<IpAddr>,
    /// Larger packets vanish without a word.
    pub black_hole: bool,
    /// They vanish behind this TTL.
    pub behind_ttl: Option<u8>,
}

/// Finds it; `None` where the destination does not answer such probes. `last_ttl` is its TTL.
pub fn find(plan: &Plan, largest: u32, last_ttl: u8) -> Option<PathMtu> {
    let prober = Prober::new(plan)?;
    let mut size = largest.min(LARGEST);
    let mut found = PathMtu {
        bytes: size,
        by: "link",
        said_by: None,
        black_hole: false,
        behind_ttl: None,
    };
    for _ in 0..MOST_STEPS {
        match prober.ask(size) {
            Outcome::Passes => {
                found.bytes = size;
                return Some(found);
            }
            Outcome::TooBig { mtu, from } => {
                // Some say 0, and none may ask for more.
                let next = if mtu > 0 && mtu < size {
                    mtu
                } else {
                    size - size / 4
                };
                size = next.max(prober.least());
                found.by = "icmp";
                found.said_by = from.or(found.said_by);
            }
            Outcome::Vanishes => return prober.search(size, last_ttl),
            Outcome::NobodyAnswers => return None,
        }
    }
    None
}

enum Outcome {
    Passes,
    TooBig { mtu: u32, from: Option<IpAddr> },
    Vanishes,
    NobodyAnswers,
}

struct Prober<'a> {
    plan: &'a Plan,
    /// How long an answer may take, from how long one took.
    patience: Duration,
}

impl<'a> Prober<'a> {
    /// Begins with a small probe; `None` when nobody answers it.
    fn new(plan: &'a Plan) -> Option<Self> {
        let mut prober = Self {
            plan,
            patience: plan.wait,
        };
        let answer = prober.small()?;
        prober.patience = (answer.rtt * PATIENCE).max(LEAST_PATIENCE).min(plan.wait);
        Some(prober)
    }

    fn least(&self) -> u32 {
        if self.plan.destination.is_ipv6() {
            LEAST_IPV6
        } else {
            LEAST_IPV4
        }
    }

    fn probe(&self, bytes: u32, ttl: u8) -> Probe {
        Probe {
            ttl,
            bytes: usize::try_from(bytes).unwrap_or(USUAL_BYTES),
            whole: true,
            // UDP needs a port where nobody listens.
            ..self.plan.probe(ttl, u16::MAX)
        }
    }

    fn send(&self, probe: Probe) -> Option<Answer> {
        let answers = probe::run(&[probe], self.patience);
        answers.into_iter().next()?.ok().flatten()
    }

    /// Tries a size until it is answered, or is silent while small ones are not.
    ///
    /// A silence is believed when a small probe is answered right after it, or when it comes after the pause that hosts
    /// make between ICMP errors, which are all that answers UDP: else the answer may have been held back.
    fn ask(&self, bytes: u32) -> Outcome {
        let (mut believed, mut rested) = (0, false);
        for _ in 0..MOST_ASKS {
            let probe = self.probe(bytes, 0);
            if let Some(answer) = self.send(probe) {
                return self.outcome(&probe, &answer);
            }
            let at_once = self.small_once().is_some();
            believed += usize::from(at_once || rested);
            if believed == SILENCES {
                let answers = at_once || self.small().is_some();
                return if answers {
                    Outcome::Vanishes
                } else {
                    Outcome::NobodyAnswers
                };
            }
            rested = !at_once;
            if rested && !signal::pause(ANSWER_PAUSE) {
                break;
            }
        }
        Outcome::NobodyAnswers
    }

    fn outcome(&self, probe: &Probe, answer: &Answer) -> Outcome {
        match answer.what {
            What::Icmp { kind, code, mtu }
                if is_too_big(self.plan.destination.is_ipv6(), kind, code) =>
            {
                Outcome::TooBig {
                    mtu,
                    from: answer.from,
                }
            }
            What::Local { mtu, .. } if mtu > 0 => Outcome::TooBig { mtu, from: None },
            What::Local { .. } => Outcome::NobodyAnswers,
            _ if answer.is_from(probe) => Outcome::Passes,
            _ => Outcome::NobodyAnswers,
        }
    }

    /// Sends a small probe that the destination answers, now or after the pause that hosts make between ICMP errors;
    /// echo replies they do not hold back.
    fn small(&self) -> Option<Answer> {
        self.small_once().or_else(|| {
            let rested = self.plan.method != Method::Udp || signal::pause(ANSWER_PAUSE);
            rested.then(|| self.small_once()).flatten()
        })
    }

    fn small_once(&self) -> Option<Answer> {
        let probe = self.probe(SMALL_BYTES, 0);
        self.send(probe).filter(|answer| answer.is_from(&probe))
    }

    /// Halves the way between what passes and what vanishes; `None` where nobody answers any more.
    fn search(&self, vanishes: u32, last_ttl: u8) -> Option<PathMtu> {
        let (mut low, mut high) = (self.least(), vanishes);
        while high - low > 1 {
            let middle = low.midpoint(high);
            match self.ask(middle) {
                Outcome::Passes => low = middle,
                Outcome::Vanishes | Outcome::TooBig { .. } => high = middle,
                Outcome::NobodyAnswers => return None,
            }
        }
        Some(PathMtu {
            bytes: low,
            by: "search",
            said_by: None,
            black_hole: true,
            behind_ttl: self.last_hop_of(vanishes, last_ttl),
        })
    }

    /// Finds the last hop that a big packet arrives at: it still says that its TTL is over.
    fn last_hop_of(&self, bytes: u32, last_ttl: u8) -> Option<u8> {
        let arrives = |&ttl: &u8| {
            (0..SILENCES).any(|_| {
                let arrived = self.send(self.probe(bytes, ttl)).is_some();
                // Who does not answer small ones either may hold his answers back.
                let silent = !arrived && self.send(self.probe(SMALL_BYTES, ttl)).is_none();
                arrived
                    || silent
                        && signal::pause(ANSWER_PAUSE)
                        && self.send(self.probe(bytes, ttl)).is_some()
            })
        };
        (1..last_ttl).rev().find(arrives)
    }
}

/// "Fragmentation needed" of ICMP, "packet too big" of `ICMPv6`.
fn is_too_big(ipv6: bool, kind: u8, code: u8) -> bool {
    if ipv6 {
        kind == 2
    } else {
        (kind, code) == (3, 4)
    }
}
