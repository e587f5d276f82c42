//! The functions a CPython interpreter is running, which have no machine code of their own.
//!
//! They are in the interpreter's memory, and memory is of now, while a stack is of when it was captured: a caller
//! that is not the one of the capture would be a lie. So a probe reads which they are in the moment of the capture
//! (`probes/recorder/python.h`, told by [`Interpreter`] where to look), and they are named here, from code objects
//! that live as long as their functions. Without a probe they are read only while the thread still stands where it
//! stood: asleep in the same call, with the same stack, and it did not run in between
//! ([`thread::still_there`]). Else there are none, and the stack says so.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use plumb_model::stack::{Frame, Kind, Source};
use plumb_model::{Known, Reason};
use plumb_wire::cpython::layout::{self, Current, Entry, Layout, OWNED_BY_C_STACK};
use plumb_wire::cpython::{lines, text};

use super::elf::PythonSymbols;
use super::memory::{self, Memory};
use super::raw::{RawStack, ScriptFrame};
use super::thread;

/// Interpreters, threads of one, and frames of one thread that are gone through at most.
const MAX_INTERPRETERS: usize = 64;
const MAX_THREADS: usize = 4_096;
const MAX_FRAMES: usize = 512;

/// Code objects of one process that are remembered at most; beyond, all are forgotten.
const MAX_CODES: usize = 4_096;

/// Bytes of a name or path that are read at most.
const MAX_TEXT_BYTES: u64 = 4_096;

/// Bytes of a table of lines that are read at most.
const MAX_TABLE_BYTES: u64 = 1 << 20;

/// Where an interpreter is in the memory of its process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interpreter {
    /// Address of `_PyRuntime`.
    pub(crate) runtime: u64,
    code_type: u64,
    pub(crate) layout: &'static Layout,
}

/// A file that is an interpreter, a program or a library, and where that keeps what it runs as the file counts: a
/// probe needs no more to know it in a process that has just begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InterpreterProgram {
    pub(crate) interpreter: Interpreter,
    /// Which file, whatever its name.
    pub(crate) inode: u64,
    pub(crate) size: u64,
    /// Address of its first code, and where that is in the file.
    pub(crate) first_code: u64,
    pub(crate) first_code_at: u64,
}

/// Folders with libraries, beside the one next to a program's own.
const LIBRARY_FOLDERS: &[&str] = &[
    "/usr/lib64",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
];

/// Gives the libraries that hold the interpreter of a program like `python3.12` if it does not itself:
/// `libpython3.12.so.1.0`.
pub(super) fn libraries(program: &Path) -> Vec<PathBuf> {
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    let prefix = format!("lib{name}.so");
    let own = program.parent().and_then(Path::parent);
    let folders = own.map(|own| own.join("lib")).into_iter();
    let folders = folders.chain(LIBRARY_FOLDERS.iter().map(PathBuf::from));
    let entries = folders
        .filter_map(|folder| folder.read_dir().ok())
        .flatten();
    let is_it = |name: &OsStr| name.as_encoded_bytes().starts_with(prefix.as_bytes());
    entries
        .filter_map(Result::ok)
        .filter(|entry| is_it(&entry.file_name()))
        .map(|entry| entry.path())
        .collect()
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
    pub(super) fn calls(&self, raw: &RawStack<'_>, codes: &mut Codes) -> Option<Vec<Call>> {
        let memory = Memory::open(raw.tgid)?;
        let before = thread::still_there(raw, &memory)?;
        let script = self.read(raw, &memory)?;
        let calls = self.named(&script, Some(&memory), codes);
        (thread::still_there(raw, &memory)? == before).then_some(calls)
    }

    /// Names what a probe saw. A process that is ending has given some of it back: that is unknown, unless it was
    /// named before.
    pub(super) fn calls_of(&self, raw: &RawStack<'_>, codes: &mut Codes) -> Vec<Call> {
        let mut calls = self.named(raw.script, Memory::open(raw.tgid).as_ref(), codes);
        let is_named = |frame: &Frame| frame.function.reason().is_none();
        if !calls.iter().flatten().any(is_named) {
            calls.clear();
        }
        calls
    }

    fn read(&self, raw: &RawStack<'_>, memory: &Memory) -> Option<Vec<ScriptFrame>> {
        let state = self.thread(thread::own_tid(raw)?, memory)?;
        let mut frame = match self.layout.current {
            Current::At(at) => memory.word(state + at)?,
            Current::Through(through, at) => memory.word(memory.word(state + through)? + at)?,
        };
        let shape = &self.layout.frame;
        let mut script = Vec::new();
        let mut bytes = vec![0; shape.len];
        while frame != 0 && script.len() < MAX_FRAMES {
            memory.read(frame, &mut bytes)?;
            let (is_shim, ends_call) = match shape.entry {
                Entry::Flag(at) => (false, *bytes.get(at)? != 0),
                Entry::Owner(at) => {
                    let is_shim = *bytes.get(at)? == OWNED_BY_C_STACK;
                    (is_shim, is_shim)
                }
            };
            script.push(ScriptFrame {
                code: memory::word_at(&bytes, shape.code)?,
                instruction: memory::word_at(&bytes, shape.instruction)?,
                is_shim,
                ends_call,
            });
            frame = memory::word_at(&bytes, shape.previous)?;
        }
        Some(script)
    }

    fn named(
        &self,
        script: &[ScriptFrame],
        memory: Option<&Memory>,
        codes: &mut Codes,
    ) -> Vec<Call> {
        let mut calls = Vec::new();
        let mut call = Call::new();
        for frame in script {
            // A shim has code of its own, which nobody wrote.
            if !frame.is_shim {
                let code = memory.and_then(|memory| self.code(frame.code, memory));
                call.push(match codes.remember(frame.code, code) {
                    Some(code) => code.frame(frame.instruction),
                    None => unnamed(),
                });
            }
            if frame.ends_call {
                calls.push(std::mem::take(&mut call));
            }
        }
        calls.push(call);
        calls.retain(|call| !call.is_empty());
        calls
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

    /// Reads a code object; `None` if there is none.
    fn code(&self, address: u64, memory: &Memory) -> Option<Code> {
        let shape = &self.layout.code;
        let mut bytes = vec![0; shape.instructions];
        memory.read(address, &mut bytes)?;
        if memory::word_at(&bytes, layout::TYPE)? != self.code_type {
            return None;
        }
        let first = bytes.get(shape.first_line..shape.first_line + 4)?;
        let table = memory::word_at(&bytes, shape.lines)?;
        let len = memory.word(table + layout::SIZE)?;
        Some(Code {
            name: self.text(memory::word_at(&bytes, shape.name)?, memory)?,
            file: self.text(memory::word_at(&bytes, shape.file)?, memory)?,
            first_line: u32::from_ne_bytes(first.try_into().ok()?),
            lines: memory.bytes(table + layout::BYTES, len, MAX_TABLE_BYTES)?,
            instructions: address + shape.instructions as u64,
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

/// A code object: what all frames of a function have in common.
#[derive(Debug, Clone)]
struct Code {
    name: String,
    file: String,
    first_line: u32,
    lines: Vec<u8>,
    /// Address of the first instruction.
    instructions: u64,
}

impl Code {
    fn frame(&self, instruction: u64) -> Frame {
        // Before its first instruction a frame stands in front of it.
        let offset = instruction.checked_sub(self.instructions);
        let line = offset.and_then(|at| lines::decode_line(&self.lines, self.first_line, at));
        let source = |line| {
            Known::Known(Source {
                file: self.file.clone(),
                line,
            })
        };
        Frame {
            kind: Kind::Interpreted,
            function: Known::Known(self.name.clone()),
            source: line
                .or(Some(self.first_line))
                .filter(|line| *line > 0)
                .map_or(Known::Unknown(Reason::NotInSource), source),
            module: Known::Known(self.file.as_bytes().into()),
            module_offset: offset.unwrap_or(0),
            inlined: false,
        }
    }
}

/// A function that was running, and of which no more is known.
fn unnamed() -> Frame {
    Frame {
        kind: Kind::Interpreted,
        function: Known::Unknown(Reason::ProcessEnded),
        source: Known::Unknown(Reason::ProcessEnded),
        module: Known::Unknown(Reason::ProcessEnded),
        module_offset: 0,
        inlined: false,
    }
}

/// The code objects of one process that were named, by address: when a process ends they are gone before it.
#[derive(Debug, Default)]
pub(super) struct Codes(HashMap<u64, Code>);

impl Codes {
    /// Gives the code object at an address as it is now, or else as it was when it could be read last.
    fn remember(&mut self, address: u64, now: Option<Code>) -> Option<&Code> {
        if let Some(code) = now {
            if self.0.len() >= MAX_CODES {
                self.0.clear();
            }
            self.0.insert(address, code);
        }
        self.0.get(&address)
    }
}
