//! Loads one program and attaches it. What the kernel answers is handed back in words.

use std::os::fd::AsFd as _;

use aya::Btf;
use aya::programs::{
    BtfTracePoint, CgroupAttachMode, FEntry, FExit, Iter, KProbe, Program, ProgramError, TracePoint,
};

use super::load::words;
use super::{cgroup, perf};

/// Attaches to a tracepoint with types.
pub(super) fn typed(program: &mut Program, at: &str, types: &Btf) -> Result<(), String> {
    let program: &mut BtfTracePoint = program.try_into().map_err(say)?;
    program.load(at, types).map_err(say)?;
    program.attach().map(drop).map_err(say)
}

/// Attaches to the beginning of a kernel function.
pub(super) fn function_begin(program: &mut Program, at: &str, types: &Btf) -> Result<(), String> {
    let program: &mut FEntry = program.try_into().map_err(say)?;
    program.load(at, types).map_err(say)?;
    program.attach().map(drop).map_err(say)
}

/// Attaches to a kernel function by a kprobe, at the end which the program is made for.
pub(super) fn probe(program: &mut Program, at: &str) -> Result<(), String> {
    let program: &mut KProbe = program.try_into().map_err(say)?;
    // One program may be at many functions.
    if program.fd().is_err() {
        program.load().map_err(say)?;
    }
    program.attach(at, 0).map(drop).map_err(say)
}

/// Loads an iterator, which runs when somebody reads it.
pub(super) fn iterator(program: &mut Program, over: &str, types: &Btf) -> Result<(), String> {
    let program: &mut Iter = program.try_into().map_err(say)?;
    program.load(over, types).map_err(say)
}

/// Takes a program out of the kernel, from wherever it is attached: its rung did not hold.
pub(super) fn undo(program: &mut Program) {
    // One that was never loaded has nothing to undo.
    let _ = match program {
        Program::BtfTracePoint(program) => program.unload(),
        Program::CgroupSock(program) => program.unload(),
        Program::CgroupSockAddr(program) => program.unload(),
        Program::SockOps(program) => program.unload(),
        Program::FEntry(program) => program.unload(),
        Program::FExit(program) => program.unload(),
        Program::Iter(program) => program.unload(),
        Program::KProbe(program) => program.unload(),
        Program::TracePoint(program) => program.unload(),
        _ => Ok(()),
    };
}

/// Attaches to the end of a kernel function.
pub(super) fn function_end(program: &mut Program, at: &str, types: &Btf) -> Result<(), String> {
    let program: &mut FExit = program.try_into().map_err(say)?;
    program.load(at, types).map_err(say)?;
    program.attach().map(drop).map_err(say)
}

/// Attaches to the tracepoint of one system call.
pub(super) fn call(program: &mut Program, at: &str) -> Result<perf::Attached, String> {
    let program: &mut TracePoint = program.try_into().map_err(say)?;
    // What two rungs share is loaded once.
    if program.fd().is_err() {
        program.load().map_err(say)?;
    }
    let fd = program.fd().map_err(say)?;
    perf::attach(fd.as_fd(), "syscalls", at).map_err(|error| error.to_string())
}

/// Attaches to the root cgroup, beside what others have there.
pub(super) fn to_root_cgroup(program: &mut Program, part_will_do: bool) -> Result<(), String> {
    let root = cgroup::open_root(part_will_do)?;
    // A link never displaces anybody, and takes no other mode.
    let mode = CgroupAttachMode::Single;
    match program {
        Program::CgroupSock(program) => {
            program.load().map_err(say)?;
            program.attach(root, mode).map(drop).map_err(say)
        }
        Program::CgroupSockAddr(program) => {
            program.load().map_err(say)?;
            program.attach(root, mode).map(drop).map_err(say)
        }
        Program::SockOps(program) => {
            program.load().map_err(say)?;
            program.attach(root, mode).map(drop).map_err(say)
        }
        _ => Err(String::from("not made for a cgroup")),
    }
}

/// Says what the kernel answered.
#[expect(clippy::needless_pass_by_value, reason = "what `map_err` hands over")]
fn say(error: ProgramError) -> String {
    match &error {
        // The verifier's log is for developers: its last line says what it is about.
        ProgramError::LoadError {
            io_error,
            verifier_log,
        } => {
            let log = verifier_log.to_string();
            let is_told = |line: &&str| {
                let line = line.trim();
                let summary = ["processed ", "verification time ", "stack depth "];
                !line.is_empty() && !summary.iter().any(|word| line.starts_with(word))
            };
            match log.lines().rev().find(is_told) {
                Some(last) => format!("{io_error} ({})", last.trim()),
                None => io_error.to_string(),
            }
        }
        _ => words(&error),
    }
}
