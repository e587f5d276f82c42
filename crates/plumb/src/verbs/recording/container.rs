//! The cgroup of a container that the user names.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use plumb_collect::cgroups::of_process;
use plumb_collect::processes::details::{Wanted, describe_all};
use plumb_filter::glob::{Case, fits_glob};
use plumb_model::attribution::{Container, Process};
use plumb_model::id::Pid;
use plumb_wire::workload::decode_workload;

use super::Failure;
use super::whom::wrong;

/// Digits of an id that are enough to name it.
const PREFIX_DIGITS: usize = 4;

/// Gives the path of the container's cgroup below the mount: the folder that is named by its id.
pub fn cgroup_of(name: &[u8]) -> Result<PathBuf, Failure> {
    let wanted = Wanted {
        cgroup: true,
        ..Wanted::default()
    };
    let processes = describe_all(Path::new("/proc"), &pids(), wanted);
    let mut found: BTreeMap<Vec<u8>, PathBuf> = BTreeMap::new();
    for process in &processes {
        if let Some((id, path)) = in_container(process, name) {
            found.entry(id).or_insert(path);
        }
    }
    let named = String::from_utf8_lossy(name);
    let mut paths = found.into_values();
    match (paths.next(), paths.len()) {
        (Some(path), 0) => Ok(path),
        (Some(_), others) => Err(wrong(format!(
            "{} containers are called {named}: give more of the id",
            others + 1
        ))),
        (None, _) => Err(wrong(format!("no process is in a container {named}"))),
    }
}

/// Gives id and folder of the container a process is in, if that is the one.
fn in_container(process: &Process, name: &[u8]) -> Option<(Vec<u8>, PathBuf)> {
    let cgroup = of_process(process.pid)?;
    // Where cgroups of both versions are mounted, either may tell.
    let told = [
        process.workload.container.clone(),
        decode_workload(&cgroup).container,
    ];
    let container = told
        .into_iter()
        .flatten()
        .find(|container| is_called(container, name))?;
    let folder = folder(&cgroup, &container.id)?;
    Some((container.id, folder))
}

fn is_called(container: &Container, name: &[u8]) -> bool {
    let by_id = name.len() >= PREFIX_DIGITS && container.id.starts_with(name);
    let by_name = |known: &Vec<u8>| fits_glob(name, known, Case::Counts);
    by_id || container.id == name || container.name.as_ref().is_some_and(by_name)
}

/// Cuts a path behind the folder that is named by an id: below it are groups of the container's own.
fn folder(cgroup: &[u8], id: &[u8]) -> Option<PathBuf> {
    let mut end = 0;
    let mut last = None;
    for part in cgroup.split(|&byte| byte == b'/') {
        end += part.len() + 1;
        if part.windows(id.len()).any(|window| window == id) {
            last = Some(end - 1);
        }
    }
    let path = cgroup.get(..last?)?;
    Some(PathBuf::from(OsStr::from_bytes(path)))
}

fn pids() -> Vec<Pid> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let number = |name: std::ffi::OsString| name.to_str()?.parse().ok();
    let mut pids: Vec<Pid> = entries
        .filter_map(|entry| number(entry.file_name()))
        .map(Pid)
        .collect();
    pids.sort_unstable_by_key(|pid| pid.0);
    pids
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_folder_with_the_id_is_the_container_s() {
        let path = |cgroup: &[u8]| folder(cgroup, b"abcd");
        assert_eq!(
            path(b"/system.slice/docker-abcd.scope/init/x"),
            Some(PathBuf::from("/system.slice/docker-abcd.scope"))
        );
        assert_eq!(path(b"/docker/abcd"), Some(PathBuf::from("/docker/abcd")));
        assert_eq!(path(b"/user.slice"), None);
    }
}
