//! Living state of the kernel, made in a sandbox: interfaces, routes, groups, processes.
//!
//! Everything is made in the caller's namespaces and vanishes with them. The `ip` program does what
//! has no call of its own.

mod groups;
mod interfaces;
mod processes;
mod routes;

use std::io::{self, Write};
use std::process::{Command, Stdio};

pub use groups::join_groups;
pub use interfaces::make_interfaces;
pub use processes::{Processes, start_processes};
pub use routes::make_routes;

/// Feeds lines to `ip -batch -`; any line it refuses is an error.
fn ip(lines: &[&str]) -> io::Result<()> {
    let mut ip = Command::new("ip")
        .args(["-batch", "-"])
        .stdin(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = ip.stdin.take() {
        stdin.write_all(lines.join("\n").as_bytes())?;
        stdin.write_all(b"\n")?;
    }
    let status = ip.wait()?;
    if status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!("`ip` refused one of {lines:?}")))
}
