//! Stacks of real programs in many languages: captured at a system call, followed, named.
//!
//! The captures are ptrace's, so that any user can run this anywhere. What is found is compared with what is
//! known of each program, and with the table in docs/stacks.md, which is made here:
//! `PLUMB_BLESS=1 cargo nextest run -p plumb-bpf --test stacks --test-threads 1`.

mod blocked;
mod callers;
mod document;
mod inlined;
mod programs;
mod roots;
mod script;
mod walks;
