//! nstat: the real one and ours on the same tables, with memories of their own.
//!
//! `lines` runs every way to call it, `random` random runs (`cargo xtask fuzz-nstat` runs more of
//! them), `sampler` the daemon of `-d`, both clients with both daemons. All of them need a network
//! namespace of their own, because a sampler of this machine would answer in place of the kernel.

mod lines;
mod random;
mod sampler;

use std::path::PathBuf;

/// Gives the program under test.
fn program() -> PathBuf {
    std::env::var_os("PLUMB_UNDER_TEST")
        .map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_plumb")), PathBuf::from)
}
