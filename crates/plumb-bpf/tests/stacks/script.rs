//! What an interpreter runs is told by the recorder in the moment of the capture.

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use plumb_bpf::recorder::{self, Layer, Plan, Recorder, Scope};
use plumb_bpf::stacks::{Symbolizer, Unwinder};
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

/// What the programs in the kernel are told of an interpreter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// Where it is in the process.
    Process,
    /// Its file: the process was never looked at.
    Program,
}

/// Runs and records the script until it told of this many stacks of it.
fn record(python: &str, port: u16, told: Told, wanted: usize) -> Vec<Stack> {
    let plan = Plan {
        scope: Scope::Processes,
        layers: vec![Layer::Opening],
        ..Plan::default()
    };
    let mut recorder = Recorder::start(&plan).expect("root may record");
    let (mut unwinder, mut symbolizer) = (Unwinder::new(), Symbolizer::new());
    if told == Told::Program {
        unwinder.see_program(Path::new(python));
        let programs = unwinder.new_interpreter_programs();
        assert!(!programs.is_empty(), "{python} is an interpreter");
        for program in programs {
            recorder.interpret_program(&program).expect("there is room");
        }
    }
    let program = run(python, port);
    let pid = program.0.id();
    recorder.follow(Pid(pid)).expect("there is room");
    if told == Told::Process {
        unwinder.see(pid);
        for (pid, interpreter) in unwinder.new_interpreters() {
            recorder
                .interpret(Pid(pid), &interpreter)
                .expect("there is room");
        }
    }
    let connect = || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("it listens");
    let _clients = [connect(), connect()];
    let begin = Instant::now();
    let mut stacks = Vec::new();
    while stacks.len() < wanted && begin.elapsed() < PATIENCE {
        recorder.wait(Duration::from_millis(10));
        recorder.poll(|told| {
            let recorder::Told::Stack(copy) = told else {
                return;
            };
            if copy.script.is_empty() {
                return;
            }
            let unwound = unwinder.unwind(&copy.raw());
            stacks.push(symbolizer.symbolize(&unwound));
        });
    }
    stacks
}

fn check(python: &str, told: Told) {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has ports");
    let port = free.local_addr().expect("it is bound").port();
    drop(free);
    let stacks = record(python, port, told, 2);
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
    check("/usr/bin/python3.11", Told::Process);
}

#[test]
fn so_are_those_of_another_release_needs_root_needs_python3_12() {
    check(
        &home(".pyenv/versions/3.12.1/bin/python3.12"),
        Told::Process,
    );
}

#[test]
fn and_of_one_with_another_way_to_its_frames_needs_root_needs_python3_13() {
    check(
        &home(".pyenv/versions/3.13.0/bin/python3.13"),
        Told::Process,
    );
}

#[test]
fn a_file_is_known_before_its_process_was_looked_at_needs_root_needs_python3_11() {
    check("/usr/bin/python3.11", Told::Program);
}

#[test]
fn so_is_one_that_is_a_library_needs_root_needs_python3_12() {
    check(
        &home(".pyenv/versions/3.12.1/bin/python3.12"),
        Told::Program,
    );
}

fn home(path: &str) -> String {
    format!("{}/{path}", std::env::var("HOME").unwrap_or_default())
}
