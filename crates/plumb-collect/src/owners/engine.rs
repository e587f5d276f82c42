//! Which way leads from sockets to their owners: BPF programs, or a walk over `/proc`.
//!
//! Chosen at run time by what kernel and user allow, and by cost: loading a program takes as long as
//! looking at some thousand descriptors, so a small host is walked. `PLUMB_OWNERS` forces one, for
//! tests; who is refused then gets a reason, never the other one in silence.

use std::path::Path;

use plumb_bpf::Unavailable;
use plumb_bpf::owners::{Source, can_run};
use rustix::fd::AsFd as _;

use crate::processes::{self, Room, uncovered};
use crate::{inet, proc};

/// The variable that forces an engine: `bpf` or `proc`.
pub const VARIABLE: &str = "PLUMB_OWNERS";

/// So many open files make loading a program pay.
const ENOUGH_FILES: u64 = 4000;

/// A way from sockets to owners.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// A BPF program reads the tables of files of all processes.
    Bpf,
    /// `/proc/PID/fd` of all processes is read.
    Proc,
}

/// What was chosen, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The engine.
    pub engine: Engine,
    /// Why this one.
    pub why: Why,
}

/// Why an engine was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// `PLUMB_OWNERS` says so.
    Forced,
    /// Root pinned an iterator that this user may read.
    Pinned,
    /// There are enough open files for a program to pay.
    ManyFiles,
    /// There are so few open files that a program would cost more.
    FewFiles,
    /// No program can be run.
    Unavailable(Unavailable),
    /// `/proc` is not that of this process's own pid namespace, which is all that a program sees.
    OtherProc,
    /// Something is mounted over the folder of a process, which the original would not see.
    Covered,
}

/// What the answer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To show what a walk over `/proc` would find, and nothing else.
    AsTheOriginal,
    /// To find whatever there is.
    Everything,
}

/// Gives the engine that `PLUMB_OWNERS` asks for.
///
/// # Errors
///
/// Its value, where it names none.
pub fn forced() -> Result<Option<Engine>, String> {
    let Some(value) = std::env::var_os(VARIABLE) else {
        return Ok(None);
    };
    match value.as_encoded_bytes() {
        b"" => Ok(None),
        b"bpf" => Ok(Some(Engine::Bpf)),
        b"proc" => Ok(Some(Engine::Proc)),
        _ => Err(value.to_string_lossy().into_owned()),
    }
}

/// Says why the engine that `PLUMB_OWNERS` asks for cannot be had; for who wants to say so first.
pub fn complaint() -> Option<String> {
    match forced() {
        Err(value) => Some(format!("{VARIABLE}={value}: neither bpf nor proc")),
        Ok(Some(Engine::Bpf)) => can_run()
            .err()
            .map(|unavailable| format!("{VARIABLE}=bpf: {unavailable}")),
        Ok(Some(Engine::Proc) | None) => None,
    }
}

/// Chooses an engine.
pub fn choose(purpose: Purpose) -> Choice {
    let choice = |engine, why| Choice { engine, why };
    if let Ok(Some(engine)) = forced() {
        return choice(engine, Why::Forced);
    }
    if !is_own_proc() {
        return choice(Engine::Proc, Why::OtherProc);
    }
    let source = match can_run() {
        Ok(source) => source,
        Err(unavailable) => return choice(Engine::Proc, Why::Unavailable(unavailable)),
    };
    if source == Source::Own && !has_enough_files() {
        return choice(Engine::Proc, Why::FewFiles);
    }
    if purpose == Purpose::AsTheOriginal && !uncovered::covered().is_empty() {
        return choice(Engine::Proc, Why::Covered);
    }
    match source {
        Source::Pinned(_) => choice(Engine::Bpf, Why::Pinned),
        Source::Own => choice(Engine::Bpf, Why::ManyFiles),
    }
}

/// Says whether `/proc` is the kernel's own, of the pid namespace we are in.
fn is_own_proc() -> bool {
    let own = std::process::id().to_string();
    inet::is_genuine("/proc")
        && std::fs::read_link("/proc/self").is_ok_and(|us| us == Path::new(&own))
}

/// Says whether the processes that `/proc` shows have so many open files that a program pays.
fn has_enough_files() -> bool {
    // Of the whole host, so that a container cannot have more.
    let of_host = proc::read_file("/proc/sys/fs/file-nr").ok();
    let of_host = of_host.as_deref().and_then(decode_open_files);
    of_host.is_none_or(|files| files >= ENOUGH_FILES) && counted_files_are_enough()
}

/// Decodes the first number of `/proc/sys/fs/file-nr`: open files.
fn decode_open_files(content: &[u8]) -> Option<u64> {
    let digits = content.split(|&b| !b.is_ascii_digit()).next()?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Adds up how many descriptors the processes have, until there are enough. `/proc/PID/fd` has that
/// number as its size since 6.2; before, as where nobody may look, a busy host is taken at its word.
fn counted_files_are_enough() -> bool {
    let Ok(root) = processes::open_root(Path::new("/proc")) else {
        return false;
    };
    let decode = plumb_wire::proc::process::decode_number_name;
    let pids = processes::list_numbers(root.as_fd(), &mut Room::new(), decode);
    let (mut files, mut any_told) = (0, false);
    for pid in pids.unwrap_or_default() {
        let Ok(folder) = rustix::fs::stat(format!("/proc/{pid}/fd")) else {
            continue;
        };
        let open = u64::try_from(folder.st_size).unwrap_or(0);
        any_told |= open > 0;
        files += open;
        if files >= ENOUGH_FILES {
            return true;
        }
    }
    !any_told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_files_are_the_first_number() {
        assert_eq!(
            decode_open_files(b"3008\t0\t9223372036854775807\n"),
            Some(3008)
        );
        assert_eq!(decode_open_files(b"x"), None);
    }

    #[test]
    fn the_proc_of_this_machine_is_our_own() {
        assert!(is_own_proc());
    }
}
