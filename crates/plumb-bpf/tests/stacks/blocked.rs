//! What threads wait in now: found without stopping anything.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::os::unix::net::UnixStream;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use plumb_bpf::stacks::{Symbolizer, Threads, Unwinder, Waiting, Waits, blocked};
use plumb_model::Reason;
use plumb_model::stack::{Cut, Frame};
use plumb_testkit::temp::TempDir;

use crate::programs::program;

/// How long a thread may take to fall asleep on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Looks until a thread waits as described.
fn wait_for(pid: u32, wanted: impl Fn(&Waiting) -> bool) -> Waiting {
    let (mut unwinder, mut symbolizer) = (Unwinder::new(), Symbolizer::new());
    let begin = Instant::now();
    let mut last = Threads::default();
    while begin.elapsed() < PATIENCE {
        last = blocked(pid, &mut unwinder, &mut symbolizer).expect("it is ours to look at");
        if let Some(found) = last.waiting.iter().find(|waiting| wanted(waiting)) {
            return found.clone();
        }
        std::thread::yield_now();
    }
    panic!("no thread waits like that: {last:#?}");
}

fn caller(waiting: &Waiting) -> Option<String> {
    waiting.stack.caller_of_interest()?.function.clone().ok()
}

/// A program that waits in accept(), killed on drop.
struct Accepting {
    child: Child,
    /// Where it was built; gone with it.
    _folder: TempDir,
}

impl Accepting {
    fn run(name: &str) -> Self {
        let folder = TempDir::new("blocked").expect("there is room");
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has ports");
        let port = free.local_addr().expect("it is bound").port();
        drop(free);
        let mut command = program(name)
            .build(folder.path())
            .expect("what builds it is here");
        command.args(["accept", &port.to_string(), "1"]);
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.expect("it runs");
        let mut line = String::new();
        let stdout = child.stdout.as_mut().expect("it is piped");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("it says something");
        assert_eq!(line, "listening\n");
        Self {
            child,
            _folder: folder,
        }
    }

    fn waits(&self) -> Waiting {
        let accepts = |number| [libc::SYS_accept, libc::SYS_accept4].contains(&number);
        wait_for(self.child.id(), |waiting| {
            i64::try_from(waiting.call).is_ok_and(accepts) && matches!(waiting.waits, Waits::On(_))
        })
    }
}

impl Drop for Accepting {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_program_waits_in_accept() {
    let waiting = Accepting::run("C, -O2").waits();
    assert_eq!(caller(&waiting).as_deref(), Some("take_here"));
    assert!(waiting.stack.complete(), "{waiting:#?}");
}

#[test]
fn where_the_frame_pointer_is_needed_the_stack_ends_with_the_reason() {
    let waiting = Accepting::run("C, -O2 with frame pointers").waits();
    assert_eq!(caller(&waiting).as_deref(), Some("take_here"));
    let main = |frame: &Frame| frame.function.clone().ok().as_deref() == Some("main");
    let reached = waiting.stack.frames.iter().any(main);
    assert_eq!(
        waiting.stack.cut,
        (!reached).then_some(Cut::RegisterUnknown),
        "{waiting:#?}"
    );
}

#[test]
fn a_function_of_python_waits_in_accept_needs_python3_11() {
    let waiting = Accepting::run("CPython 3.11").waits();
    assert_eq!(
        caller(&waiting).as_deref(),
        Some("take_here"),
        "{waiting:#?}"
    );
}

#[test]
fn threads_wait_for_one_descriptor_or_for_several() {
    let pair = || UnixStream::pair().expect("sockets can be made");
    let ((mut read_here, mut end_read), (poll_here, mut end_poll)) = (pair(), pair());
    let (read_fd, poll_fd) = (read_here.as_raw_fd(), poll_here.as_raw_fd());
    let reader = std::thread::spawn(move || read_here.read(&mut [0]));
    let poller = std::thread::spawn(move || {
        let mut fds = [rustix::event::PollFd::from_borrowed_fd(
            poll_here.as_fd(),
            rustix::event::PollFlags::IN,
        )];
        rustix::event::poll(&mut fds, None)
    });
    let own = std::process::id();
    let one = wait_for(own, |waiting| waiting.waits == Waits::On(read_fd));
    assert!(one.stack.complete(), "{one:#?}");
    wait_for(own, |waiting| waiting.waits == Waits::Among(vec![poll_fd]));
    for end in [&mut end_read, &mut end_poll] {
        end.write_all(b"x").expect("somebody reads");
    }
    assert_eq!(reader.join().expect("it ends").expect("it reads"), 1);
    assert_eq!(poller.join().expect("it ends").expect("it polls"), 1);
}

#[test]
fn an_epoll_waits_for_what_it_was_told_of_needs_node() {
    let server = Accepting::run("Node");
    wait_for(
        server.child.id(),
        |waiting| matches!(&waiting.waits, Waits::Among(fds) if fds.len() > 1),
    );
}

#[test]
fn a_process_that_is_not_there_has_ended() {
    let (mut unwinder, mut symbolizer) = (Unwinder::new(), Symbolizer::new());
    let answer = blocked(u32::MAX, &mut unwinder, &mut symbolizer);
    assert_eq!(answer, Err(Reason::ProcessEnded));
}
