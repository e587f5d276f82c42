//! Names of processes whose sockets the kernel does something with: it tells their ids alone.

use std::collections::HashMap;
use std::path::Path;

use plumb_collect::processes::details::{Wanted, describe};
use plumb_model::Known;
use plumb_model::event::{Event, Task};
use plumb_model::id::Pid;

/// So many names are kept at most; further processes are told by their ids.
const MOST: usize = 65_536;

/// The names that are known, raw bytes; `None` of a process that had ended before anything told its name.
#[derive(Debug, Default)]
pub struct ProcessNames {
    names: HashMap<Pid, Option<Vec<u8>>>,
}

impl ProcessNames {
    /// Takes the name from what a process did: it is there when the process is gone.
    pub fn learn(&mut self, task: &Task) {
        let is_known = self
            .names
            .get(&task.pid)
            .is_some_and(|name| name.as_ref() == Some(&task.comm));
        if !is_known && (self.names.len() < MOST || self.names.contains_key(&task.pid)) {
            self.names.insert(task.pid, Some(task.comm.clone()));
        }
    }

    /// Says whose socket it is: `curl 4242`, `4242` where the name is not known, `-` of nobody's.
    pub fn text(&mut self, event: &Event) -> String {
        let Some(pid) = event.owner else {
            return String::from("-");
        };
        if self.names.len() < MOST {
            self.names.entry(pid).or_insert_with(|| read(pid));
        }
        match self.names.get(&pid) {
            Some(Some(name)) => format!("{} {}", String::from_utf8_lossy(name), pid.0),
            _ => pid.0.to_string(),
        }
    }
}

fn read(pid: Pid) -> Option<Vec<u8>> {
    let process = describe(Path::new("/proc"), pid, Wanted::default());
    matches!(process.start_ticks, Known::Known(_)).then_some(process.comm)
}

#[cfg(test)]
mod tests {
    use plumb_model::event::What;

    use super::*;

    fn event(owner: Option<u32>) -> Event {
        Event {
            time_ns: 0,
            cookie: None,
            netns: None,
            ends: None,
            owner: owner.map(Pid),
            task: None,
            stack: None,
            what: What::Exit,
        }
    }

    #[test]
    fn a_process_is_named_by_what_it_did_or_by_what_it_is() {
        let mut names = ProcessNames::default();
        // No process can have this id (PID_MAX_LIMIT).
        let gone = 4_194_305;
        assert_eq!(names.text(&event(Some(gone))), "4194305");
        names.learn(&Task {
            pid: Pid(gone),
            tid: gone,
            comm: b"curl".to_vec(),
        });
        assert_eq!(names.text(&event(Some(gone))), "curl 4194305");
        assert_eq!(names.text(&event(None)), "-");
        let own = std::process::id();
        let text = names.text(&event(Some(own)));
        assert!(text.ends_with(&format!(" {own}")), "{text}");
    }
}
