//! Nothing stays in the kernel, however plumb ends.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long to wait for what must come.
const PATIENCE: Duration = Duration::from_secs(30);

/// The numbers of the BPF programs that a process holds.
pub(super) fn programs(pid: u32) -> Vec<u32> {
    let folder = std::fs::read_dir(format!("/proc/{pid}/fdinfo"));
    let texts = folder.into_iter().flatten().flatten();
    let texts = texts.filter_map(|entry| std::fs::read_to_string(entry.path()).ok());
    let number = |text: String| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("prog_id:"))?;
        line.trim().parse().ok()
    };
    texts.filter_map(number).collect()
}

pub(super) fn exists(program: u32) -> bool {
    let id = program.to_string();
    let shown = Command::new("bpftool")
        .args(["prog", "show", "id", &id])
        .output();
    shown.expect("bpftool is installed").status.success()
}

/// Waits, bounded, until `until` says so.
pub(super) fn wait(what: &str, mut until: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !until() {
        assert!(Instant::now() < end, "{what} did not come");
        std::thread::yield_now();
    }
}

fn start() -> (Child, Vec<u32>) {
    let child = Command::new(env!("CARGO_BIN_EXE_plumb"))
        .args(["connects", "--for", "60s"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("plumb runs");
    let pid = child.id();
    let mut held = Vec::new();
    wait("the programs", || {
        held = programs(pid);
        // States, connect, accept, and five kinds of faults.
        held.len() >= 8
    });
    (child, held)
}

#[test]
fn a_killed_recorder_leaves_no_program_needs_root() {
    let (mut child, held) = start();
    assert!(held.iter().any(|&program| exists(program)));
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    wait("the end of the programs", || {
        !held.iter().any(|&program| exists(program))
    });
}

#[test]
fn an_interrupted_recorder_answers_and_leaves_no_program_needs_root() {
    let (mut child, held) = start();
    let pid = i32::try_from(child.id()).expect("an id");
    let pid = rustix::process::Pid::from_raw(pid).expect("no zero");
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("it runs");
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    wait("the end of the programs", || {
        !held.iter().any(|&program| exists(program))
    });
}
