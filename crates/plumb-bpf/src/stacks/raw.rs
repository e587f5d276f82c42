//! What a probe captures of a thread's user stack.

/// The registers of a thread where it entered the kernel, and a copy of the top of its stack.
///
/// Only the bytes given are ever read: the process runs on while its stack is looked at, so what is in its
/// memory now is not what was there then.
#[derive(Debug, Clone, Copy)]
pub struct RawStack<'a> {
    /// The thread, as the host's pid namespace counts.
    pub pid: u32,
    /// Its process, as the host's pid namespace counts.
    pub tgid: u32,
    /// When the process began, in clock ticks since boot (field 22 of `/proc/PID/stat`): a pid that was
    /// used again is another process.
    pub start_ticks: u64,
    /// Instruction pointer: behind the instruction that entered the kernel.
    pub ip: u64,
    /// Stack pointer: the address of the first byte in `bytes`.
    pub sp: u64,
    /// Frame pointer register, whatever the program uses it for; [`RawStack::UNKNOWN`] if it was not read.
    pub bp: u64,
    /// Link register, on machines that return through one (aarch64); not looked at on x86_64.
    pub lr: u64,
    /// The stack from `sp` upwards, as much as was copied.
    pub bytes: &'a [u8],
    /// What an interpreter ran at that moment, innermost first; empty where that was not captured.
    pub script: &'a [ScriptFrame],
    /// Return addresses the kernel found by frame pointers, innermost first; used where `bytes` is empty.
    pub kernel_fp: &'a [u64],
}

impl RawStack<'_> {
    /// Stands for a register that was not read: no address a program can have.
    pub const UNKNOWN: u64 = 0x8000_0000_0000_0000;
}

/// A function that an interpreter was running: addresses, named when the stack is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScriptFrame {
    /// Its code object.
    pub code: u64,
    /// The instruction.
    pub instruction: u64,
    /// Whether it stands for a call from C and is no function.
    pub is_shim: bool,
    /// Whether the call of the interpreter's C function that ran it ends with it.
    pub ends_call: bool,
}
