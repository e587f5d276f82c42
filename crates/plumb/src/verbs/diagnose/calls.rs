//! Listening with the recorder, where it may run: calls of programs that the kernel refuses while the watch lasts (`bind()`,
//! `listen()` and `connect()`, datagrams that the routing refuses), packets of sockets that the firewall
//! throws away, and those whose sender cannot be where they came in. What is heard [`Heard`] makes sense of.

use std::time::{Duration, Instant};

use plumb_bpf::recorder::{Layer, Plan, Recorder, Scope, Told};
use plumb_collect::sys::signal;
use plumb_model::Reason;
use plumb_model::finding::Gap;
use plumb_model::id::Pid;

use super::heard::{Heard, Reasons};
use super::look::Refused;

/// What this kernel calls a drop by a rule of the firewall.
const FILTERED: &str = "NETFILTER_DROP";
/// What it calls packets whose sender cannot be where they came in (Linux 6.13).
const MARTIAN: [&str; 3] = ["IP_LOCAL_SOURCE", "IP_INVALID_SOURCE", "IP_LOCALNET"];
/// How long one wait for events may last.
const LOOK: Duration = Duration::from_millis(50);
/// What is listened for.
const CALLS: &str = "calls that fail";
const DROPS: &str = "packets of programs of this host that its own firewall throws away";

/// The calls heard so far.
pub(super) struct Calls {
    recorder: Recorder,
    heard: Heard,
}

impl Calls {
    /// Begins to listen to everybody, or to a process and its children; the error is why that is not possible,
    /// in words.
    pub fn start(root: Option<Pid>) -> Result<Self, String> {
        let plan = Plan {
            scope: root.map_or(Scope::Host, |_| Scope::Processes),
            layers: vec![Layer::Calls, Layer::Drops],
            no_stacks: true,
            only_calls: &["bind", "listen", "connect"],
            refused_sends: true,
            only_drops: &[FILTERED, MARTIAN[0], MARTIAN[1], MARTIAN[2]],
            // What is forwarded belongs to no socket, and is nothing that a command does.
            strangers: root.is_none(),
            ..Plan::default()
        };
        let mut recorder = Recorder::start(&plan).map_err(|unavailable| unavailable.why)?;
        if let Some(root) = root {
            recorder.follow(root).map_err(|error| error.to_string())?;
        }
        Ok(Self {
            recorder,
            heard: Heard::default(),
        })
    }

    /// Listens until then, or until somebody interrupts.
    pub fn listen_until(&mut self, end: Instant) {
        loop {
            let left = end.saturating_duration_since(Instant::now());
            self.recorder.wait(left.min(LOOK));
            self.take();
            if left.is_zero() || signal::interrupted() {
                return;
            }
        }
    }

    /// Takes what has come, for no longer than one look: where more comes than can be told, the rest is lost and counted.
    fn take(&mut self) {
        let Self { recorder, heard } = self;
        let reasons = reasons(recorder);
        let end = Instant::now() + LOOK;
        while recorder.poll(|told| note(heard, &told, &reasons)) && Instant::now() < end {}
    }

    /// Ends, and gives what was refused in which network namespace, and what was not heard.
    pub fn finish(mut self) -> Refused {
        let Self { recorder, heard } = &mut self;
        let reasons = reasons(recorder);
        recorder.poll_rest(|told| note(heard, &told, &reasons));
        let refused = |layer| {
            let mut gaps = self.recorder.gaps().iter();
            let gap = gaps.find(|gap| gap.layer == layer)?;
            Some(gap.why.clone())
        };
        let (calls, drops) = (refused(Layer::Calls), refused(Layer::Drops));
        let is_told = self.recorder.names().drop_number(FILTERED).is_some();
        let lost = self.heard.lost + self.recorder.losses().events;
        let heard = Refused {
            no_calls: calls.is_some(),
            no_drops: drops.is_some() || !is_told,
            all_martians: drops.is_none() && lost == 0 && reasons.martian.len() == MARTIAN.len(),
            ..self.heard.finish()
        };
        Refused {
            gaps: gaps(calls, drops, is_told, lost),
            ..heard
        }
    }
}

fn reasons(recorder: &Recorder) -> Reasons {
    let number = |name: &str| recorder.names().drop_number(name);
    Reasons {
        by_rule: number(FILTERED),
        martian: MARTIAN.into_iter().filter_map(number).collect(),
    }
}

fn note(heard: &mut Heard, told: &Told<'_>, reasons: &Reasons) {
    if let Told::Event(event) = told {
        heard.hear(event, reasons);
    }
}

/// Says what was not heard: why calls and drops are not told, whether the kernel says of a drop that a rule was the
/// reason, and how much was lost.
fn gaps(calls: Option<String>, drops: Option<String>, is_told: bool, lost: u64) -> Vec<Gap> {
    let nameless = "this kernel does not say why it drops one (Linux 5.17)";
    let drops = drops.or_else(|| (!is_told).then(|| nameless.to_owned()));
    let untold = [(CALLS, calls), (DROPS, drops)].into_iter();
    let untold = untold.filter_map(|(what, why)| {
        Some(Gap {
            what: format!("{what}: {}", why?),
            reason: Reason::NotSupported,
        })
    });
    let lost = (lost > 0).then(|| Gap {
        what: format!("{lost} of the {CALLS}"),
        reason: Reason::NotInSource,
    });
    untold.chain(lost).collect()
}

/// Says what is not heard where the recorder may not run, and why.
pub(super) fn deaf(why: &str) -> Refused {
    // What root cannot load, this kernel does not take.
    let reason = if rustix::process::geteuid().is_root() {
        Reason::NotSupported
    } else {
        Reason::PermissionDenied
    };
    let gaps = [CALLS, DROPS].map(|what| Gap {
        what: format!("{what}: {why}"),
        reason,
    });
    Refused {
        gaps: gaps.into(),
        no_calls: true,
        no_drops: true,
        ..Refused::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_that_gives_no_reason_for_a_drop_is_said_not_to() {
        let told = |calls: Option<&str>, drops: Option<&str>, is_told| -> Vec<String> {
            let own = |why: Option<&str>| why.map(str::to_owned);
            let gaps = gaps(own(calls), own(drops), is_told, 0);
            gaps.into_iter().map(|gap| gap.what).collect()
        };
        assert_eq!(told(None, None, true), [""; 0]);
        let old = told(None, None, false);
        assert_eq!(old.len(), 1);
        assert!(
            old[0].contains("firewall") && old[0].contains("5.17"),
            "{old:?}"
        );
        let both = told(Some("no tracepoint"), Some("no probe"), false);
        assert_eq!(both.len(), 2);
        assert!(both[1].ends_with(": no probe"), "{both:?}");
    }
}
