//! From the registers and bytes a probe captured to the functions that were running.
//!
//! Two steps, because the first is cheap and wants the process alive, and the second is neither. An
//! [`Unwinder`] follows a [`RawStack`] from caller to caller and gives an [`Unwound`], which needs its process no
//! more; a [`Symbolizer`] names it, later, once for each distinct stack. What neither could find out is in the
//! [`plumb_model::stack::Stack`], with its reason.
//!
//! [`blocked()`] looks at threads that sleep now, without BPF.
//!
//! ```no_run
//! use plumb_bpf::stacks::{RawStack, Symbolizer, Unwinder};
//!
//! fn print_caller(captured: &RawStack<'_>) {
//!     let mut unwinder = Unwinder::new();
//!     unwinder.see(captured.tgid); // as soon as the process is known: it may be gone when its stacks arrive
//!     let unwound = unwinder.unwind(captured);
//!     let stack = Symbolizer::new().symbolize(&unwound);
//!     println!("{:?}", stack.caller_of_interest());
//! }
//! ```

mod blocked;
mod debug_file;
mod elf;
mod go;
mod memory;
mod module;
mod perf_map;
mod process;
mod python;
mod raw;
mod runtime;
mod symbols;
mod thread;
mod unwind;
mod walk;

pub use blocked::{Threads, Waiting, Waits, blocked};
pub use python::{Interpreter, InterpreterProgram};
pub use raw::{RawStack, ScriptFrame};
pub use symbols::Symbolizer;
pub use unwind::{Unwinder, Unwound};
