//! Nothing stays in the kernel, however plumb ends.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

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
    kill_process(id(&child.id().to_string()), Signal::INT).expect("it runs");
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    wait("the end of the programs", || {
        !held.iter().any(|&program| exists(program))
    });
}

/// Runs a command that connects when it is told to end, and then ends with 7; signals its watcher.
fn a_watcher_is_signalled(signal: Signal) -> (Option<i32>, String) {
    use std::io::{BufRead as _, BufReader, Read as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = listener.local_addr().expect("bound").port();
    let script = format!(
        "trap 'exec 3<>/dev/tcp/127.0.0.1/{port}; exit 7' TERM; echo $$; while :; do sleep 0.05; done"
    );
    let mut child = Command::new(env!("CARGO_BIN_EXE_plumb"))
        .args(["connects", "-o", "ndjson", "--", "bash", "-c", &script])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("plumb runs");
    let mut command = String::new();
    let mut errors = BufReader::new(child.stderr.take().expect("piped"));
    errors.read_line(&mut command).expect("the command begins");
    kill_process(id(&child.id().to_string()), signal).expect("it runs");
    let mut told = String::new();
    let mut answer = child.stdout.take().expect("piped");
    answer.read_to_string(&mut told).expect("text");
    let status = child.wait().expect("it ends").code();
    // Who outlives its watcher is ours to end.
    let _ = kill_process(id(&command), Signal::KILL);
    (status, told)
}

/// Ends plumb and the command that it watches.
pub(super) fn end(child: &mut Child) {
    kill_process(id(&child.id().to_string()), Signal::TERM).expect("it runs");
    child.wait().expect("it ends");
}

fn id(text: &str) -> Pid {
    let number = text.trim().parse().expect("a process");
    Pid::from_raw(number).expect("no zero")
}

#[test]
fn a_command_is_told_to_end_and_watched_until_it_has_needs_root() {
    let (status, told) = a_watcher_is_signalled(Signal::TERM);
    assert_eq!(status, Some(7), "{told}");
    assert!(told.contains(r#""outcome":"connected""#), "{told}");
    assert!(told.contains(r#""command_status":7"#), "{told}");
}

#[test]
fn a_command_that_outlives_the_interrupt_leaves_its_status_needs_root() {
    let (status, told) = a_watcher_is_signalled(Signal::INT);
    assert_eq!(status, Some(130), "{told}");
    assert!(told.contains(r#""command_status":130"#), "{told}");
}
