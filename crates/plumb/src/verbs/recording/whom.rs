//! Whose sockets are recorded: the options that all verbs that record take.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use clap::Args;
use plumb_bpf::recorder::Scope;
use plumb_collect::processes;
use plumb_filter::{Parsed, Piece};
use plumb_model::id::Pid;

use super::{Failure, container, program};
use crate::verbs::ls::plan;
use crate::verbs::status;

/// Whose sockets, of those that are there.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Whose sockets")]
pub struct Whose {
    /// Which of them, as for ls: `:443`, `process = nginx`, `dst 10.0.0.0/8 and not pid = 1`.
    #[arg(value_name = "FILTER")]
    pub filter: Vec<OsString>,
    /// Those of this process and of its children. May be given again. Without it, and without a command,
    /// cgroup or container: those of the whole host.
    #[arg(short = 'p', long = "pid", value_name = "PID", value_parser = pid)]
    pub pids: Vec<u32>,
    /// Those of this cgroup (v2): a path below its mount, as a container or systemd unit has.
    #[arg(long, value_name = "PATH", conflicts_with_all = ["pids", "container"])]
    pub cgroup: Option<PathBuf>,
    /// Those of this container, by its name or the beginning of its id.
    #[arg(long, value_name = "NAME", conflicts_with = "pids")]
    pub container: Option<OsString>,
}

/// Whose sockets, those of a command among them.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Whose sockets")]
pub struct Whom {
    /// Of what is there.
    #[command(flatten)]
    pub whose: Whose,
    /// A command to run: it is recorded from its first instruction, with its children. What it prints goes to
    /// standard error.
    #[arg(last = true, value_name = "CMD", conflicts_with_all = ["pids", "cgroup", "container"])]
    pub command: Vec<OsString>,
}

impl Whom {
    /// Gives the scope for the programs in the kernel.
    pub fn scope(&self) -> Result<Scope, Failure> {
        if let Some(path) = self.whose.cgroup()? {
            return cgroup(&path);
        }
        if self.whose.pids.is_empty() && self.command.is_empty() {
            return Ok(Scope::Host);
        }
        exist(&self.whose.pids)?;
        Ok(Scope::Processes)
    }

    /// Refuses a filter that is none; the word of a program may be a command without its `--`.
    pub fn wanted(&self) -> Result<Parsed, Failure> {
        self.whose.wanted().map_err(|failure| {
            let words = &self.whose.filter;
            let program = words.first().filter(|word| program::is_there(word));
            match program {
                None => failure,
                Some(_) => wrong(format!(
                    "{}\n  to run a command, put -- before it: -- {}",
                    failure.text,
                    words.join(" ".as_ref()).display()
                )),
            }
        })
    }

    /// Says whether there is a filter.
    pub fn has_filter(&self) -> bool {
        !self.whose.filter.is_empty()
    }

    /// Gives the same without its filter.
    pub fn unfiltered(&self) -> Self {
        let mut whom = self.clone();
        whom.whose.filter.clear();
        whom
    }
}

impl Whose {
    /// Reads the filter.
    pub fn wanted(&self) -> Result<Parsed, Failure> {
        let pieces = Piece::arguments(self.filter.iter().map(|word| word.as_bytes()));
        plan::parse(&pieces).map_err(|error| wrong(error.pointing(&pieces)))
    }

    /// Says whether a cgroup or container is asked for.
    pub fn is_a_group(&self) -> bool {
        self.cgroup.is_some() || self.container.is_some()
    }

    /// Gives the path of the cgroup asked for, that of a container included.
    pub fn cgroup(&self) -> Result<Option<PathBuf>, Failure> {
        match (&self.cgroup, &self.container) {
            (Some(path), _) => Ok(Some(path.clone())),
            (None, Some(name)) => container::cgroup_of(name.as_bytes()).map(Some),
            (None, None) => Ok(None),
        }
    }
}

/// Reads the id of a process.
fn pid(word: &str) -> Result<u32, String> {
    let by_name = format!("no process id; by name it is a filter: 'process = {word}'");
    word.parse().map_err(|_| by_name)
}

/// Refuses processes that are not there, and threads: sockets are their process's.
pub fn exist(pids: &[u32]) -> Result<(), Failure> {
    for &pid in pids {
        match processes::of_thread(Pid(pid)) {
            None => return Err(wrong(format!("there is no process {pid}"))),
            Some(process) if process.0 != pid => {
                let process = process.0;
                let text =
                    format!("{pid} is a thread of process {process}; ask for that: -p {process}");
                return Err(wrong(text));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// A command line that makes no sense.
pub fn wrong(text: String) -> Failure {
    Failure {
        text,
        status: status::USAGE,
    }
}

fn cgroup(path: &std::path::Path) -> Result<Scope, Failure> {
    let none = || wrong(format!("{} is no cgroup (v2)", path.display()));
    let id = plumb_collect::cgroups::id_of(path.as_os_str().as_bytes()).map_err(|_| none())?;
    let below = plumb_collect::cgroups::Cgroups::new()
        .path(id)
        .map(<[u8]>::to_vec)
        .map_err(|_| none())?;
    let depth = below
        .split(|&byte| byte == b'/')
        .filter(|part| !part.is_empty())
        .count();
    Ok(Scope::Cgroup {
        id,
        level: u32::try_from(depth).unwrap_or(u32::MAX),
    })
}
