//! The code behind what the recorder tells: stacks, followed as soon as they come, named when asked for.
//!
//! A process may end at any time, and with it goes the map that its stack needs; so following is done at
//! once. Names come from files that stay, and most stacks are never shown.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::OsString;
use std::rc::Rc;

use plumb_bpf::recorder::{Mapping, Recorder, StackCopy};
use plumb_bpf::stacks::{Symbolizer, Threads, Unwinder, Unwound, blocked};
use plumb_model::Reason;
use plumb_model::event::StackId;
use plumb_model::id::Pid;
use plumb_model::stack::{Hint, Key, Stack};

use super::interpreters;

/// The stacks of one recording.
#[derive(Default)]
pub struct Code {
    unwinder: Unwinder,
    symbolizer: Symbolizer,
    unwound: HashMap<StackId, Unwound>,
    named: HashMap<StackId, Rc<Stack>>,
    /// The stacks that people are shown.
    shown: HashSet<StackId>,
    /// For each code path the first stack that had it.
    first: HashMap<Key, StackId>,
}

impl Code {
    /// Takes a copy in.
    pub fn add(&mut self, copy: &StackCopy<'_>) {
        let unwound = self.unwinder.unwind(&copy.raw());
        self.unwound.insert(copy.id, unwound);
    }

    /// Notes what became of a process's code.
    pub fn note(&mut self, mapping: &Mapping<'_>) {
        match *mapping {
            Mapping::Began { pid } => self.unwinder.note_exec(pid),
            Mapping::Forked { pid, parent } => self.unwinder.note_fork(pid, parent),
            Mapping::Mapped { pid, line } => self.unwinder.note_mapping(pid, line),
        }
    }

    /// Looks at the interpreters that a command may run, before it begins: what it does first is told then, too.
    pub fn see_command(&mut self, command: &[OsString]) {
        for program in interpreters::of_command(command) {
            self.unwinder.see_program(&program);
        }
    }

    /// Tells the recorder of interpreters found since the last time. Those it has no room for show no script.
    pub fn tell_interpreters(&mut self, recorder: &mut Recorder) {
        for program in self.unwinder.new_interpreter_programs() {
            let _ = recorder.interpret_program(&program);
        }
        for (pid, interpreter) in self.unwinder.new_interpreters() {
            let _ = recorder.interpret(Pid(pid), &interpreter);
        }
    }

    /// Looks at a process before its first stack comes, in case it ends soon.
    pub fn see(&mut self, pid: Pid) {
        self.unwinder.see(pid.0);
    }

    /// Says what the threads of a process wait in now.
    pub fn blocked(&mut self, pid: Pid) -> Result<Threads, Reason> {
        blocked(pid.0, &mut self.unwinder, &mut self.symbolizer)
    }

    /// Gives a stack with its names, to be shown.
    pub fn stack(&mut self, id: StackId) -> Option<Rc<Stack>> {
        let stack = self.judge(id)?;
        self.shown.insert(id);
        Some(stack)
    }

    /// Gives a stack with its names, for a judgement: what it lacks concerns nobody.
    pub fn judge(&mut self, id: StackId) -> Option<Rc<Stack>> {
        if let Some(named) = self.named.get(&id) {
            return Some(Rc::clone(named));
        }
        let stack = Rc::new(self.symbolizer.symbolize(self.unwound.get(&id)?));
        self.named.insert(id, Rc::clone(&stack));
        Some(stack)
    }

    /// Says what to do for the names that the stacks shown so far lack, each advice once.
    pub fn hints(&self) -> Vec<String> {
        let shown = self.shown.iter().filter_map(|id| self.named.get(id));
        let hints = shown.filter_map(|stack| stack.hint);
        let advice: BTreeSet<&str> = hints.map(Hint::remedy).collect();
        advice
            .iter()
            .map(|words| format!("hint: {words}"))
            .collect()
    }

    /// Gives a stack without names, for who names stacks elsewhere.
    pub fn unwound(&self, id: StackId) -> Option<&Unwound> {
        self.unwound.get(&id)
    }

    /// Gives the ids of all stacks.
    pub fn ids(&self) -> impl Iterator<Item = StackId> {
        self.unwound.keys().copied()
    }

    /// Lets go of a stack that nothing names any more.
    pub fn forget(&mut self, id: StackId) {
        self.unwound.remove(&id);
        self.named.remove(&id);
        self.shown.remove(&id);
    }

    /// Gives one id for all stacks of the same code, whichever process and address they had; an id without a
    /// stack stays what it is.
    pub fn path(&mut self, id: StackId) -> StackId {
        match self.stack(id) {
            Some(stack) => *self.first.entry(stack.key()).or_insert(id),
            None => id,
        }
    }
}
