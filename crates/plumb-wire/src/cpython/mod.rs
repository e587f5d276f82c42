//! What lies where in the memory of a CPython interpreter, release by release, and what it means.
//!
//! The structures are private to CPython and change with each minor release, never with a patch release. The
//! numbers of [`layout`] are those of Linux on 64-bit machines with the default build (with the GIL, not
//! `--with-trace-refs`), printed by `offsetof` from the headers of the release.

pub mod layout;
pub mod lines;
pub mod text;

pub use layout::Layout;
