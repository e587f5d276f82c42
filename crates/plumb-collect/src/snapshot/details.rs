//! What was asked for of the processes of a snapshot.

use std::collections::BTreeSet;
use std::path::Path;

use plumb_model::attribution::Process;
use plumb_model::{Known, Pid, Reason};

use crate::processes::details::{Wanted, describe_all};
use crate::workloads::Names;

/// Adds what is wanted to processes that were found to hold sockets. One that has ended since keeps its
/// name; so does one whose id another has now, which its start tells where whoever found it knew it.
pub(super) fn add(wanted: Wanted, processes: &mut [Process]) {
    if wanted == Wanted::default() {
        return;
    }
    let pids: Vec<Pid> = processes.iter().map(|process| process.pid).collect();
    let described = describe_all(Path::new("/proc"), &pids, wanted);
    for (process, described) in processes.iter_mut().zip(described) {
        merge(process, described);
    }
    if wanted.cgroup {
        name_workloads(processes);
    }
}

/// Adds processes that hold none of the sockets, as far as they are there and unknown.
pub(super) fn add_more(wanted: Wanted, pids: &[Pid], processes: &mut Vec<Process>) {
    let known: BTreeSet<Pid> = processes.iter().map(|process| process.pid).collect();
    let new: Vec<Pid> = pids
        .iter()
        .copied()
        .filter(|pid| !known.contains(pid))
        .collect();
    let mut described = describe_all(Path::new("/proc"), &new, wanted);
    described.retain(|process| process.start_ticks.ok().is_some());
    if wanted.cgroup {
        name_workloads(&mut described);
    }
    processes.append(&mut described);
}

fn name_workloads(processes: &mut [Process]) {
    let mut names = Names::new(Path::new("/"));
    for process in processes {
        if let Known::Known(cgroup) = &process.cgroup {
            names.fill(&mut process.workload, cgroup);
        }
    }
}

fn merge(found: &mut Process, described: Process) {
    let is_same = match (found.start_ticks, described.start_ticks) {
        (Known::Known(before), Known::Known(now)) => before == now,
        // Of a process that ended whoever has its id now is another.
        (Known::Unknown(before), now) => {
            before != Reason::ProcessEnded && matches!(now, Known::Known(_))
        }
        (Known::Known(_), Known::Unknown(_)) => false,
    };
    if is_same {
        *found = described;
        return;
    }
    let reason = described
        .start_ticks
        .reason()
        .unwrap_or(Reason::ProcessEnded);
    *found = Process {
        comm: std::mem::take(&mut found.comm),
        start_ticks: found.start_ticks,
        ..Process::unknown(found.pid, reason)
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(comm: &str, start: Known<u64>) -> Process {
        Process {
            comm: comm.into(),
            start_ticks: start,
            ..Process::unknown(Pid(7), Reason::NotInSource)
        }
    }

    #[test]
    fn another_process_of_the_same_id_is_not_mixed_in() {
        let ended = Known::Unknown(Reason::ProcessEnded);
        let unknown = Known::Unknown(Reason::NotInSource);
        let cases = [
            (Known::Known(1), Known::Known(1), "now"),
            (unknown, Known::Known(1), "now"),
            (Known::Known(1), Known::Known(2), "before"),
            (Known::Known(1), ended, "before"),
            (ended, Known::Known(2), "before"),
        ];
        for (before, now, name) in cases {
            let mut found = process("before", before);
            merge(&mut found, process("now", now));
            assert_eq!(found.comm, name.as_bytes());
            let reason = (name == "before").then_some(Reason::ProcessEnded);
            assert_eq!(found.exe.reason().filter(|_| reason.is_some()), reason);
        }
    }
}
