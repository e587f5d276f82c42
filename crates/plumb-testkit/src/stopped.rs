//! A program stopped inside a system call, with its registers and the top of its stack, by ptrace.
//!
//! What a BPF probe captures, without BPF: so that what is made of a capture can be tested on any machine
//! and by any user. The program stays stopped where it is until the value is dropped, which ends it.

use std::fs::File;
use std::io::{self, Write as _};
use std::net::Ipv4Addr;
use std::os::unix::fs::FileExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

use nix::sys::ptrace::{self, Options};
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// Stops that are gone through at most before the call must have come.
const MAX_STOPS: u32 = 2_000_000;

/// Bytes of the stack that are copied at most.
pub const MAX_STACK_BYTES: usize = 32 << 10;

/// A program that is about to enter a call.
#[derive(Debug)]
pub struct Stopped {
    program: Child,
    /// The thread that makes the call.
    pub tid: u32,
    /// Its process.
    pub tgid: u32,
    /// Instruction pointer.
    pub ip: u64,
    /// Stack pointer.
    pub sp: u64,
    /// Frame pointer register.
    pub bp: u64,
    /// The stack from `sp` upwards.
    pub stack: Vec<u8>,
}

/// The call to stop at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// `connect` to this port of loopback.
    Connect(u16),
    /// `accept` or `accept4`, on anything.
    Accept,
}

impl Stopped {
    /// Runs a program until one of its threads makes this call for the `nth` time (1 is the first).
    pub fn at(command: &Command, call: Call, nth: u32) -> io::Result<Self> {
        let mut program = held(command).spawn()?;
        let result = follow(&mut program, call, nth);
        match result {
            Ok((thread, registers)) => Self::captured(program, thread, &registers),
            Err(error) => {
                let _ = program.kill();
                let _ = program.wait();
                Err(error)
            }
        }
    }

    fn captured(
        program: Child,
        thread: Pid,
        registers: &libc::user_regs_struct,
    ) -> io::Result<Self> {
        let tid = u32::try_from(thread.as_raw()).map_err(io::Error::other)?;
        let memory = File::open(format!("/proc/{tid}/mem"))?;
        let mut stack = vec![0; MAX_STACK_BYTES];
        let read = read_up_to(&memory, &mut stack, registers.rsp);
        stack.truncate(read);
        Ok(Self {
            tgid: program.id(),
            program,
            tid,
            ip: registers.rip,
            sp: registers.rsp,
            bp: registers.rbp,
            stack,
        })
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = self.program.kill();
        // The end of a thread that is followed waits until it was heard of, and the program's end for that of
        // its threads.
        let program = Pid::from_raw(self.program.id().cast_signed());
        while let Ok(status) = waitpid(None, Some(WaitPidFlag::__WALL)) {
            if status.pid() == Some(program) {
                break;
            }
        }
        // Runtimes leave their perf maps behind.
        let _ = std::fs::remove_file(format!("/tmp/perf-{}.map", self.tgid));
    }
}

/// Makes the command one that waits until it is told to begin, so that it can be followed from there.
fn held(command: &Command) -> Command {
    let mut held = Command::new("/bin/sh");
    held.args(["-c", "read -r begin && exec \"$@\"", "sh"]);
    held.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => held.env(name, value),
            None => held.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        held.current_dir(folder);
    }
    held.stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    held.process_group(0);
    held
}

fn follow(program: &mut Child, call: Call, nth: u32) -> io::Result<(Pid, libc::user_regs_struct)> {
    let pid = Pid::from_raw(program.id().cast_signed());
    let options = Options::PTRACE_O_TRACESYSGOOD
        | Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_TRACEFORK
        | Options::PTRACE_O_TRACEVFORK
        | Options::PTRACE_O_TRACEEXEC
        | Options::PTRACE_O_EXITKILL;
    ptrace::seize(pid, options)?;
    ptrace::interrupt(pid)?;
    if let Some(stdin) = &mut program.stdin {
        stdin.write_all(b"begin\n")?;
    }
    let mut seen = 0;
    for _ in 0..MAX_STOPS {
        // Children of other tests of this process are not ours to wait for: there are none, each test
        // has its own process.
        let status = waitpid(None, Some(WaitPidFlag::__WALL))?;
        if let WaitStatus::PtraceSyscall(thread) = status {
            let registers = ptrace::getregs(thread)?;
            if is_entry(&registers) && is_call(thread, &registers, call) {
                seen += 1;
                if seen == nth {
                    return Ok((thread, registers));
                }
            }
            ptrace::syscall(thread, None)?;
            continue;
        }
        go_on(&status, pid)?;
    }
    Err(io::Error::other("the program never made the call"))
}

/// Lets a thread that stopped for another reason run on.
fn go_on(status: &WaitStatus, program: Pid) -> io::Result<()> {
    match *status {
        WaitStatus::Stopped(thread, signal) => {
            // Every new thread begins with a stop that is no signal to it.
            let deliver =
                (signal != Signal::SIGSTOP && signal != Signal::SIGTRAP).then_some(signal);
            ptrace::syscall(thread, deliver)?;
        }
        WaitStatus::PtraceEvent(thread, ..) => ptrace::syscall(thread, None)?,
        WaitStatus::Exited(thread, _) | WaitStatus::Signaled(thread, ..) if thread == program => {
            return Err(io::Error::other("the program ended before the call"));
        }
        _ => {}
    }
    Ok(())
}

/// At the entry of a call the kernel has put ENOSYS where the result will be.
fn is_entry(registers: &libc::user_regs_struct) -> bool {
    registers.rax.cast_signed() == -i64::from(libc::ENOSYS)
}

fn is_call(thread: Pid, registers: &libc::user_regs_struct, call: Call) -> bool {
    let number = registers.orig_rax.cast_signed();
    match call {
        Call::Connect(port) => {
            number == libc::SYS_connect && port_of(thread, registers.rsi) == Some(port)
        }
        Call::Accept => number == libc::SYS_accept || number == libc::SYS_accept4,
    }
}

/// Reads the port of an Internet address in a program's memory, if it is one of loopback.
fn port_of(thread: Pid, address: u64) -> Option<u16> {
    let memory = File::open(format!("/proc/{thread}/mem")).ok()?;
    let mut bytes = [0; 28];
    let read = read_up_to(&memory, &mut bytes, address);
    let bytes = bytes.get(..read)?;
    let family = i32::from(u16::from_ne_bytes(bytes.get(..2)?.try_into().ok()?));
    let port = u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?);
    let v4: [u8; 4] = match family {
        libc::AF_INET => bytes.get(4..8)?.try_into().ok()?,
        // An IPv4 address as an IPv6 socket writes it.
        libc::AF_INET6 => bytes.get(20..24)?.try_into().ok()?,
        _ => return None,
    };
    Ipv4Addr::from(v4).is_loopback().then_some(port)
}

/// Reads as much as there is.
fn read_up_to(memory: &File, bytes: &mut [u8], address: u64) -> usize {
    let mut read = 0;
    while let Some(rest) = bytes.get_mut(read..).filter(|rest| !rest.is_empty()) {
        match memory.read_at(rest, address + read as u64) {
            Ok(0) | Err(_) => break,
            Ok(more) => read += more,
        }
    }
    read
}
