//! The real netstat and ss and ours on the same state, byte for byte.
//!
//! `lines` runs the command lines of `plumb_testkit::command_lines` in every state of their
//! letters, `pipelines` what tutorials pipe netstat into, `random` random command lines over random
//! states, `document` compares docs/compatibility.md with the decided deviations. To try the
//! machinery itself, set `PLUMB_UNDER_TEST` to another program (the original, say).

mod bench;
mod document;
mod lines;
mod pipelines;
mod random;
mod ss_filter_script;
mod ss_lines;
mod ss_random;
