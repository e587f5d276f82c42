//! Changes of states that interrupt another on the same processor: the kernel leaves a program out where it is at work
//! already, and a second one stands in.
//!
//! Packets wait in a queue that lets each go by a timer, so that answers come in whatever the processor is doing, which
//! often is to begin the next connection: here every tenth answer interrupts the program.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use plumb_bpf::recorder::{Plan, Recorder, Told};
use plumb_model::event::{Ends, Event, What};
use plumb_model::id::{Cookie, NetnsId};
use plumb_model::socket::SocketState;
use plumb_testkit::acting;
use plumb_testkit::temp::TempDir;

/// A port where nobody listens.
const CLOSED: u16 = 9;
/// How many connections are begun and refused, at each speed.
const KNOCKS: usize = 20_000;
/// How often one must have interrupted another, so that there is something to be seen.
const INTERRUPTIONS: u64 = 20;
/// Changes that may be missing, of 20 000 beginnings or ends: about once in 100 000 changes Linux 6.18 calls neither program, and counts
/// neither as left out. With one program alone a tenth of the ends is missing; before the second asked of each change
/// whether it was seen, some fifty.
const UNCALLED: usize = 5;
/// How fast packets may leave. Where that is about as fast as they are made, each waits for a timer that comes while the next
/// one is made. How fast that is differs between machines, and on one from time to time.
const SPEEDS: [&str; 8] = [
    "20mbit", "15mbit", "12mbit", "10mbit", "8mbit", "6mbit", "3mbit", "1mbit",
];

/// Lets packets leave loopback at a speed.
fn let_leave(speed: &str) {
    let words = "qdisc replace dev lo root tbf burst 200b limit 1000000 rate";
    let done = Command::new("tc")
        .args(words.split(' '))
        .arg(speed)
        .status();
    assert!(done.expect("tc is installed").success());
}

/// How often the kernel left out a program of ours because it was at work; `None` where it never does (below 6.1).
fn left_out() -> Option<u64> {
    let folder = std::fs::read_dir("/proc/self/fdinfo").expect("/proc is mounted");
    let texts = folder
        .flatten()
        .filter_map(|entry| std::fs::read_to_string(entry.path()).ok());
    let count = |text: String| {
        let mut lines = text.lines();
        let line = lines.find_map(|line| line.strip_prefix("recursion_misses:"))?;
        line.trim().parse().ok()
    };
    texts.filter_map(count).max()
}

/// How often beginnings and ends of connections were told. Below 5.12 another socket may have the name of one that is gone.
#[derive(Default)]
struct Knocks(HashMap<Cookie, (usize, usize)>);

impl Knocks {
    fn count(&mut self, event: &Event) {
        let is_knock = |ends: &Ends| ends.peer.port() == CLOSED;
        let What::State(change) = event.what else {
            return;
        };
        if event.netns != own_namespace() || !event.ends.as_ref().is_some_and(is_knock) {
            return;
        }
        let cookie = event.cookie.expect("states are of sockets");
        let (begun, ended) = self.0.entry(cookie).or_default();
        *begun += usize::from(change.new == SocketState::SYN_SENT);
        *ended += usize::from(change.old == SocketState::SYN_SENT);
    }
}

/// Recorders see the whole machine.
fn own_namespace() -> Option<NetnsId> {
    let namespace = std::fs::metadata("/proc/self/ns/net").ok()?;
    Some(NetnsId(namespace.ino()))
}

mod needs_root {
    use plumb_testkit::sandbox;

    use super::*;

    #[test]
    fn states_that_interrupt_another_are_told_once() {
        sandbox::run(|| {
            let folder = TempDir::new("knock").expect("a folder");
            let act = acting::program(folder.path());
            for speed in SPEEDS {
                let_leave(speed);
                if all_are_told(&act).is_none_or(|left_out| left_out >= INTERRUPTIONS) {
                    return;
                }
            }
            // A machine made of software may be too slow for it; what was told is compared there all the same.
            let in_a_guest = std::env::var_os("PLUMB_NEED_BPF").is_some();
            assert!(in_a_guest, "nothing was interrupted");
        });
    }

    /// Gives how often the kernel left out a program.
    fn all_are_told(act: &Path) -> Option<u64> {
        let plan = Plan::default();
        let mut recorder = Recorder::start(&plan).expect("every kernel has a recorder");
        let mut child = Command::new(act)
            .args(["knock", &CLOSED.to_string(), &KNOCKS.to_string()])
            .stdin(Stdio::null())
            .spawn()
            .expect("it runs");
        let mut knocks = Knocks::default();
        let mut count = |told: Told<'_>| {
            if let Told::Event(event) = told {
                knocks.count(&event);
            }
        };
        while child.try_wait().expect("it is ours").is_none() {
            recorder.wait(Duration::from_millis(20));
            recorder.poll(&mut count);
        }
        recorder.poll_rest(&mut count);
        let (left_out, losses) = (left_out(), recorder.losses());
        println!("left out: {left_out:?}, lost: {losses:?}");
        assert_eq!(losses.events, 0);
        let begun: usize = knocks.0.values().map(|(begun, _)| begun).sum();
        let differences = knocks
            .0
            .values()
            .map(|(begun, ended)| begun.abs_diff(*ended));
        assert!(begun <= KNOCKS && KNOCKS - begun <= UNCALLED, "{begun}");
        assert!(
            differences.sum::<usize>() <= UNCALLED,
            "of {}",
            knocks.0.len()
        );
        left_out
    }
}
