//! Every program there is, and whether this kernel and this user let it run: what `plumb doctor` shows.
//!
//! A row each; who adds a probe adds its row. Asking loads each program and drops it again, which takes
//! some milliseconds for each; the recorder, whose parts can fail one by one, is attached for a moment,
//! following nobody. Nothing stays.

use crate::load::{Program, load_first};
use crate::recorder::{Layer, Plan, Recorder, Scope};
use crate::unavailable::Unavailable;
use crate::{in_flight, owners};

/// A program, and whether it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramStatus {
    /// Folder and file below `probes/`.
    pub name: &'static str,
    /// What it is for, in a few words.
    pub purpose: &'static str,
    /// The oldest kernel that has all it needs, by its version.
    pub minimum_kernel: &'static str,
    /// Whether it runs here.
    pub status: Status,
}

/// Whether a program runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// The kernel has taken it. Where its hooks were chosen among several, they are told, as
    /// `tp_btf/inet_sock_set_state`.
    Runs(Vec<&'static str>),
    /// It has not, or would not.
    CannotRun(Unavailable),
}

/// A row of the table.
struct Row {
    name: &'static str,
    purpose: &'static str,
    minimum_kernel: &'static str,
    load: fn() -> Result<(), Unavailable>,
}

const ROWS: &[Row] = &[
    Row {
        name: "owners/tasks",
        purpose: "which process holds which socket, in one pass or for a few sockets",
        minimum_kernel: "5.17",
        load: || load(&owners::TASKS),
    },
    Row {
        name: "owners/files",
        purpose: "which process holds which socket, as an iterator that can be pinned for a group",
        minimum_kernel: "5.8",
        load: || load(&owners::FILES),
    },
    Row {
        name: "in_flight/unix",
        purpose: "sockets sent between processes and not yet received",
        minimum_kernel: "5.17",
        load: || load(&in_flight::UNIX),
    },
];

fn load(programs: &[&Program]) -> Result<(), Unavailable> {
    load_first(programs).map(drop)
}

/// The parts of the recorder, each with a name as if it were a probe of its own, and the oldest kernel:
/// of ring buffers. What newer kernels have better hooks for is a matter of the plan's ladders.
const RECORDER: [(Layer, &str, &str); 9] = [
    (Layer::States, "recorder/states", "5.8"),
    (Layer::Opening, "recorder/opening", "5.8"),
    (Layer::Made, "recorder/made", "5.8"),
    (Layer::Reading, "recorder/reading", "5.8"),
    (Layer::Faults, "recorder/faults", "5.8"),
    (Layer::Queues, "recorder/queues", "5.9"),
    (Layer::Drops, "recorder/drops", "5.8"),
    (Layer::Traffic, "recorder/traffic", "5.8"),
    (Layer::Processes, "recorder/processes", "5.8"),
];

/// Starts the recorder with all its parts, and asks which have gaps.
fn recorder() -> impl Iterator<Item = ProgramStatus> {
    let started = Recorder::start(&Plan {
        scope: Scope::Processes,
        layers: RECORDER.iter().map(|&(layer, ..)| layer).collect(),
        ..Plan::default()
    });
    let parts = started.map(|recorder| (recorder.used().to_vec(), recorder.gaps().to_vec()));
    RECORDER
        .into_iter()
        .map(move |(layer, name, minimum_kernel)| {
            let part = match &parts {
                Err(refused) => Err(refused.clone()),
                Ok((used, gaps)) => {
                    let gap = gaps.iter().find(|gap| gap.layer == layer);
                    let hooks = used.iter().filter(|used| used.layer == layer);
                    let refused =
                        gap.map(|gap| Unavailable::new(format!("{}: {}", gap.sees, gap.why)));
                    refused.map_or_else(|| Ok(hooks.map(|used| used.hook).collect()), Err)
                }
            };
            ProgramStatus {
                name,
                purpose: layer.words(),
                minimum_kernel,
                status: status(part, minimum_kernel),
            }
        })
}

fn status(loaded: Result<Vec<&'static str>, Unavailable>, minimum: &str) -> Status {
    match loaded {
        Ok(hooks) => Status::Runs(hooks),
        Err(refused) => Status::CannotRun(with_version(refused, minimum)),
    }
}

/// Where nothing else would allow it, says that a newer kernel would, if this one is older than that.
fn with_version(refused: Unavailable, minimum: &str) -> Unavailable {
    let release = rustix::system::uname();
    let release = release.release().to_string_lossy();
    if refused.allow.is_none() && version(&release) < version(minimum) {
        return refused.allowed_by(format!("Linux {minimum} or later; this is {release}"));
    }
    refused
}

/// Major and minor version of a release; zeros where there are none.
fn version(release: &str) -> (u32, u32) {
    let mut parts = release.split(|c: char| !c.is_ascii_digit());
    let mut part = || parts.next().and_then(|part| part.parse().ok()).unwrap_or(0);
    (part(), part())
}

/// Tries every program.
pub fn programs() -> Vec<ProgramStatus> {
    let rows = ROWS.iter().map(|row| ProgramStatus {
        name: row.name,
        purpose: row.purpose,
        minimum_kernel: row.minimum_kernel,
        status: status((row.load)().map(|()| Vec::new()), row.minimum_kernel),
    });
    let rows = rows.chain(recorder());
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_compared_as_numbers() {
        assert_eq!(version("5.10.0-29-amd64"), (5, 10));
        assert!(version("5.10.0-29-amd64") < version("5.17"));
        assert!(version("6.1.0") > version("5.17"));
        assert_eq!(version("odd"), (0, 0));
    }

    mod needs_root {
        use plumb_testkit::sandbox;

        use super::*;

        #[test]
        fn every_program_runs_here_or_says_why_not_and_without_privilege_all_say_the_same() {
            sandbox::run(|| {
                let refused = |status: ProgramStatus| match status.status {
                    Status::Runs(_) => None,
                    Status::CannotRun(why) => Some((status.name, why)),
                };
                let here: Vec<_> = programs().into_iter().filter_map(refused).collect();
                assert_eq!(here, [], "this kernel has all they need");
                let uid = rustix::process::Uid::from_raw(65_534);
                let as_nobody = || {
                    rustix::thread::set_thread_res_uid(uid, uid, uid).expect("root may");
                    programs()
                };
                let there = std::thread::scope(|scope| scope.spawn(as_nobody).join());
                let there = there.expect("it does not panic").into_iter();
                let there: Vec<_> = there.filter_map(refused).collect();
                assert_eq!(there.len(), ROWS.len() + RECORDER.len());
                for (name, why) in there {
                    assert!(why.why.contains("CAP_BPF and CAP_PERFMON"), "{name}: {why}");
                    let allow = why.allow.expect("something would allow it");
                    assert!(
                        allow.starts_with("setcap cap_bpf,cap_perfmon+ep /"),
                        "{allow}"
                    );
                }
            });
        }
    }
}
