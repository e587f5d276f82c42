//! `/proc/PID/cgroup`: one line for each hierarchy, `ID:CONTROLLERS:PATH`.
//!
//! A process is in one cgroup of every hierarchy, and not all of them tell the same. Where hierarchies
//! of version 1 are mounted, systemd keeps its units in its named one, and what runs containers
//! without systemd makes its folders in those with controllers; version 2 is then often a bystander.

use crate::workload::decode_workload;

/// Chooses the path that tells most of what a process belongs to. `None` when there is no line.
///
/// Version 2 alone: its path. Otherwise that of `name=systemd`, then of the hierarchy with the lowest
/// id, then of version 2; the first that is a container's, else the first that is not the root. Paths are relative to the root of the
/// reader's cgroup namespace and begin with `/..` outside of it. A cgroup that was removed under its
/// last process is still named.
pub fn decode_cgroup(content: &[u8]) -> Option<&[u8]> {
    let lines = || content.split(|&b| b == b'\n').filter_map(decode_line);
    let unified = lines().find(|line| line.controllers.is_empty());
    let named = lines().find(|line| line.controllers == b"name=systemd");
    let mut others: Vec<Line<'_>> = lines()
        .filter(|line| !line.controllers.is_empty())
        .collect();
    others.sort_by_key(|line| line.id);
    let telling = |line: &Line<'_>| line.path != b"/";
    let in_order = || {
        named
            .into_iter()
            .chain(others.iter().copied())
            .chain(unified)
    };
    let container = in_order().find(|line| decode_workload(line.path).container.is_some());
    container
        .or_else(|| in_order().find(telling))
        .or(unified)
        .or(named)
        .or_else(|| others.first().copied())
        .map(|line| line.path)
}

/// Gives the path in version 2, whatever else there is. `None` when that is not mounted.
pub fn decode_unified(content: &[u8]) -> Option<&[u8]> {
    let mut lines = content.split(|&b| b == b'\n').filter_map(decode_line);
    let unified = lines.find(|line| line.controllers.is_empty());
    unified.map(|line| line.path)
}

#[derive(Debug, Clone, Copy)]
struct Line<'a> {
    id: u32,
    controllers: &'a [u8],
    path: &'a [u8],
}

fn decode_line(line: &[u8]) -> Option<Line<'_>> {
    // The path may hold colons, what is before it may not.
    let mut parts = line.splitn(3, |&b| b == b':');
    let id = std::str::from_utf8(parts.next()?).ok()?.parse().ok()?;
    let controllers = parts.next()?;
    let path = parts.next()?;
    path.starts_with(b"/").then_some(Line {
        id,
        controllers,
        path: path.strip_suffix(b" (deleted)").unwrap_or(path),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(content: &str) -> Option<&str> {
        decode_cgroup(content.as_bytes()).and_then(|path| std::str::from_utf8(path).ok())
    }

    #[test]
    fn version_2_alone() {
        assert_eq!(path("0::/init.scope\n"), Some("/init.scope"));
        assert_eq!(path("0::/\n"), Some("/"));
        assert_eq!(
            path("0::/../../system.slice/x.service\n"),
            Some("/../../system.slice/x.service")
        );
        assert_eq!(path("0::/a:b/c\n"), Some("/a:b/c"));
        assert_eq!(path("0::/a.scope (deleted)\n"), Some("/a.scope"));
        assert_eq!(path(""), None);
        assert_eq!(path("x\n0:\n::/\n"), None);
    }

    #[test]
    fn version_1_tells_by_systemds_hierarchy() {
        let content = "12:pids:/system.slice/ssh.service\n11:cpuset:/\n4:memory:/system.slice/ssh.service\n\
            1:name=systemd:/system.slice/ssh.service\n";
        assert_eq!(path(content), Some("/system.slice/ssh.service"));
    }

    #[test]
    fn in_a_hybrid_the_container_is_not_in_version_2() {
        // Docker with its cgroupfs driver under systemd's hybrid hierarchy.
        let content = "5:memory:/docker/0123\n1:name=systemd:/docker/0123\n0::/system.slice/containerd.service\n";
        assert_eq!(path(content), Some("/docker/0123"));
        let content = "1:name=systemd:/\n0::/system.slice/containerd.service\n";
        assert_eq!(path(content), Some("/system.slice/containerd.service"));
    }

    #[test]
    fn a_container_in_version_2_is_seen_beside_controllers_of_version_1() {
        // A machine that puts everything into a memory cgroup (v1); the path of version 2 is shortened.
        let id = "4f797c539e6c745de61a93ca3ff892358ecbcaccd8414d5db545c38428142970";
        let unified = format!("/system.slice/docker-{id}.scope");
        let content = format!("9:name=systemd:/\n4:memory:/vm/1\n0::{unified}\n");
        assert_eq!(path(&content), Some(&unified[..]));
    }

    #[test]
    fn without_systemd_the_controllers_tell() {
        let content = "9:pids:/b\n3:cpuset:/lxc/web\n2:cpu:/\n";
        assert_eq!(path(content), Some("/lxc/web"));
        assert_eq!(path("9:pids:/\n3:cpuset:/\n"), Some("/"));
    }
}
