//! Listening with the recorder, where it may run: calls of programs that the kernel refuses while the watch lasts (`bind()`,
//! `listen()` and `connect()`), and packets of sockets that the firewall throws away. What is heard [`Heard`] makes sense of.

use std::time::{Duration, Instant};

use plumb_bpf::recorder::{Layer, Plan, Recorder, Scope, Told};
use plumb_collect::sys::signal;
use plumb_model::Reason;
use plumb_model::finding::Gap;
use plumb_model::id::Pid;

use super::heard::Heard;
use super::look::Refused;

/// What this kernel calls a drop by a rule of the firewall.
const FILTERED: &str = "NETFILTER_DROP";
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
            self.take(false);
            if left.is_zero() || signal::interrupted() {
                return;
            }
        }
    }

    fn take(&mut self, everything: bool) {
        let Self { recorder, heard } = self;
        let by_rule = recorder.names().drop_number(FILTERED);
        let mut take = |told: Told<'_>| {
            if let Told::Event(event) = told {
                heard.hear(&event, by_rule);
            }
        };
        if everything {
            recorder.poll_rest(take);
        } else {
            while recorder.poll(&mut take) {}
        }
    }

    /// Ends, and gives what was refused in which network namespace, and what was not heard.
    pub fn finish(mut self) -> Refused {
        self.take(true);
        let mut gaps = self.unheard();
        let lost = self.heard.lost + self.recorder.losses().events;
        if lost > 0 {
            gaps.push(Gap {
                what: format!("{lost} of the {CALLS}"),
                reason: Reason::NotInSource,
            });
        }
        Refused {
            gaps,
            ..self.heard.finish()
        }
    }

    /// Says what this kernel does not tell.
    fn unheard(&self) -> Vec<Gap> {
        let refused = |layer| {
            let mut gaps = self.recorder.gaps().iter();
            gaps.find(|gap| gap.layer == layer)
                .map(|gap| gap.why.clone())
        };
        let gap = |what: &str, why: String| Gap {
            what: format!("{what}: {why}"),
            reason: Reason::NotSupported,
        };
        let nameless = || {
            let names = self.recorder.names();
            let is_told = names.drop_number(FILTERED).is_some();
            (!is_told).then(|| "this kernel does not say why it drops one (Linux 5.17)".to_owned())
        };
        let calls = refused(Layer::Calls).map(|why| gap(CALLS, why));
        let drops = refused(Layer::Drops).or_else(nameless);
        calls
            .into_iter()
            .chain(drops.map(|why| gap(DROPS, why)))
            .collect()
    }
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
        ..Refused::default()
    }
}
