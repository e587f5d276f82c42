//! Each program's leaking function is found, or what hides it is said.

use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;

use plumb_bpf::stacks::{RawStack, Symbolizer, Unwinder};
use plumb_model::stack::Stack;
use plumb_testkit::leaking::{PROGRAMS, Program, Shows};
use plumb_testkit::stopped::{Call, Stopped};
use plumb_testkit::temp::TempDir;

use crate::document;

/// Gives what a probe would capture of a stopped program.
pub(crate) fn raw(stopped: &Stopped) -> RawStack<'_> {
    RawStack {
        pid: stopped.tid,
        tgid: stopped.tgid,
        start_ticks: 0,
        ip: stopped.ip,
        sp: stopped.sp,
        bp: stopped.bp,
        lr: 0,
        bytes: &stopped.stack,
        script: &[],
        kernel_fp: &[],
    }
}

/// Gives a program by its name.
pub(crate) fn program(name: &str) -> &'static Program {
    let program = PROGRAMS.iter().find(|program| program.name == name);
    program.expect("the table has it")
}

/// Listens at a port of loopback.
pub(crate) fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has ports");
    let port = listener.local_addr().expect("it is bound").port();
    (listener, port)
}

/// Runs a command that must succeed.
pub(crate) fn run(command: &mut Command) {
    let status = command.status().expect("it is here");
    assert!(status.success(), "{command:?}");
}

/// Runs a program up to its second connection: what compiles or loads at the first is there by then.
pub(crate) fn connecting(program: &Program, folder: &TempDir) -> Stopped {
    let (_listener, port) = listener();
    let mut command = program
        .build(folder.path())
        .expect("what builds it is here");
    command.args(["connect", &port.to_string(), "2"]);
    Stopped::at(&command, Call::Connect(port), 2).expect("it connects")
}

/// Runs a program until it waits for a connection.
fn accepting(program: &Program, folder: &TempDir) -> Stopped {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has ports");
    let port = free.local_addr().expect("it is bound").port();
    drop(free);
    let mut command = program
        .build(folder.path())
        .expect("what builds it is here");
    command.args(["accept", &port.to_string(), "1"]);
    Stopped::at(&command, Call::Accept, 1).expect("it accepts")
}

/// Follows and names a stopped program's stack.
fn stack(stopped: &Stopped, symbolizer: &mut Symbolizer) -> Stack {
    let unwound = Unwinder::new().unwind_waiting(&raw(stopped));
    symbolizer.symbolize(&unwound)
}

fn function(stack: &Stack) -> Option<String> {
    stack.caller_of_interest()?.function.clone().ok()
}

fn check(name: &str) {
    let program = program(name);
    let folder = TempDir::new("stacks").expect("there is room");
    let mut symbolizer = Symbolizer::new();
    let at_connect = stack(&connecting(program, &folder), &mut symbolizer);
    let found = function(&at_connect);
    assert_eq!(
        found.as_deref() == Some(program.functions.connect),
        program.shows != Shows::Neither,
        "{name} connects in {found:?}: {at_connect:#?}"
    );
    assert!(at_connect.complete(), "{name}: {at_connect:#?}");
    if program.shows == Shows::Both {
        let at_accept = stack(&accepting(program, &folder), &mut symbolizer);
        let found = function(&at_accept);
        assert_eq!(
            found.as_deref(),
            Some(program.functions.accept),
            "{name}: {at_accept:#?}"
        );
    }
    document::check_row(name, &document::row(program, &at_connect));
}

#[test]
fn c_with_frame_pointers() {
    check("C, -O2 with frame pointers");
}

#[test]
fn c_without_frame_pointers() {
    check("C, -O2");
}

#[test]
fn c_at_fixed_addresses() {
    check("C, -O2, not PIE");
}

#[test]
fn c_with_its_library_inside() {
    check("C, static");
}

#[test]
fn c_with_its_symbols_in_another_file() {
    check("C, stripped, symbols in a file of their own");
}

#[test]
fn c_without_symbols() {
    check("C, stripped");
}

#[test]
fn cpp() {
    check("C++, -O2");
}

#[test]
fn rust_with_line_tables() {
    check("Rust, release, with line tables");
}

#[test]
fn rust_without_line_tables() {
    check("Rust, release");
}

#[test]
fn rust_without_symbols() {
    check("Rust, release, stripped");
}

#[test]
fn go_needs_go() {
    check("Go");
}

#[test]
fn go_without_symbols_needs_go() {
    check("Go, stripped (-ldflags \"-s -w\")");
}

#[test]
fn go_without_symbols_linked_by_another_needs_go() {
    check("Go, stripped, PIE, linked by the C linker");
}

#[test]
fn python_3_11_needs_python3_11() {
    check("CPython 3.11");
}

#[test]
fn python_3_12_needs_python3_12() {
    check("CPython 3.12");
}

#[test]
fn python_3_12_with_perf_needs_python3_12() {
    check("CPython 3.12, -X perf");
}

#[test]
fn python_3_13_needs_python3_13() {
    check("CPython 3.13");
}

#[test]
fn python_3_13_with_perf_needs_python3_13() {
    check("CPython 3.13, -X perf");
}

#[test]
fn node_needs_node() {
    check("Node");
}

#[test]
fn node_with_perf_needs_node() {
    check("Node, --perf-basic-prof --interpreted-frames-native-stack");
}

#[test]
fn java_needs_java() {
    check("Java");
}

#[test]
fn java_with_perf_needs_java() {
    check("Java, compiled, -XX:+PreserveFramePointer, perf map");
}
