//! Whose sockets are recorded: the options that all verbs that record take.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use clap::Args;
use plumb_bpf::recorder::Scope;

use super::Failure;
use crate::verbs::status;

/// Whose sockets.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Whose sockets")]
pub struct Whom {
    /// Those of this process and of its children. May be given again. Without it, and without a command or
    /// cgroup: those of the whole host.
    #[arg(short = 'p', long = "pid", value_name = "PID")]
    pub pids: Vec<u32>,
    /// Those of this cgroup (v2): a path below its mount, as a container or systemd unit has.
    #[arg(long, value_name = "PATH", conflicts_with_all = ["pids", "command"])]
    pub cgroup: Option<PathBuf>,
    /// A command to run: it is recorded from its first instruction, with its children. What it prints goes to
    /// standard error.
    #[arg(last = true, value_name = "CMD", conflicts_with = "pids")]
    pub command: Vec<OsString>,
}

impl Whom {
    /// Gives the scope for the programs in the kernel.
    pub fn scope(&self) -> Result<Scope, Failure> {
        if let Some(path) = &self.cgroup {
            return cgroup(path);
        }
        if self.pids.is_empty() && self.command.is_empty() {
            return Ok(Scope::Host);
        }
        for pid in &self.pids {
            if !std::path::Path::new(&format!("/proc/{pid}")).exists() {
                return Err(Failure {
                    text: format!("there is no process {pid}"),
                    status: status::USAGE,
                });
            }
        }
        Ok(Scope::Processes)
    }
}

fn cgroup(path: &std::path::Path) -> Result<Scope, Failure> {
    let wrong = |text: String| Failure {
        text,
        status: status::USAGE,
    };
    let id = plumb_collect::cgroups::id_of(path.as_os_str().as_bytes())
        .map_err(|_| wrong(format!("{} is no cgroup (v2)", path.display())))?;
    let below = plumb_collect::cgroups::Cgroups::new()
        .path(id)
        .map(<[u8]>::to_vec)
        .map_err(|_| wrong(format!("{} is no cgroup (v2)", path.display())))?;
    let depth = below
        .split(|&byte| byte == b'/')
        .filter(|part| !part.is_empty())
        .count();
    Ok(Scope::Cgroup {
        id,
        level: u32::try_from(depth).unwrap_or(u32::MAX),
    })
}
