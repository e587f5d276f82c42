//! Processes that have something to take and do not run, because somebody stopped them: by a signal, or in a debugger.

use std::collections::BTreeSet;

use plumb_model::id::Pid;
use plumb_model::sample::{Halt, Halted};
use plumb_model::snapshot::Snapshot;
use plumb_wire::proc::process_stat::decode_stat;

use crate::proc::read_file;

/// More processes are not looked at.
const MOST: usize = 256;

/// Reads those of the holders of sockets in whose queue something waits: bytes, datagrams, or connections to be accepted.
pub(super) fn read(snapshot: &Snapshot) -> Vec<Halted> {
    let sockets = snapshot.sockets.iter().enumerate();
    let waits = sockets.filter(|(_, socket)| socket.recv_q.ok().is_some_and(|queue| queue > 0));
    let holders = waits.flat_map(|(place, _)| snapshot.owners.processes_of(place));
    let pids: BTreeSet<u32> = holders.map(|process| process.pid.0).collect();
    let halted = pids.into_iter().take(MOST).filter_map(|pid| {
        let by = halt(pid)?;
        Some(Halted { pid: Pid(pid), by })
    });
    halted.collect()
}

/// Says by what a process is stopped (`task_state_array` of the kernel's fs/proc/array.c); `None` for one that is not.
fn halt(pid: u32) -> Option<Halt> {
    let text = read_file(format!("/proc/{pid}/stat")).ok()?;
    match decode_stat(&text)?.state {
        b'T' => Some(Halt::Signal),
        b't' => Some(Halt::Debugger),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    use rustix::process::{Pid, Signal, kill_process};

    use super::{Halt, halt};

    #[test]
    fn a_process_is_stopped_by_a_signal_until_it_goes_on() {
        let child = Command::new("sleep").arg("60").stdin(Stdio::null()).spawn();
        let mut child = child.expect("it runs");
        let pid = child.id();
        let id = Pid::from_child(&child);
        let send = |signal| kill_process(id, signal).expect("it is ours");
        // The kernel stops it when it runs next.
        let becomes = |wanted| {
            let start = Instant::now();
            while halt(pid) != wanted && start.elapsed() < Duration::from_secs(10) {
                std::thread::sleep(Duration::from_millis(5));
            }
            halt(pid) == wanted
        };
        let runs = becomes(None);
        send(Signal::STOP);
        let stops = becomes(Some(Halt::Signal));
        send(Signal::CONT);
        let goes_on = becomes(None);
        send(Signal::KILL);
        child.wait().expect("it ends");
        assert_eq!((runs, stops, goes_on), (true, true, true));
    }
}
