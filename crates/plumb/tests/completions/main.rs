//! Completion of plumb's words: what is answered, and what real shells make of it.

mod answers;
mod needs_root;
