//! Follows stacks: knows the processes it was shown and the files of their code, and whose stack it is.

use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;

use plumb_model::stack::{Cut, How};
use plumb_wire::proc::maps;

use super::module::{Module, Modules, open_regular};
use super::process::{Origin, Process};
use super::python::{self, Call, Codes, Interpreter, InterpreterProgram};
use super::raw::RawStack;
use super::runtime::Runtime;
use super::walk::{self, Cache, Walked};

/// Processes that are remembered at most; beyond, all are forgotten and read again when they come up.
const MAX_PROCESSES: usize = 4_096;

/// Modules added until the cache of rules is made anew: it tells them apart by 16 bits.
const MAX_GENERATIONS: usize = 30_000;

/// Bytes that are noted at most of one process's maps: some thousand files.
const MAX_NOTED_BYTES: usize = 1 << 18;

/// Follows stacks. It knows the processes it was shown, and the files their code is in.
#[derive(Default)]
pub struct Unwinder {
    processes: HashMap<u32, Process>,
    modules: Modules,
    cache: Cache,
    generations: usize,
    /// What was noted of the maps of processes, as lines of `/proc/PID/maps`.
    noted: HashMap<u32, Vec<u8>>,
    /// Interpreters found since somebody asked.
    found: Vec<(u32, Interpreter)>,
}

/// A stack that was followed and not named yet. It needs its process no more.
#[derive(Debug, Clone)]
pub struct Unwound {
    pub(super) places: Vec<Place>,
    /// What an interpreter ran, for each call of its C function.
    pub(super) calls: Vec<Call>,
    pub(super) origin: Option<Arc<Origin>>,
    pub(super) how: How,
    pub(super) cut: Option<Cut>,
}

/// The code of one frame.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// An address of the instruction that runs or calls.
    pub(super) address: u64,
    pub(super) code: PlaceCode,
}

/// Whose code it is.
#[derive(Debug, Clone)]
pub(super) enum PlaceCode {
    /// A module's, at this address as its file counts.
    Module(Arc<Module>, u64),
    /// Of a file that could not be opened, by its path.
    Closed(Arc<[u8]>),
    /// Made while running.
    Anonymous,
    /// Not known: the maps of the process could not be read.
    Unmapped,
}

impl Unwinder {
    /// Makes one that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks at a process now, so that its stacks can be followed after it has ended. Costs some 50 µs for a
    /// small program and nothing the second time, unless it began another program since.
    pub fn see(&mut self, pid: u32) {
        if self
            .processes
            .get(&pid)
            .is_some_and(|known| !known.is_another_program())
        {
            return;
        }
        // What is known stays when the process cannot be read any more.
        let _ = self.read(pid);
    }

    /// Notes that a process mapped a file as code, as the line that `/proc/PID/maps` has for it. Needed only when
    /// the process has ended before its maps are read.
    pub fn note_mapping(&mut self, pid: u32, line: &[u8]) {
        if self.noted.len() >= MAX_PROCESSES && !self.noted.contains_key(&pid) {
            self.noted.clear();
        }
        let noted = self.noted.entry(pid).or_default();
        if noted.len() < MAX_NOTED_BYTES {
            noted.extend_from_slice(line);
        }
        let is_python = maps::decode_mapping(line.trim_ascii_end())
            .is_some_and(|mapping| Runtime::of_path(mapping.path) == Some(Runtime::Python));
        if is_python && self.interpreter(pid).is_none() {
            // At once: what it runs is told from then on.
            let _ = self.read(pid);
        }
    }

    /// Notes that a process was born with the code of another.
    pub fn note_fork(&mut self, pid: u32, parent: u32) {
        if let Some(noted) = self.noted.get(&parent).cloned() {
            self.noted.insert(pid, noted);
        } else {
            self.noted.remove(&pid);
        }
        self.found(pid, self.interpreter(parent));
    }

    /// Notes that a process began another program: its code is gone.
    pub fn note_exec(&mut self, pid: u32) {
        self.noted.remove(&pid);
        self.processes.remove(&pid);
    }

    /// Forgets a process, whose pid may be given to another.
    pub fn forget(&mut self, pid: u32) {
        self.processes.remove(&pid);
    }

    /// Follows a stack.
    pub fn unwind(&mut self, raw: &RawStack<'_>) -> Unwound {
        if let Err(cut) = self.prepare(raw) {
            return unmapped(raw, cut);
        }
        // First, because a process that ends takes the names with it.
        let calls = self.ask(raw, |interpreter, codes| {
            (!raw.script.is_empty()).then(|| interpreter.calls_of(raw, codes))
        });
        let mut walked = self.walk(raw);
        if walked.left_the_map {
            // Code may have been mapped since the maps were read.
            if let Some(process) = self.processes.get_mut(&raw.tgid) {
                let noted = self.noted.get(&raw.tgid).map(Vec::as_slice);
                process.refresh(noted, &mut self.modules);
                self.generations += process.module_count();
            }
            walked = self.walk(raw);
        }
        walked.unwound.calls = calls.unwrap_or_default();
        walked.unwound
    }

    /// Gives the CPython interpreter that a process is, if it was seen and its release is known: a probe needs it
    /// to tell what is run.
    pub fn interpreter(&self, pid: u32) -> Option<Interpreter> {
        self.processes.get(&pid)?.python
    }

    /// Follows the stack of a thread that may still stand where it was captured, and asks its interpreter what it
    /// runs. Not for a copy that stands for several captures (a probe sends each distinct stack once): functions
    /// of an interpreter differ where its own stacks do not.
    pub fn unwind_waiting(&mut self, raw: &RawStack<'_>) -> Unwound {
        let mut unwound = self.unwind(raw);
        let calls = self.ask(raw, |interpreter, codes| {
            let captured = Some(raw).filter(|raw| !raw.bytes.is_empty());
            captured.and_then(|raw| interpreter.calls(raw, codes))
        });
        unwound.calls = calls.unwrap_or_default();
        unwound
    }

    /// Asks the interpreter that the process of a stack is, if it is one.
    fn ask(
        &mut self,
        raw: &RawStack<'_>,
        question: impl FnOnce(&Interpreter, &mut Codes) -> Option<Vec<Call>>,
    ) -> Option<Vec<Call>> {
        let process = self.processes.get_mut(&raw.tgid)?;
        question(process.python.as_ref()?, &mut process.codes)
    }

    /// Gives the interpreters found since the last time, by process.
    pub fn new_interpreters(&mut self) -> Vec<(u32, Interpreter)> {
        std::mem::take(&mut self.found)
    }

    /// Looks at a file that a process may begin as, if it is called like an interpreter, and at the library that it
    /// may be the beginning of.
    pub fn see_program(&mut self, path: &Path) {
        let real = std::fs::canonicalize(path).unwrap_or_default();
        let name = real.file_name().unwrap_or_default().as_bytes();
        if Runtime::of_path(name) != Some(Runtime::Python) {
            return;
        }
        let is_whole = |module: &Arc<Module>| module.python.is_some();
        if !self.see_file(&real).as_ref().is_some_and(is_whole) {
            for library in python::libraries(&real) {
                self.see_file(&library);
            }
        }
    }

    fn see_file(&mut self, path: &Path) -> Option<Arc<Module>> {
        let file = open_regular(path)?;
        self.modules.of_file(path.as_os_str().as_bytes(), file)
    }

    /// Gives the files found since the last time that are interpreters.
    pub fn new_interpreter_programs(&mut self) -> Vec<InterpreterProgram> {
        self.modules.new_interpreters()
    }

    fn found(&mut self, pid: u32, interpreter: Option<Interpreter>) {
        if self.found.len() < MAX_PROCESSES {
            self.found
                .extend(interpreter.map(|interpreter| (pid, interpreter)));
        }
    }

    /// Makes sure that the process of a stack is known, and is the one meant.
    fn prepare(&mut self, raw: &RawStack<'_>) -> Result<(), Cut> {
        if let Some(known) = self.processes.get(&raw.tgid) {
            let same = raw.start_ticks == 0 || known.origin.start_ticks == raw.start_ticks;
            if same && !known.is_another_program() {
                return Ok(());
            }
        }
        self.read(raw.tgid)?;
        match self.processes.get(&raw.tgid) {
            Some(read) if raw.start_ticks == 0 || read.origin.start_ticks == raw.start_ticks => {
                Ok(())
            }
            // The pid belongs to somebody else by now.
            _ => Err(Cut::ProcessEnded),
        }
    }

    fn read(&mut self, pid: u32) -> Result<(), Cut> {
        if self.processes.len() >= MAX_PROCESSES {
            self.processes.clear();
        }
        let noted = self.noted.get(&pid).map(Vec::as_slice);
        let mut process = Process::read(pid, noted, &mut self.modules)?;
        if let Some(before) = self
            .processes
            .get_mut(&pid)
            .filter(|before| !before.is_another_program())
        {
            process.keep_from(before);
        }
        self.generations += process.module_count();
        self.found(pid, process.python);
        self.processes.insert(pid, process);
        Ok(())
    }

    fn walk(&mut self, raw: &RawStack<'_>) -> Walked {
        if self.generations > MAX_GENERATIONS {
            self.generations = 0;
            self.cache = Cache::default();
        }
        let Some(process) = self.processes.get(&raw.tgid) else {
            return Walked {
                unwound: unmapped(raw, Cut::ProcessEnded),
                left_the_map: false,
            };
        };
        walk::follow(process, raw, &mut self.cache)
    }
}

/// What is left of a stack whose process cannot be looked at.
fn unmapped(raw: &RawStack<'_>, cut: Cut) -> Unwound {
    let place = Place {
        address: raw.ip.saturating_sub(1),
        code: PlaceCode::Unmapped,
    };
    Unwound {
        places: vec![place],
        calls: Vec::new(),
        origin: None,
        how: How::AddressOnly,
        cut: Some(cut),
    }
}
