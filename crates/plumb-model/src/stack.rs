//! User stacks: which code was running, innermost frame first, and what of it could not be told.
//!
//! A stack names functions, not addresses: two processes of one program, each at its own addresses, have
//! equal [`Stack::key`]s. What is missing is said: a stack that ends early has its [`Cut`], and frames
//! that a runtime hides behind its own have their [`Hint`].

mod glue;
mod key;

use std::sync::Arc;

use crate::known::{Known, Reason};

pub use key::Key;

/// The code that was running, as far as it could be followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stack {
    /// The frames, innermost first. An inlined function stands before the one it was inlined into.
    pub frames: Vec<Frame>,
    /// How the frames were found.
    pub how: How,
    /// Why the outermost frames are missing; `None` if the walk reached the start of the thread.
    pub cut: Option<Cut>,
    /// What a runtime does not show, and how to make it.
    pub hint: Option<Hint>,
}

/// One function of a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// What kind of code it is.
    pub kind: Kind,
    /// Its name, demangled; unknown in a stripped module.
    pub function: Known<String>,
    /// File and line of the call.
    pub source: Known<Source>,
    /// Path of the file that holds the code, as its process saw it: an executable or library, or the source
    /// of a script.
    pub module: Known<Arc<[u8]>>,
    /// Address of the code inside the module's file as its ELF headers and `nm` count; of an interpreted
    /// function, the offset of the instruction; outside any module, the address itself.
    pub module_offset: u64,
    /// Whether the compiler put it into the frame that follows.
    pub inlined: bool,
}

/// A place in source code.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Source {
    /// Path as the compiler recorded it.
    pub file: String,
    /// Line, counted from 1.
    pub line: u32,
}

/// What kind of code a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Machine code from a file.
    Native,
    /// Machine code that a runtime made while running.
    Jit,
    /// A function that an interpreter was running: it has no machine code of its own.
    Interpreted,
    /// Code of the kernel.
    Kernel,
}

/// How the frames of a stack were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum How {
    /// By the unwind tables of the modules (`.eh_frame`, `.debug_frame`) on a copy of the stack.
    Tables,
    /// By frame pointers: a function without one is missing, and so may be its caller.
    FramePointers,
    /// By tables where there are any, by frame pointers elsewhere (code of a JIT).
    Mixed,
    /// Not at all: there is the innermost address and nothing else.
    AddressOnly,
}

/// Why the outermost frames of a stack are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cut {
    /// The stack is deeper than what was copied of it.
    CopyEnded,
    /// The process had ended before its memory map was read.
    ProcessEnded,
    /// Its memory map may not be read by this user.
    PermissionDenied,
    /// A frame belongs to code without unwind tables, and its frame pointer leads nowhere.
    NoUnwindInfo,
    /// The copy disagrees with the unwind tables: a broken stack, or tables that lie.
    Inconsistent,
    /// The frame pointer register is what leads on, and it could not be read.
    RegisterUnknown,
    /// There are more frames than the limit.
    TooDeep,
    /// No copy of the stack was captured: what there is ends where the frame pointers do.
    NotCaptured,
}

/// What a runtime does not show in a stack, and how to make it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Hint {
    /// CPython: the frames of its interpreter could not be read.
    PythonNotReadable,
    /// Node: functions compiled at run time have no names.
    NodeWithoutPerfMap,
    /// Java: functions compiled at run time have no names.
    JavaWithoutPerfMap,
    /// A program that compiles while it runs, of a kind plumb does not know.
    JitWithoutPerfMap,
}

impl Stack {
    /// Says whether the frames reach the start of the thread.
    pub fn complete(&self) -> bool {
        self.cut.is_none()
    }

    /// Gives what stacks of the same code have in common in every process and run.
    pub fn key(&self) -> Key {
        key::of(&self.frames)
    }

    /// Gives the function that people would say did it: the first frame that is neither a wrapper of a
    /// system call nor the inner working of a language's library. `None` without frames.
    pub fn caller_of_interest(&self) -> Option<&Frame> {
        glue::first_of_interest(&self.frames)
    }
}

impl Frame {
    /// Says whether it has a name that says more than a wrapper's or a language's library's.
    pub fn is_told(&self) -> bool {
        self.function.reason().is_none() && !glue::is_glue(self)
    }
}

impl Frame {
    /// Gives the name of the module without its folders.
    pub fn module_name(&self) -> Option<&[u8]> {
        match &self.module {
            Known::Known(path) => path.rsplit(|byte| *byte == b'/').next(),
            Known::Unknown(_) => None,
        }
    }
}

impl Kind {
    /// Gives the stable machine word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Jit => "jit",
            Self::Interpreted => "interpreted",
            Self::Kernel => "kernel",
        }
    }
}

impl How {
    /// Gives the stable machine word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Tables => "unwind-tables",
            Self::FramePointers => "frame-pointers",
            Self::Mixed => "mixed",
            Self::AddressOnly => "address-only",
        }
    }
}

impl Cut {
    /// Gives the stable machine word.
    pub fn word(self) -> &'static str {
        match self {
            Self::CopyEnded => "copy-ended",
            Self::ProcessEnded => Reason::ProcessEnded.word(),
            Self::PermissionDenied => Reason::PermissionDenied.word(),
            Self::NoUnwindInfo => "no-unwind-info",
            Self::Inconsistent => "inconsistent",
            Self::RegisterUnknown => "register-unknown",
            Self::TooDeep => "too-deep",
            Self::NotCaptured => "not-captured",
        }
    }
}

impl Hint {
    /// Gives the stable machine word.
    pub fn word(self) -> &'static str {
        match self {
            Self::PythonNotReadable => "python-not-readable",
            Self::NodeWithoutPerfMap => "node-without-perf-map",
            Self::JavaWithoutPerfMap => "java-without-perf-map",
            Self::JitWithoutPerfMap => "jit-without-perf-map",
        }
    }

    /// Says what to do to see more.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::PythonNotReadable => {
                "python frames not readable: run it with -X perf (Python 3.12 or newer)"
            }
            Self::NodeWithoutPerfMap => {
                "JavaScript names not known: run node with --perf-basic-prof --interpreted-frames-native-stack"
            }
            Self::JavaWithoutPerfMap => {
                "Java names not known: run java with -XX:+PreserveFramePointer, then jcmd PID Compiler.perfmap"
            }
            Self::JitWithoutPerfMap => {
                "names of code compiled at run time not known: let its runtime write /tmp/perf-PID.map"
            }
        }
    }
}

#[cfg(test)]
mod tests;
