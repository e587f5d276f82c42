//! One address and port: the decision, the trial, and the row that tells both.

use plumb_analyze::bind::{
    AddressSettings, Answer, Attempt, Decision, Overlap, Protocol, Rule, any_port, decide,
};
use plumb_collect::bind::lists_bound_sockets;
use plumb_collect::port_settings::PortSettings;
use plumb_model::Uid;
use rustix::io::Errno;

use super::read::{self, Sockets};
use super::row::{Holder, Row, Tried};
use super::trial::{self, Wish};
use super::{MOST_SHOWN, holders, words};
use crate::errno;
use crate::verbs::unseen;

/// When the rules and the kernel disagree, somebody may have come or gone between; so often is looked
/// again.
const LOOKS: usize = 3;

/// Said where such a socket may be what is in the way.
const NOT_LISTED: &str =
    "TCP sockets that are bound and do not listen: this kernel does not list them (Linux 6.8 does)";

/// What all answers of one run share.
pub struct Question<'a> {
    /// Addresses and settings.
    pub settings: &'a AddressSettings,
    /// Sysctls.
    pub ports: &'a PortSettings,
    /// Whether to bind for real.
    pub wish: Wish,
    /// The user this process is.
    pub own: Uid,
}

/// Answers; `endpoint` is what the user will read. What could not be seen goes to `reasons`.
pub fn answer(
    question: &Question<'_>,
    attempt: &Attempt,
    endpoint: String,
    reasons: &mut Vec<String>,
) -> Row {
    let mut looked = look(question, attempt);
    for _ in 1..LOOKS {
        if looked.agrees() != Some(false) {
            break;
        }
        looked = look(question, attempt);
    }
    let not_listed = looked.blind && looked.tried != Some(Ok(()));
    let gaps = unseen::gaps(&looked.sockets.snapshot).into_iter();
    for gap in gaps.chain(not_listed.then(|| NOT_LISTED.to_owned())) {
        // What both addresses of a port lack is said once.
        if !reasons.contains(&gap) {
            reasons.push(gap);
        }
    }
    if looked.agrees() == Some(false) {
        reasons.push(format!(
            "{endpoint}: THE KERNEL DISAGREES with the rules known to plumb ({}): {}",
            looked.decision.rule.word(),
            looked.kernel_says()
        ));
    }
    row(question, attempt, endpoint, &looked)
}

/// One look: the sockets, what the rules say, what the kernel said right after.
struct Look {
    sockets: Sockets,
    decision: Decision,
    tried: Option<Result<(), Errno>>,
    not_tried: Option<String>,
    /// A socket that is bound and does not listen would not be seen on this kernel.
    blind: bool,
}

fn look(question: &Question<'_>, attempt: &Attempt) -> Look {
    let sockets = read::sockets(attempt.protocol, attempt.port);
    let decision = decide_here(question, attempt, &sockets);
    let (tried, not_tried) = match trial::objection(question.wish, attempt, &decision) {
        Some(objection) => (None, Some(objection)),
        None => match trial::run(attempt, question.own) {
            Ok(said) => (Some(said), None),
            Err(error) => (None, Some(errno::plain(&error.to_string()).to_owned())),
        },
    };
    let free = decision.answer == Answer::Yes && attempt.protocol == Protocol::Tcp;
    Look {
        sockets,
        decision,
        tried,
        not_tried,
        blind: free && !lists_bound_sockets(),
    }
}

fn decide_here(question: &Question<'_>, attempt: &Attempt, sockets: &Sockets) -> Decision {
    if attempt.port != 0 {
        return decide(attempt, question.settings, &sockets.rivals(attempt.port));
    }
    let (first, last) = question.ports.range.ok().unwrap_or((1024, u16::MAX));
    let reserved = question.ports.reserved.clone().ok().unwrap_or_default();
    let free = (first..=last).filter(|port| {
        !reserved
            .iter()
            .any(|(first, last)| (first..=last).contains(&port))
    });
    any_port(attempt, question.settings, free, |port| {
        sockets.rivals(port)
    })
}

impl Look {
    fn predicted(&self) -> Option<bool> {
        match self.decision.answer {
            Answer::Yes if self.blind => None,
            Answer::Yes => Some(true),
            Answer::No => Some(false),
            Answer::Unsure => None,
        }
    }

    fn agrees(&self) -> Option<bool> {
        let tried = self.tried.as_ref()?;
        let predicted = self.predicted()?;
        let expected = self.decision.rule.error().filter(|_| !predicted);
        Some(match (tried, expected) {
            (Ok(()), None) => true,
            (Err(errno), Some(expected)) => trial::name(*errno) == expected.name(),
            _ => false,
        })
    }

    fn kernel_says(&self) -> String {
        match self.tried {
            Some(Ok(())) => String::from("it bound"),
            Some(Err(errno)) => format!("it refused with {}", trial::name(errno)),
            None => String::from("it was not asked"),
        }
    }
}

fn row(question: &Question<'_>, attempt: &Attempt, endpoint: String, look: &Look) -> Row {
    let decision = &look.decision;
    let described = |places: &[(usize, Overlap)]| -> Vec<Holder> {
        let mut places = places.to_vec();
        places.sort_by_key(|&(place, _)| rank(&look.sockets, place));
        let shown = places.iter().take(MOST_SHOWN);
        shown
            .filter_map(|&(place, how)| holders::describe(&look.sockets, place, Some(how)))
            .collect()
    };
    let elsewhere = look.sockets.elsewhere(attempt.port);
    let bound = look.tried.as_ref().map(Result::is_ok);
    let refused = look.tried.as_ref().and_then(|tried| tried.err());
    let mut row = Row {
        endpoint,
        protocol: match attempt.protocol {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
        },
        can_bind: bound.or(look.predicted()),
        errno: refused.map(trial::name).or_else(|| {
            let expected = decision.rule.error().filter(|_| bound.is_none())?;
            (decision.answer == Answer::No).then(|| expected.name().to_owned())
        }),
        rule: decision.rule.word(),
        explanation: String::new(),
        predicted: look.predicted(),
        tried: bound.map(|bound| Tried {
            bound,
            errno: refused.map(trial::name),
            agrees: look.agrees(),
        }),
        not_tried: look.not_tried.clone(),
        blockers: described(&decision.blockers),
        blockers_total: decision.blockers.len(),
        undecided: described(&decision.unsure),
        shared_with: described(&decision.shares),
        would_help: Vec::new(),
        notes: words::notes(attempt, question.ports),
        hints: Vec::new(),
        elsewhere: elsewhere
            .iter()
            .take(MOST_SHOWN)
            .filter_map(|&place| holders::describe(&look.sockets, place, None))
            .collect(),
    };
    if row.can_bind != Some(true) && decision.rule == Rule::InUse {
        row.would_help = would_help(question, attempt, &look.sockets);
    }
    row.explanation = words::explain(&row, decision.rule, attempt);
    row.hints = words::hints(&row, decision.rule, attempt);
    row
}

/// Listeners first, then what has a holder, stubs last.
fn rank(sockets: &Sockets, place: usize) -> (bool, bool) {
    let socket = sockets.snapshot.sockets.get(place);
    let listens = socket.is_some_and(plumb_model::snapshot::Socket::is_listener);
    let held = socket.is_some_and(|socket| socket.inode.ok().is_some());
    (!listens, !held)
}

/// Finds options with which it would be bound; where a trial disturbs nobody, the kernel has the last word.
fn would_help(question: &Question<'_>, attempt: &Attempt, sockets: &Sockets) -> Vec<&'static str> {
    let mut helps = Vec::new();
    let variants = [
        (
            "SO_REUSEADDR",
            Attempt {
                reuse_addr: true,
                ..*attempt
            },
        ),
        (
            "SO_REUSEPORT",
            Attempt {
                reuse_port: true,
                ..*attempt
            },
        ),
        (
            "IPV6_V6ONLY",
            Attempt {
                v6only: true,
                ..*attempt
            },
        ),
    ];
    for (name, variant) in variants {
        if variant == *attempt || (name == "IPV6_V6ONLY" && !attempt.ip.is_ipv6()) {
            continue;
        }
        let decision = decide_here(question, &variant, sockets);
        let tried = match trial::objection(question.wish, &variant, &decision) {
            None => trial::run(&variant, question.own).ok(),
            Some(_) => None,
        };
        let works = tried.map_or(decision.answer == Answer::Yes, |said| said.is_ok());
        if works {
            helps.push(name);
        }
    }
    helps
}
