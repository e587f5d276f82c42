//! Tells the programs where a CPython interpreter keeps what it runs: `probes/recorder/python.h`.

use plumb_wire::cpython::layout::{Current, Entry, OWNED_BY_C_STACK};

use crate::stacks::{Interpreter, InterpreterProgram};

/// `struct interpreter`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    runtime: u64,
    first_interpreter: u32,
    next_interpreter: u32,
    first_thread: u32,
    next_thread: u32,
    native_id: u32,
    through: u32,
    current: u32,
    code: u32,
    previous: u32,
    instruction: u32,
    entry: u32,
    shim: u32,
}

const _: () = assert!(size_of::<Layout>() == 56);

#[expect(unsafe_code, reason = "aya asks that values of maps be plain")]
// SAFETY: whole numbers without padding: the sizes add up to the size asserted.
unsafe impl aya::Pod for Layout {}

impl Layout {
    /// Makes it of what is known of an interpreter; `None` if an offset is none.
    pub(super) fn of(interpreter: &Interpreter) -> Option<Self> {
        let layout = interpreter.layout;
        let offset = |offset: u64| u32::try_from(offset).ok();
        let place = |offset: usize| u32::try_from(offset).ok();
        let (through, current) = match layout.current {
            Current::Through(through, current) => (through, current),
            Current::At(current) => (0, current),
        };
        let (entry, shim) = match layout.frame.entry {
            Entry::Flag(at) => (at, 0),
            Entry::Owner(at) => (at, OWNED_BY_C_STACK),
        };
        Some(Self {
            runtime: interpreter.runtime,
            first_interpreter: offset(layout.first_interpreter)?,
            next_interpreter: offset(layout.next_interpreter)?,
            first_thread: offset(layout.first_thread)?,
            next_thread: offset(layout.next_thread)?,
            native_id: offset(layout.native_id)?,
            through: offset(through)?,
            current: offset(current)?,
            code: place(layout.frame.code)?,
            previous: place(layout.frame.previous)?,
            instruction: place(layout.frame.instruction)?,
            entry: place(entry)?,
            shim: shim.into(),
        })
    }
}

/// `struct program_file`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ProgramFile {
    inode: u64,
    size: u64,
}

/// `struct interpreter_program`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ProgramLayout {
    at: Layout,
    first_code: u64,
    first_code_at: u64,
}

const _: () = assert!(size_of::<ProgramLayout>() == 72 && size_of::<ProgramFile>() == 16);

#[expect(unsafe_code, reason = "aya asks that keys of maps be plain")]
// SAFETY: whole numbers without padding.
unsafe impl aya::Pod for ProgramFile {}

#[expect(unsafe_code, reason = "aya asks that values of maps be plain")]
// SAFETY: whole numbers without padding: the sizes add up to the size asserted.
unsafe impl aya::Pod for ProgramLayout {}

/// Makes an entry of what is known of an interpreter's file; `None` if an offset is none.
pub(super) fn entry(program: &InterpreterProgram) -> Option<(ProgramFile, ProgramLayout)> {
    let file = ProgramFile {
        inode: program.inode,
        size: program.size,
    };
    let at = Layout::of(&program.interpreter)?;
    let layout = ProgramLayout {
        at,
        first_code: program.first_code,
        first_code_at: program.first_code_at,
    };
    Some((file, layout))
}
