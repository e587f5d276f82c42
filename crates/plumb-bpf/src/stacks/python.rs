//! The functions a CPython interpreter is running, which have no machine code of their own.
//!
//! They are read out of the interpreter's memory, and memory is of now, while a stack is of when it was captured.
//! So they are read only while the thread still stands where it stood: asleep in the same call, with the same
//! stack, and it did not run in between ([`thread::still_there`]). For a thread that went on there are none, and the stack says
//! so: a caller that is not the one of the capture would be a lie. With `-X perf` (3.12 and newer) they are on the
//! machine's stack, and nothing of this is needed.

use plumb_model::stack::{Frame, Kind, Source};
use plumb_model::{Known, Reason};
use plumb_wire::cpython::layout::{self, Current, Entry, Layout, OWNED_BY_C_STACK};
use plumb_wire::cpython::{lines, text};

use super::elf::PythonSymbols;
use super::memory::{self, Memory};
use super::raw::RawStack;
use super::thread;

/// Interpreters, threads of one, and frames of one thread that are gone through at most.
const MAX_INTERPRETERS: usize = 64;
const MAX_THREADS: usize = 4_096;
const MAX_FRAMES: usize = 512;

/// Bytes of a name or path that are read at most.
const MAX_TEXT_BYTES: u64 = 4_096;

/// Bytes of a table of lines that are read at most.
const MAX_TABLE_BYTES: u64 = 1 << 20;

/// Where an interpreter is in the memory of its process.
#[derive(Debug, Clone, Copy)]
pub(super) struct Interpreter {
    runtime: u64,
    code_type: u64,
    layout: &'static Layout,
}

/// The functions that one call of the interpreter's C function runs, innermost first.
pub(super) type Call = Vec<Frame>;

impl Interpreter {
    /// Makes it of what the file of the interpreter says, mapped at this distance; `None` for a release whose
    /// structures are not known.
    pub(super) fn new(symbols: &PythonSymbols, bias: u64) -> Option<Self> {
        Some(Self {
            runtime: symbols.runtime.wrapping_add(bias),
            code_type: symbols.code_type.wrapping_add(bias),
            layout: layout::layout(symbols.version)?,
        })
    }

    /// Reads what a thread runs, if it still stands where its stack was captured.
    pub(super) fn calls(&self, raw: &RawStack<'_>) -> Option<Vec<Call>> {
        let memory = Memory::open(raw.tgid)?;
        let before = thread::still_there(raw, &memory)?;
        let calls = self.read(raw, &memory)?;
        (thread::still_there(raw, &memory)? == before).then_some(calls)
    }

    fn read(&self, raw: &RawStack<'_>, memory: &Memory) -> Option<Vec<Call>> {
        let state = self.thread(thread::own_tid(raw)?, memory)?;
        let mut frame = match self.layout.current {
            Current::At(at) => memory.word(state + at)?,
            Current::Through(through, at) => memory.word(memory.word(state + through)? + at)?,
        };
        let shape = &self.layout.frame;
        let mut calls = vec![Call::new()];
        let mut bytes = vec![0; shape.len];
        for _ in 0..MAX_FRAMES {
            if frame == 0 {
                break;
            }
            memory.read(frame, &mut bytes)?;
            let (is_shim, ends) = match shape.entry {
                Entry::Flag(at) => (false, *bytes.get(at)? != 0),
                // It has code of its own, which nobody wrote.
                Entry::Owner(at) => {
                    let is_shim = *bytes.get(at)? == OWNED_BY_C_STACK;
                    (is_shim, is_shim)
                }
            };
            let code = memory::word_at(&bytes, shape.code)?;
            let instruction = memory::word_at(&bytes, shape.instruction)?;
            if !is_shim && let Some(function) = self.function(code, instruction, memory) {
                calls.last_mut()?.push(function);
            }
            if ends {
                calls.push(Call::new());
            }
            frame = memory::word_at(&bytes, shape.previous)?;
        }
        calls.retain(|call| !call.is_empty());
        Some(calls)
    }

    /// Finds the `PyThreadState` of a thread by the id it knows itself by.
    fn thread(&self, tid: u64, memory: &Memory) -> Option<u64> {
        let layout = self.layout;
        let mut interpreter = memory.word(self.runtime + layout.first_interpreter)?;
        for _ in 0..MAX_INTERPRETERS {
            let mut thread = memory.word(interpreter + layout.first_thread)?;
            for _ in 0..MAX_THREADS {
                if thread == 0 {
                    break;
                }
                if memory.word(thread + layout.native_id)? == tid {
                    return Some(thread);
                }
                thread = memory.word(thread + layout.next_thread)?;
            }
            interpreter = memory.word(interpreter + layout.next_interpreter)?;
            if interpreter == 0 {
                break;
            }
        }
        None
    }

    /// Reads a code object; `None` where there is none, as in the frame that stands for a call from C.
    fn function(&self, code: u64, instruction: u64, memory: &Memory) -> Option<Frame> {
        let shape = &self.layout.code;
        let mut bytes = vec![0; shape.instructions];
        memory.read(code, &mut bytes)?;
        if memory::word_at(&bytes, layout::TYPE)? != self.code_type {
            return None;
        }
        let name = self.text(memory::word_at(&bytes, shape.name)?, memory)?;
        let file = self.text(memory::word_at(&bytes, shape.file)?, memory)?;
        let first = bytes.get(shape.first_line..shape.first_line + 4)?;
        let first = u32::from_ne_bytes(first.try_into().ok()?);
        // Before its first instruction a frame stands in front of it.
        let offset = instruction.checked_sub(code + shape.instructions as u64);
        let table = memory::word_at(&bytes, shape.lines)?;
        let line = offset.and_then(|offset| line(table, first, offset, memory));
        Some(Frame {
            kind: Kind::Interpreted,
            function: Known::Known(name),
            source: line.or(Some(first)).filter(|line| *line > 0).map_or(
                Known::Unknown(Reason::NotInSource),
                |line| {
                    Known::Known(Source {
                        file: file.clone(),
                        line,
                    })
                },
            ),
            module: Known::Known(file.as_bytes().into()),
            module_offset: offset.unwrap_or(0),
            inlined: false,
        })
    }

    fn text(&self, object: u64, memory: &Memory) -> Option<String> {
        let mut head = [0; text::HEAD];
        memory.read(object, &mut head)?;
        let characters = text::decode_head(self.layout, &head)?;
        let len = characters.count.checked_mul(characters.width.into())?;
        let bytes = memory.bytes(object + characters.offset, len, MAX_TEXT_BYTES)?;
        Some(text::decode_characters(characters.width, &bytes))
    }
}

fn line(table: u64, first: u32, offset: u64, memory: &Memory) -> Option<u32> {
    let len = memory.word(table + layout::SIZE)?;
    let table = memory.bytes(table + layout::BYTES, len, MAX_TABLE_BYTES)?;
    lines::decode_line(&table, first, offset)
}
