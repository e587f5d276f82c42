//! What is said where a stack cannot be followed to its end.

use plumb_bpf::stacks::{RawStack, Symbolizer, Unwinder};
use plumb_model::stack::{Cut, Frame, Hint, How, Kind, Stack};
use plumb_testkit::temp::TempDir;

use crate::programs::{connecting, program, raw};

fn names(stack: &Stack) -> Vec<String> {
    let names = stack
        .frames
        .iter()
        .filter_map(|frame| frame.function.clone().ok());
    names.collect()
}

#[test]
fn a_copy_that_is_too_short_says_so() {
    let folder = TempDir::new("stacks").expect("there is room");
    let stopped = connecting(program("C, -O2"), &folder);
    let whole = raw(&stopped);
    let mut unwinder = Unwinder::new();
    let short = RawStack {
        bytes: &whole.bytes[..16],
        ..whole
    };
    let stack = Symbolizer::new().symbolize(&unwinder.unwind(&short));
    assert_eq!(stack.cut, Some(Cut::CopyEnded));
    assert!(
        names(&stack).iter().any(|name| name == "leak_here"),
        "{stack:#?}"
    );
    assert!(
        !names(&stack).iter().any(|name| name == "main"),
        "{stack:#?}"
    );
}

#[test]
fn without_a_copy_the_frame_pointers_of_the_kernel_are_used() {
    let folder = TempDir::new("stacks").expect("there is room");
    let stopped = connecting(program("C, -O2, not PIE"), &folder);
    let whole = raw(&stopped);
    let mut unwinder = Unwinder::new();
    let by_tables = Symbolizer::new().symbolize(&unwinder.unwind(&whole));
    // A program at fixed addresses: those of its file are those in memory.
    let own = |frame: &&Frame| frame.module_name() == Some(b"leak");
    let mut returns = by_tables
        .frames
        .iter()
        .filter(own)
        .map(|frame| frame.module_offset + 1);
    let (Some(inner), Some(outer)) = (returns.next(), returns.next()) else {
        panic!("two frames of the program's own: {by_tables:#?}");
    };
    let callers = [whole.ip, inner, 0xdead_beef, outer];
    let kernel = RawStack {
        bytes: &[],
        kernel_fp: &callers,
        ..whole
    };
    let stack = Symbolizer::new().symbolize(&unwinder.unwind(&kernel));
    assert_eq!(
        (stack.how, stack.cut),
        (How::FramePointers, Some(Cut::NotCaptured))
    );
    // What is no code ends it: nothing behind it is believed.
    assert_eq!(stack.frames.len(), 2, "{stack:#?}");
}

#[test]
fn a_process_that_was_seen_is_named_after_its_end() {
    let folder = TempDir::new("stacks").expect("there is room");
    let stopped = connecting(program("C, -O2"), &folder);
    let mut unwinder = Unwinder::new();
    unwinder.see(stopped.tgid);
    let captured = (
        stopped.tid,
        stopped.tgid,
        stopped.ip,
        stopped.sp,
        stopped.bp,
    );
    let bytes = stopped.stack.clone();
    drop(stopped);
    std::fs::remove_file(folder.path().join("leak")).expect("the program is there");
    let (pid, tgid, ip, sp, bp) = captured;
    let ended = RawStack {
        pid,
        tgid,
        start_ticks: 0,
        ip,
        sp,
        bp,
        lr: 0,
        bytes: &bytes,
        script: &[],
        kernel_fp: &[],
    };
    let stack = Symbolizer::new().symbolize(&unwinder.unwind(&ended));
    assert!(stack.complete(), "{stack:#?}");
    assert_eq!(
        stack
            .caller_of_interest()
            .and_then(|frame| frame.function.clone().ok())
            .as_deref(),
        Some("leak_here")
    );
    // One that nobody looked at in time is nothing but an address.
    let stack = Symbolizer::new().symbolize(&Unwinder::new().unwind(&ended));
    assert_eq!(
        (stack.how, stack.cut),
        (How::AddressOnly, Some(Cut::ProcessEnded))
    );
    assert_eq!(stack.frames.len(), 1);
}

#[test]
fn the_same_code_has_the_same_key_in_every_run() {
    let folder = TempDir::new("stacks").expect("there is room");
    let mut symbolizer = Symbolizer::new();
    let mut key = || {
        let stopped = connecting(program("C, -O2"), &folder);
        symbolizer
            .symbolize(&Unwinder::new().unwind(&raw(&stopped)))
            .key()
    };
    assert_eq!(key(), key());
}

#[test]
fn a_stack_of_garbage_makes_no_frames() {
    let folder = TempDir::new("stacks").expect("there is room");
    let stopped = connecting(program("C, -O2"), &folder);
    let whole = raw(&stopped);
    let garbage: Vec<u8> = (0..4096_u32)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let broken = RawStack {
        bytes: &garbage,
        ..whole
    };
    let stack = Symbolizer::new().symbolize(&Unwinder::new().unwind(&broken));
    assert_eq!(stack.cut, Some(Cut::Inconsistent));
    assert_eq!(stack.frames.len(), 1, "{stack:#?}");
}

#[test]
fn a_python_thread_that_went_on_is_not_asked_what_it_runs_now_needs_python3_11() {
    let folder = TempDir::new("stacks").expect("there is room");
    let stopped = connecting(program("CPython 3.11"), &folder);
    let whole = raw(&stopped);
    let stack = Symbolizer::new().symbolize(&Unwinder::new().unwind_waiting(&whole));
    let scripts = |stack: &Stack| {
        let scripts = stack
            .frames
            .iter()
            .filter(|frame| frame.kind == Kind::Interpreted);
        scripts
            .filter_map(|frame| frame.function.clone().ok())
            .collect::<Vec<_>>()
    };
    assert_eq!(scripts(&stack), ["leak_here", "open_pool", "<module>"]);
    assert_eq!(stack.hint, None);
    // One word that differs stands for a thread that came by here again.
    let mut other = whole.bytes.to_vec();
    if let Some(byte) = other.last_mut() {
        *byte ^= 1;
    }
    let gone_on = RawStack {
        bytes: &other,
        ..whole
    };
    let stack = Symbolizer::new().symbolize(&Unwinder::new().unwind_waiting(&gone_on));
    assert_eq!(scripts(&stack), [""; 0]);
    assert_eq!(stack.hint, Some(Hint::PythonNotReadable));
}
