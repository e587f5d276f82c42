//! Loads the object with the settings of a plan, and attaches its programs.
//!
//! Whether this kernel lets tracing programs use newer helpers is found out by loading the first program
//! with them, and when that is refused, everything without.

use aya::maps::{Array, MapError};
use aya::{Btf, Ebpf, EbpfError, EbpfLoader};

use crate::privilege;
use crate::unavailable::Unavailable;

use super::ladders::{Hook, PROBES, Probe, Program};
use super::listeners::Listeners;
use super::plan::{Gap, Layer, Plan, Scope, Used, own_pid};
use super::reader::Reader;
use super::refused::{self, Refused};
use super::{Names, Recorder, attach, calls, casts, limits, perf, places, reasons, ring};

/// The object, as `cargo xtask bpf` compiled it.
static OBJECT: &[u8] = aya::include_bytes_aligned!("../../probes/recorder/recorder.bpf.o");

/// The program that tells of drops by the code that dropped.
const DROPS_BY_PLACE: &str = "drops_by_place";

/// `MOST_REASONS`.
const MOST_REASONS: usize = 4;

/// Inode number of the first namespace of processes (`PROC_PID_INIT_INO`).
const FIRST_PID_NAMESPACE: u32 = 0xEFFF_FFFC;

/// Loads and attaches.
pub(super) fn start(plan: &Plan) -> Result<Recorder, Unavailable> {
    privilege::check()?;
    let types = Btf::from_sys_fs().map_err(|error| {
        Unavailable::new(format!("cannot read the kernel's types: {}", words(&error)))
    })?;
    let names = reasons::read();
    let with = |helpers| with_helpers(plan, &types, &names, helpers);
    let refused = match with(true) {
        Ok(recorder) => return Ok(recorder),
        Err(refused) => refused,
    };
    with(false).map_err(|again| {
        let words = if again == refused {
            refused
        } else {
            format!("{refused}; without newer helpers: {again}")
        };
        Unavailable::new(format!("the kernel refuses the recorder: {words}"))
    })
}

/// Gives the recorder, or why its first program was refused.
fn with_helpers(
    plan: &Plan,
    types: &Btf,
    names: &Names,
    helpers: bool,
) -> Result<Recorder, String> {
    let mut object = load(plan, types, names, helpers).map_err(|error| words(&error))?;
    if plan.wants(Layer::Calls) {
        name_calls(&mut object, plan).map_err(|error| words(&error))?;
    }
    let mut attached = Attached {
        refused: Refused::read(),
        whole_host: plan.scope == Scope::Host,
        ..Attached::default()
    };
    for probe in PROBES.iter().filter(|probe| plan.wants(probe.layer)) {
        attached.climb(probe, &mut object, types);
        if attached.used.is_empty() {
            return Err(attached.gaps.pop().map(|gap| gap.why).unwrap_or_default());
        }
    }
    let mut names = names.clone();
    if attached.used.iter().any(|used| used.name == DROPS_BY_PLACE) {
        names.places = places::read();
    }
    let mut take = |name| ring::Ring::take(&mut object, name).map_err(|error| words(&error));
    let (events, stacks) = (take("events")?, take("stacks")?);
    let listeners = attached.used.iter().any(|used| used.layer == Layer::Queues);
    let listeners = listeners.then(|| Listeners::of(&object)).transpose()?;
    let mut recorder = Recorder {
        listeners,
        reader: Reader::start(events, stacks).map_err(|error| error.to_string())?,
        object,
        used: attached.used,
        gaps: attached.gaps,
        names,
        mappings: Vec::new(),
        no_stacks: plan.no_stacks,
        _perf: attached.perf,
    };
    if plan.scope != Scope::Processes {
        recorder.listen(perf::Watched::All);
    }
    Ok(recorder)
}

fn load(plan: &Plan, types: &Btf, names: &Names, helpers: bool) -> Result<Ebpf, EbpfError> {
    let (scope, cgroup, level) = match plan.scope {
        Scope::Host => (0_u32, 0_u64, 0_u32),
        Scope::Processes => (1, 0, 0),
        Scope::Cgroup { id, level } => (2, id, level),
    };
    let own = own_pid().0;
    let namespace = pid_namespace();
    let (helpers, stacks) = (u32::from(helpers), u32::from(!plan.no_stacks));
    let call_stacks = u32::from(plan.call_stacks);
    let queues = u32::from(plan.wants(Layer::Queues));
    let (every, strangers) = (u32::from(plan.every_state), u32::from(plan.strangers));
    let made = u32::from(plan.wants(Layer::Made));
    let no_tcp = u32::from(!plan.wants(Layer::Made));
    let purge = names.drop_number("QUEUE_PURGE").unwrap_or(0);
    let only: [u32; MOST_REASONS] = names.drop_numbers(plan.only_drops);
    let full = names.drop_number("SOCKET_RCVBUFF").unwrap_or(0);
    let mut loader = EbpfLoader::new();
    loader
        .btf(Some(types))
        .override_global("SCOPE", &scope, true)
        .override_global("SCOPE_CGROUP_ID", &cgroup, true)
        .override_global("SCOPE_CGROUP_LEVEL", &level, true)
        .override_global("OWN_TGID", &own, true)
        .override_global("PID_NAMESPACE", &namespace, true)
        .override_global("HAVE_HELPERS", &helpers, true)
        .override_global("STACKS", &stacks, true)
        .override_global("EVERY_STATE", &every, true)
        .override_global("STRANGERS", &strangers, true)
        .override_global("QUEUES", &queues, true)
        .override_global("CALL_STACKS", &call_stacks, true)
        .override_global("MADE", &made, true)
        .override_global("NO_TCP", &no_tcp, true)
        .override_global("ONLY_REASONS", &only, true)
        .override_global("FULL_REASON", &full, true)
        .override_global("PURGE_REASON", &purge, true);
    for (name, size) in limits::MAPS {
        loader.map_max_entries(name, size);
    }
    loader.load(&casts::put_in(OBJECT, names.cast))
}

/// Tells the programs which calls are wanted, before they are attached.
fn name_calls(object: &mut Ebpf, plan: &Plan) -> Result<(), MapError> {
    let missing = MapError::InvalidName {
        name: String::from("call_flags"),
    };
    let mut flags = Array::<_, u32>::try_from(object.map_mut("call_flags").ok_or(missing)?)?;
    for (number, call) in calls::table(plan) {
        flags.set(number, call, 0)?;
    }
    Ok(())
}

/// Gives the namespace of processes we count in, 0 for the first.
fn pid_namespace() -> u32 {
    use std::os::unix::fs::MetadataExt as _;
    let inode = std::fs::metadata("/proc/self/ns/pid").map(|meta| meta.ino());
    inode
        .ok()
        .and_then(|inode| u32::try_from(inode).ok())
        .filter(|&inode| inode != FIRST_PID_NAMESPACE)
        .unwrap_or(0)
}

#[derive(Default)]
struct Attached {
    used: Vec<Used>,
    gaps: Vec<Gap>,
    perf: Vec<(&'static str, perf::Attached)>,
    refused: Refused,
    whole_host: bool,
}

impl Attached {
    /// Tries the rungs of a probe until one holds.
    fn climb(&mut self, probe: &Probe, object: &mut Ebpf, types: &Btf) {
        let mut tried = Vec::new();
        for rung in probe.ladder {
            match self.step(rung, object, types) {
                Ok(()) => {
                    self.used.extend(rung.iter().map(|program| Used {
                        layer: probe.layer,
                        sees: probe.sees,
                        hook: program.label,
                        name: program.name,
                    }));
                    return;
                }
                Err(why) => {
                    self.undo(rung, object);
                    tried.push(why);
                }
            }
        }
        self.gaps.push(Gap {
            layer: probe.layer,
            sees: probe.sees,
            why: tried.join("; "),
        });
    }

    fn step(&mut self, rung: &[Program], object: &mut Ebpf, types: &Btf) -> Result<(), String> {
        for program in rung {
            let say = |why: String| format!("{}: {why}", program.label);
            if self.refused.refuses(program.label) {
                return Err(say(String::from(refused::WHY)));
            }
            let loaded = object
                .program_mut(program.name)
                .ok_or_else(|| say(String::from("not in the object")))?;
            match program.hook {
                Hook::Typed(at) => attach::typed(loaded, at, types).map_err(say)?,
                Hook::FunctionBegin(at) => {
                    attach::function_begin(loaded, at, types).map_err(say)?;
                }
                Hook::Iterator(over) => attach::iterator(loaded, over, types).map_err(say)?,
                Hook::Probe(at) => attach::probe(loaded, at).map_err(say)?,
                Hook::FunctionEnd(at) => attach::function_end(loaded, at, types).map_err(say)?,
                Hook::Cgroup => {
                    attach::to_root_cgroup(loaded, !self.whole_host).map_err(say)?;
                }
                Hook::Call(at) => {
                    let attached = attach::call(loaded, at).map_err(say)?;
                    self.perf.push((program.name, attached));
                }
            }
        }
        Ok(())
    }

    /// Takes back what a rung had attached before it failed: the next one would tell everything twice.
    fn undo(&mut self, rung: &[Program], object: &mut Ebpf) {
        for program in rung {
            self.perf.retain(|(name, _)| *name != program.name);
            if let Some(loaded) = object.program_mut(program.name) {
                attach::undo(loaded);
            }
        }
    }
}

/// Gives the innermost cause, which is the kernel's own.
pub(super) fn words(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string().trim_end_matches('.').to_owned()
}
