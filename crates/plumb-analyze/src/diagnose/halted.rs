//! A process that takes nothing because somebody stopped it: whatever is found of its queues has that reason.

use plumb_model::finding::{Evidence, Finding};
use plumb_model::id::Pid;
use plumb_model::sample::{Halt, Sample};

use super::{Case, accept_queue_overflow, evidence, slow_reader, udp, unix_backlog_full};

/// What is found of queues that nobody empties.
const QUEUES: [&str; 4] = [
    accept_queue_overflow::ID,
    slow_reader::LOCAL,
    udp::OVERFLOW,
    unix_backlog_full::ID,
];

/// Adds to findings about the queues of a process that it is stopped, and how it goes on.
pub(super) fn tell(case: &Case<'_>, findings: &mut [Finding]) {
    let queues = findings
        .iter_mut()
        .filter(|finding| QUEUES.contains(&finding.kind));
    for finding in queues {
        let Some((pid, by)) = finding.subject.pid.and_then(|pid| halt(case, pid)) else {
            continue;
        };
        let (what, state, hint) = match by {
            Halt::Signal => (
                "is stopped by a signal (SIGSTOP, or Ctrl-Z in its terminal)",
                "T (stopped)",
                format!("let it go on: kill -CONT {pid}"),
            ),
            Halt::Debugger => (
                "is stopped by a debugger",
                "t (tracing stop)",
                format!("see which one: grep TracerPid /proc/{pid}/status; let it go on there"),
            ),
        };
        finding.summary = format!("{}; process {pid} {what}", finding.summary);
        finding.evidence.insert(0, fact(pid, state));
        finding.hints = vec![hint];
    }
}

/// Says by what a process is stopped, in both samples.
fn halt(case: &Case<'_>, pid: Pid) -> Option<(u32, Halt)> {
    let in_sample = |sample: &Sample| {
        let mut all = sample.halted.iter();
        all.find(|halted| halted.pid == pid).map(|halted| halted.by)
    };
    in_sample(case.span.before)?;
    Some((pid.0, in_sample(case.span.after)?))
}

fn fact(pid: u32, state: &str) -> Evidence {
    evidence::fact(
        &format!("/proc/{pid}/stat"),
        format!("its state is {state}"),
    )
}

#[cfg(test)]
mod tests {
    use plumb_model::finding::{Confidence, Severity, Subject};
    use plumb_model::sample::Halted;

    use crate::made_up;

    use super::*;

    /// What is told of a full queue of process 7, which is in these states in the two samples.
    fn told(kind: &'static str, states: [Option<Halt>; 2]) -> Finding {
        let [before, after] = states.map(|by| Sample {
            halted: by
                .map(|by| Halted { pid: Pid(7), by })
                .into_iter()
                .collect(),
            ..Sample::default()
        });
        let mut findings = [Finding {
            kind,
            severity: Severity::Critical,
            summary: "it does not read".to_owned(),
            subject: Subject {
                pid: Some(Pid(7)),
                ..Subject::default()
            },
            evidence: Vec::new(),
            hints: vec!["look".to_owned()],
            confidence: Confidence::Certain,
        }];
        tell(&made_up::between(&before, &after), &mut findings);
        let [finding] = findings;
        finding
    }

    #[test]
    fn who_is_stopped_in_both_samples_is_said_to_be_and_how_he_goes_on() {
        let by = Some(Halt::Signal);
        let stopped = told(slow_reader::LOCAL, [by, by]);
        assert!(stopped.summary.contains("process 7 is stopped by a signal"));
        assert_eq!(stopped.hints, ["let it go on: kill -CONT 7"]);
        let by = Some(Halt::Debugger);
        let traced = told(accept_queue_overflow::ID, [by, by]);
        assert!(
            traced.summary.contains("by a debugger"),
            "{}",
            traced.summary
        );
    }

    #[test]
    fn who_ran_meanwhile_and_what_has_nothing_to_do_with_it_is_told_as_it_was() {
        let by = Some(Halt::Signal);
        for finding in [
            told(slow_reader::LOCAL, [None, by]),
            told(slow_reader::LOCAL, [by, None]),
            told(slow_reader::PEER, [by, by]),
        ] {
            assert_eq!(finding.summary, "it does not read");
            assert_eq!(finding.hints, ["look"]);
        }
    }
}
