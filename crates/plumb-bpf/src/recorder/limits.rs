//! How much the recorder holds. What is beyond is counted ([`plumb_model::event::Losses`]).

/// Sockets that are followed at once; 48 bytes each and the kernel's own 64 or so, when they are there.
pub const SOCKETS: u32 = 262_144;
/// Processes that are followed at once.
pub const PROCESSES: u32 = 32_768;
/// Processes whose interpreter's place is known; of more, those that opened nothing for the longest time are forgotten.
pub const INTERPRETING: u32 = 8_192;
/// Files of interpreters.
pub const INTERPRETERS: u32 = 1_024;
/// Ports that followed processes listen at.
pub const LISTENERS: u32 = 16_384;
/// Distinct stacks.
pub const STACKS: u32 = 65_536;
/// Processes, named one by one, of whose code is heard; each takes 256 KB on every processor.
pub const LISTENED: usize = 16;
/// Threads that have made any call, with [`super::Layer::Calls`], half a KB each.
pub const CALLS: u32 = 65_536;
/// Sockets of which bytes are counted.
pub const TRAFFIC: u32 = 262_144;
/// Sockets, each with the code that uses it, of which bytes are counted.
pub const USES: u32 = 262_144;
/// Sockets whose writers are known; half a KB each, when they are there.
pub const QUEUES: u32 = 65_536;
/// Bytes of the ring of events: 60 000 events of 136 bytes between two looks of a thread that only copies.
pub const EVENT_RING_BYTES: u32 = 8 << 20;
/// Bytes of the ring of stacks: 500 of the largest between two looks.
pub const STACK_RING_BYTES: u32 = 16 << 20;
/// Bytes that one look copies of each ring at most: programs go on to fill them meanwhile.
pub const EVENT_LOOK_BYTES: usize = 8 << 20;
/// The same for stacks.
pub const STACK_LOOK_BYTES: usize = 16 << 20;
/// Bytes that are copied and wait to be handed on: some three million events. Beyond that they stay in the rings.
pub const WAITING_BYTES: usize = 256 << 20;
/// Events handed on before it is looked whether a stack came.
pub const SLICE: usize = 2048;
/// Time between two looks at the rings.
pub const LOOK: std::time::Duration = std::time::Duration::from_millis(20);
/// The same while a command is young.
pub const LOOK_SOON: std::time::Duration = std::time::Duration::from_millis(1);
/// How long a command is young.
pub const YOUNG: std::time::Duration = std::time::Duration::from_secs(1);

/// `BPF_NOEXIST`.
pub(super) const BPF_NOEXIST: u64 = 1;

/// The sizes of the maps, by name.
pub(super) const MAPS: [(&str, u32); 15] = [
    ("interpreters", INTERPRETING),
    ("interpreter_programs", INTERPRETERS),
    ("sockets", SOCKETS),
    ("taken", SOCKETS),
    ("processes", PROCESSES),
    ("listeners", LISTENERS),
    ("watched", LISTENERS),
    ("known_stacks", STACKS),
    ("calls", CALLS),
    ("moving", CALLS),
    ("traffic", TRAFFIC),
    ("uses", USES),
    ("queues", QUEUES),
    ("events", EVENT_RING_BYTES),
    ("stacks", STACK_RING_BYTES),
];
