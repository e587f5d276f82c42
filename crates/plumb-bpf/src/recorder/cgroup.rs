//! The root of the cgroups (v2), where programs are told of the sockets of everybody.
//!
//! Only a mount that is there is used: making one, as for tracefs, would give the options of cgroup2 anew to the whole
//! machine.

use std::fs::File;
use std::os::unix::fs::MetadataExt as _;

/// Where mounts are listed.
const MOUNTS: &str = "/proc/self/mountinfo";
/// Inode number of the first namespace of cgroups (`PROC_CGROUP_INIT_INO`).
const FIRST_NAMESPACE: u64 = 0xEFFF_FFFB;

/// Opens it, or says why not. In a namespace of cgroups the root is that of a part of the host.
pub(super) fn open_root(part_will_do: bool) -> Result<File, String> {
    let namespace = std::fs::metadata("/proc/self/ns/cgroup").map(|meta| meta.ino());
    if !part_will_do && namespace.is_ok_and(|inode| inode != FIRST_NAMESPACE) {
        return Err(String::from(
            "in here the root cgroup is that of a part of the host",
        ));
    }
    let mounts = std::fs::read_to_string(MOUNTS).map_err(|error| error.to_string())?;
    let root = decode_root(&mounts).ok_or_else(|| String::from("no cgroup2 mount"))?;
    File::open(root).map_err(|error| format!("{root}: {error}"))
}

/// Gives the first mount point of the whole of cgroup2 of `mountinfo`.
fn decode_root(mounts: &str) -> Option<&str> {
    mounts.lines().find_map(|line| {
        // ID parent major:minor root point options … - type source options
        let (mount, file_system) = line.split_once(" - ")?;
        let mut words = mount.split(' ').skip(3);
        let (root, point) = (words.next()?, words.next()?);
        let is_it = root == "/" && file_system.starts_with("cgroup2 ");
        is_it.then_some(point)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a machine with both versions (Debian 12), shortened; the first shows a part of the tree alone.
    const MOUNTS: &str = "\
29 23 0:25 /user.slice /mnt/part rw,relatime shared:8 - cgroup2 cgroup2 rw
30 23 0:26 / /sys/fs/cgroup/cpu rw,relatime shared:9 - cgroup cgroup rw,cpu
36 23 0:25 / /sys/fs/cgroup/unified rw,relatime shared:15 - cgroup2 cgroup2 rw,nsdelegate
";

    #[test]
    fn the_root_is_the_mount_that_shows_all_cgroups_of_version_two() {
        assert_eq!(decode_root(MOUNTS), Some("/sys/fs/cgroup/unified"));
        let others: String = MOUNTS
            .lines()
            .take(2)
            .flat_map(|line| [line, "\n"])
            .collect();
        assert_eq!(decode_root(&others), None);
        assert_eq!(decode_root("nonsense\n"), None);
    }
}
