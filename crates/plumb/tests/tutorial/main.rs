//! The uses of docs/tutorial.md, each on a situation made for it, with plumb as `netstat`, `ss` and
//! `nstat`.
//!
//! What the bytes should be is `differential`'s business; here the question is whether the reader
//! of a tutorial gets the answer.

mod document;
mod needs_root;
mod shell;
