//! plumb: wiring only. Which face was called, and what exit status it leaves.

mod getopt;
mod netstat;
mod output;

fn main() {}
