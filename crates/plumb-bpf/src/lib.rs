//! The BPF programs of plumb: what they are, whether this kernel and user allow them, what they tell.
//!
//! One folder for each probe below `probes/`: the C, the shared event struct, the decision whether it
//! can run (`can_run`, which answers with a reason in words) and the decoder. This is the only crate
//! that knows the BPF loader and the symboliser. Everything here is optional at run time: a program
//! that does not load is a reason in the answer, never the end of the command.

pub mod stacks;
