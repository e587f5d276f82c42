//! What an interpreter runs is told by the recorder in the moment of the capture.

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use plumb_bpf::recorder::{Layer, Plan, Recorder, Scope, Told};
use plumb_bpf::stacks::{RawStack, Symbolizer, Unwinder};
use plumb_model::id::Pid;
use plumb_model::stack::{Kind, Stack};

/// How long a busy machine may take to tell.
const PATIENCE: Duration = Duration::from_secs(20);

/// Takes two connections at one place, called from two; its own stacks of C functions are the same.
const SCRIPT: &str = "
import socket, sys
def take():
    kept.append(listener.accept()[0])
def first():
    take()
def second():
    take()
kept = []
listener = socket.create_server(('127.0.0.1', int(sys.argv[1])))
print('listening', flush=True)
first()
second()
sys.stdin.read()
";

/// A program that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn run(python: &str, port: u16) -> Running {
    let mut child = Command::new(python)
        .args(["-c", SCRIPT, &port.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python is here");
    let stdout = child.stdout.as_mut().expect("it is piped");
    let mut line = String::new();
    BufReader::new(stdout)
        .read_line(&mut line)
        .expect("it speaks");
    assert_eq!(line, "listening\n");
    Running(child)
}

/// The functions of the script in a stack, innermost first, with their lines.
fn script(stack: &Stack) -> Vec<(String, u32)> {
    let frames = stack
        .frames
        .iter()
        .filter(|frame| frame.kind == Kind::Interpreted);
    let named = frames.filter_map(|frame| {
        Some((
            frame.function.clone().ok()?,
            frame.source.clone().ok()?.line,
        ))
    });
    named.collect()
}

/// Records a program until it told of this many stacks of a script.
fn record(pid: u32, wanted: usize, mut act: impl FnMut()) -> Vec<Stack> {
    let plan = Plan {
        scope: Scope::Processes,
        layers: vec![Layer::Opening],
        ..Plan::default()
    };
    let mut recorder = Recorder::start(&plan).expect("root may record");
    recorder.follow(Pid(pid)).expect("there is room");
    let (mut unwinder, mut symbolizer) = (Unwinder::new(), Symbolizer::new());
    unwinder.see(pid);
    for (pid, interpreter) in unwinder.new_interpreters() {
        recorder
            .interpret(Pid(pid), &interpreter)
            .expect("there is room");
    }
    act();
    let begin = Instant::now();
    let mut stacks = Vec::new();
    while stacks.len() < wanted && begin.elapsed() < PATIENCE {
        recorder.wait(Duration::from_millis(10));
        recorder.poll(|told| {
            let Told::Stack(copy) = told else { return };
            if copy.script.is_empty() {
                return;
            }
            let unwound = unwinder.unwind(&RawStack {
                pid: copy.tid,
                tgid: copy.pid.0,
                start_ticks: 0,
                ip: copy.ip,
                sp: copy.sp,
                bp: copy.bp,
                lr: copy.lr,
                bytes: copy.bytes,
                script: &copy.script,
                kernel_fp: &[],
            });
            stacks.push(symbolizer.symbolize(&unwound));
        });
    }
    stacks
}

fn check(python: &str) {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has ports");
    let port = free.local_addr().expect("it is bound").port();
    drop(free);
    let program = run(python, port);
    let mut clients = Vec::new();
    let stacks = record(program.0.id(), 2, || {
        let connect = || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("it listens");
        clients.extend([connect(), connect()]);
    });
    let own: Vec<_> = stacks
        .iter()
        .map(|stack| {
            let mut script = script(stack);
            // Of Python's own library.
            script.retain(|(name, _)| !name.ends_with("accept"));
            script
        })
        .collect();
    let called_from = |caller: &str, line, main| {
        [("take", 4), (caller, line), ("<module>", main)]
            .map(|(name, line)| (name.to_owned(), line))
    };
    assert_eq!(
        own,
        [called_from("first", 6, 12), called_from("second", 8, 13)],
        "{stacks:#?}"
    );
    assert!(stacks.iter().all(Stack::complete), "{stacks:#?}");
}

#[test]
fn two_callers_of_one_function_are_told_apart_needs_root_needs_python3_11() {
    check("/usr/bin/python3.11");
}

#[test]
fn so_are_those_of_another_release_needs_root_needs_python3_12() {
    check(&home(".pyenv/versions/3.12.1/bin/python3.12"));
}

#[test]
fn and_of_one_with_another_way_to_its_frames_needs_root_needs_python3_13() {
    check(&home(".pyenv/versions/3.13.0/bin/python3.13"));
}

fn home(path: &str) -> String {
    format!("{}/{path}", std::env::var("HOME").unwrap_or_default())
}
