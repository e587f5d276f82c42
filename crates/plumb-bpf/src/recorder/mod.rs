//! The recorder: what happens to sockets from now on, and which code made it happen.
//!
//! [`Recorder::start`] loads the programs of `probes/recorder` that a [`Plan`] needs and attaches them; what
//! this kernel refuses is a gap with its reason. [`Recorder::poll`] hands on what they told. The programs
//! live as long as the recorder does: nothing is pinned, so they end with the process however it ends.
//!
//! Minimum kernel version: 5.8 (ring buffers; BTF of tracepoints). Below it there is no recorder.

mod attach;
pub mod calls;
mod casts;
mod cgroup;
mod decode;
mod functions;
mod interpreters;
mod ladders;
pub mod limits;
mod listeners;
mod load;
mod mappings;
mod misses;
mod perf;
mod places;
mod plan;
mod ports;
mod reader;
mod reasons;
mod records;
mod refused;
mod ring;
mod traffic;

use aya::Ebpf;
use aya::maps::{HashMap, MapData, MapError, PerCpuArray};
use plumb_model::event::{Event, Losses, Moved, StackId};
use plumb_model::id::{Cookie, NetnsId, Pid};
use plumb_model::usage::{Queue, Usage};

pub use decode::StackCopy;
pub use mappings::Mapping;
pub use plan::{Gap, Layer, Plan, Scope, Used};
pub use reasons::Names;

use crate::stacks::{Interpreter, InterpreterProgram};
use crate::unavailable::Unavailable;
use decode::Known;

/// Why a map of the programs could not be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use a map of the recorder: {0}")]
pub struct Error(#[from] MapError);

/// Programs at work, and what they tell.
pub struct Recorder {
    object: Ebpf,
    reader: reader::Reader,
    used: Vec<Used>,
    gaps: Vec<Gap>,
    names: Names,
    mappings: Vec<mappings::Mappings>,
    no_stacks: bool,
    /// With [`Layer::Queues`].
    listeners: Option<listeners::Listeners>,
    _perf: Vec<(&'static str, perf::Attached)>,
}

/// A socket that was there before the recorder.
#[derive(Debug, Clone, Copy)]
pub struct Older {
    /// Its name.
    pub cookie: Cookie,
    /// Its namespace.
    pub netns: NetnsId,
    /// Who holds it; `None` if unknown.
    pub owner: Option<Pid>,
    /// Its ends.
    pub ends: plumb_model::event::Ends,
    /// It listens.
    pub listens: bool,
}

/// What the programs told.
#[derive(Debug)]
pub enum Told<'a> {
    /// Something happened.
    Event(Event),
    /// A process has other code now.
    Mapping(Mapping<'a>),
    /// The copy of a stack that events name, told once.
    Stack(StackCopy<'a>),
}

impl Recorder {
    /// Loads and attaches what the plan needs.
    pub fn start(plan: &Plan) -> Result<Self, Unavailable> {
        load::start(plan)
    }

    /// Follows a process, and its children from now on.
    pub fn follow(&mut self, pid: Pid) -> Result<(), Error> {
        self.listen(perf::Watched::Process(pid.0));
        let mut processes: HashMap<&mut MapData, u32, u32> = self.map("processes")?;
        Ok(processes.insert(pid.0, pid.0, 0)?)
    }

    /// Tells the programs where the interpreter of a process keeps what it runs, so that stacks have it.
    pub fn interpret(&mut self, pid: Pid, interpreter: &Interpreter) -> Result<(), Error> {
        let Some(layout) = interpreters::Layout::of(interpreter) else {
            return Ok(());
        };
        let mut interpreters: HashMap<&mut MapData, u32, interpreters::Layout> =
            self.map("interpreters")?;
        Ok(interpreters.insert(pid.0, layout, 0)?)
    }

    /// Tells the programs of a file that is an interpreter, so that stacks of whoever runs it have what it runs, from
    /// its first instruction on.
    pub fn interpret_program(&mut self, program: &InterpreterProgram) -> Result<(), Error> {
        let Some((file, layout)) = interpreters::entry(program) else {
            return Ok(());
        };
        let mut programs: HashMap<
            &mut MapData,
            interpreters::ProgramFile,
            interpreters::ProgramLayout,
        > = self.map("interpreter_programs")?;
        Ok(programs.insert(file, layout, 0)?)
    }

    /// Says which process ids are followed at this moment.
    pub fn followed(&mut self) -> Result<Vec<Pid>, Error> {
        let processes: HashMap<&mut MapData, u32, u32> = self.map("processes")?;
        Ok(processes.keys().filter_map(Result::ok).map(Pid).collect())
    }

    /// Tells the programs of a socket that was there before them. One that they have met since is left
    /// as they know it.
    pub fn seed(&mut self, older: &Older) -> Result<(), Error> {
        let known = Known::of(older);
        if older.listens
            && let Some(owner) = older.owner
        {
            let key = [known.netns, u32::from(known.local_port)];
            let mut listeners: HashMap<&mut MapData, [u32; 2], u32> = self.map("listeners")?;
            listeners.insert(key, owner.0, 0)?;
        }
        if self.used.iter().any(|used| used.layer == Layer::Made)
            && let Some((key, by)) = ports::of(older)
        {
            let mut taken: HashMap<&mut MapData, ports::Key, ports::Taken> = self.map("taken")?;
            // Of those that share a port the listener stands for all. Whoever has it since the recorder began, has it.
            let flags = if older.listens {
                0
            } else {
                limits::BPF_NOEXIST
            };
            unless_there(taken.insert(key, by, flags))?;
        }
        let mut sockets: HashMap<&mut MapData, u64, Known> = self.map("sockets")?;
        // One that is there was made since the recorder began.
        Ok(unless_there(sockets.insert(
            older.cookie.0,
            known,
            limits::BPF_NOEXIST,
        ))?)
    }

    /// Finds those among the sockets it was told of ([`Self::seed`]) that listen, with [`Layer::Queues`].
    pub fn find_older_listeners(&self) {
        if let Some(listeners) = &self.listeners {
            listeners.find_older();
        }
    }

    /// Hands on what was told, stacks before the events that name them; no more than a slice of the events,
    /// because stacks that came meanwhile are more urgent. Says whether more wait.
    pub fn poll(&mut self, mut tell: impl FnMut(Told<'_>)) -> bool {
        if let Some(listeners) = &mut self.listeners {
            listeners.look();
        }
        self.reader.take();
        self.tell(limits::SLICE, &mut tell)
    }

    /// Hands on everything that has happened until now.
    pub fn poll_rest(&mut self, mut tell: impl FnMut(Told<'_>)) {
        if let Some(listeners) = &mut self.listeners {
            listeners.look_now();
        }
        self.reader.catch_up();
        while self.tell(limits::SLICE, &mut tell) {}
    }

    fn tell(&mut self, most: usize, tell: &mut impl FnMut(Told<'_>)) -> bool {
        for mappings in &mut self.mappings {
            mappings.drain(&mut |mapping| tell(Told::Mapping(mapping)));
        }
        self.reader.stacks(|bytes| {
            if let Some(copy) = decode::decode_stack(bytes) {
                tell(Told::Stack(copy));
            }
        });
        self.reader.events(most, |bytes| {
            if let Some(event) = decode::decode_event(bytes, &self.names.places) {
                tell(Told::Event(event));
            }
        })
    }

    /// Gives the calls that have not returned, the oldest first.
    pub fn unfinished(&self) -> Vec<Event> {
        let Some(map) = self.object.map("calls") else {
            return Vec::new();
        };
        let Ok(calls) = HashMap::<_, u32, decode::Caller>::try_from(map) else {
            return Vec::new();
        };
        let calls = calls.iter().filter_map(Result::ok);
        let mut calls: Vec<Event> = calls.filter_map(|(_, call)| call.event()).collect();
        calls.sort_by_key(|call| call.time_ns);
        calls
    }

    /// Gives what sockets other than TCP's have moved since the start, with [`Layer::Traffic`].
    pub fn traffic(&self) -> Vec<(Cookie, Moved)> {
        traffic::read(&self.object)
    }

    /// Makes room where they are counted: they are gone.
    pub fn forget_traffic(&mut self, cookies: impl Iterator<Item = Cookie>) {
        traffic::forget(&mut self.object, cookies);
    }

    /// Gives what each code has moved through each socket since the start, with [`Layer::Functions`].
    pub fn uses(&self) -> Vec<(Cookie, Option<StackId>, Usage)> {
        functions::read_uses(&self.object)
    }

    /// Gives who wrote what may wait in the queues of each socket, with [`Layer::Functions`].
    pub fn queues(&self) -> Vec<(Cookie, Queue)> {
        functions::read_queues(&self.object)
    }

    /// Gives what was lost since the start.
    pub fn losses(&self) -> Losses {
        let Some(map) = self.object.map("lost") else {
            return Losses::default();
        };
        let Ok(lost) = PerCpuArray::<_, u64>::try_from(map) else {
            return Losses::default();
        };
        let count = |kind: u32| lost.get(&kind, 0).map_or(0, |values| values.iter().sum());
        Losses {
            events: count(0),
            stacks: count(1),
            sockets: count(2),
            stack_ids: count(3),
            calls: count(4),
            traffic: count(5),
            processes: count(6),
            foreign: count(7),
            interrupted: misses::count(&self.object, &self.used),
        }
    }

    /// Waits until something was told or the time is over. A new stack is told at once, because it must be
    /// followed while its process is there; events alone within [`limits::LOOK`].
    pub fn wait(&mut self, longest: std::time::Duration) {
        self.reader.wait(longest);
    }

    /// The same, and until something happens to one of the others: a recorder that serves while it records.
    pub fn wait_also<'f>(
        &'f self,
        others: impl IntoIterator<Item = rustix::event::PollFd<'f>>,
        longest: std::time::Duration,
    ) {
        self.reader.wait_also(others, longest);
    }

    /// Makes room for another stack: this one is copied anew should it come again. Events that were told before
    /// may name it still.
    pub fn forget_stack(&mut self, id: StackId) -> Result<(), Error> {
        let mut known: HashMap<&mut MapData, u64, u32> = self.map("known_stacks")?;
        Ok(known.remove(&id.0)?)
    }

    /// Says which program does what, for people who ask how it is known.
    pub fn used(&self) -> &[Used] {
        &self.used
    }

    /// Says what will not be seen, and why.
    pub fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    /// Gives this kernel's names of reasons.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Begins to hear of the code of processes. They can be followed without, but not named once they end.
    fn listen(&mut self, watched: perf::Watched) {
        if self.mappings.len() >= limits::LISTENED || self.no_stacks {
            return;
        }
        match mappings::Mappings::listen(watched) {
            Ok(mappings) => self.mappings.push(mappings),
            Err(error) if self.mappings.is_empty() => self.gaps.push(Gap {
                layer: Layer::Processes,
                sees: "the code of processes that end at once",
                why: format!("perf: {error}"),
            }),
            Err(_) => {}
        }
    }

    fn map<'a, M>(&'a mut self, name: &'static str) -> Result<M, Error>
    where
        M: TryFrom<&'a mut aya::maps::Map, Error = MapError>,
    {
        let missing = MapError::InvalidName {
            name: name.to_owned(),
        };
        Ok(M::try_from(self.object.map_mut(name).ok_or(missing)?)?)
    }
}

/// Takes it for fine that a map had such a key before.
fn unless_there(inserted: Result<(), MapError>) -> Result<(), MapError> {
    match inserted {
        Err(MapError::SyscallError(error))
            if error.io_error.raw_os_error() == Some(libc::EEXIST) =>
        {
            Ok(())
        }
        other => other,
    }
}
