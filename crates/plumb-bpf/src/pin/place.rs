//! Whether a folder is a place for a pin that its readers can get to.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::statfs;

use crate::unavailable::Unavailable;

/// `BPF_FS_MAGIC`.
const BPF_FILE_SYSTEM: u64 = 0xCAFE_4A11;
/// Search permission for a group and for others.
const GROUP_SEARCH: u32 = 0o010;
const OTHERS_SEARCH: u32 = 0o001;

/// Says whether a path is in a BPF file system.
pub(super) fn is_bpf(path: &Path) -> bool {
    statfs(path).is_ok_and(|fs| u64::try_from(fs.f_type) == Ok(BPF_FILE_SYSTEM))
}

/// Refuses a folder that is in no BPF file system, or that `group` cannot get to.
pub(super) fn check(folder: &Path, group: Option<u32>) -> Result<(), Unavailable> {
    let there = folder.ancestors().find(|folder| folder.exists());
    let there = there.unwrap_or(Path::new("/"));
    let root = if there == folder {
        folder
    } else {
        folder.parent().unwrap_or(folder)
    };
    if there != root || !is_bpf(there) {
        return Err(
            Unavailable::new(format!("{} is no BPF file system", root.display())).allowed_by(
                format!(
                    "mkdir -p {0} && mount -t bpf -o mode=0755 bpf {0}",
                    root.display()
                ),
            ),
        );
    }
    let Some(group) = group else {
        return Ok(());
    };
    match there
        .ancestors()
        .find(|folder| !lets_through(folder, group))
    {
        None => Ok(()),
        Some(closed) => Err(Unavailable::new(format!(
            "{} lets only its owner through, so the group could not get to the iterator",
            closed.display()
        ))
        .allowed_by(format!(
            "chmod o+x {}, or a BPF file system of plumb's own: mkdir -p /run/plumb/bpf && \
             mount -t bpf -o mode=0755 bpf /run/plumb/bpf",
            closed.display()
        ))),
    }
}

fn lets_through(folder: &Path, group: u32) -> bool {
    folder.metadata().is_ok_and(|meta| {
        let needed = if meta.gid() == group {
            GROUP_SEARCH
        } else {
            OTHERS_SEARCH
        };
        meta.mode() & needed != 0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_elsewhere_is_refused_with_the_command_that_would_help() {
        let refused =
            check(Path::new("/proc/plumb"), None).expect_err("/proc is no BPF file system");
        assert_eq!(refused.why, "/proc is no BPF file system");
        assert_eq!(
            refused.allow.as_deref(),
            Some("mkdir -p /proc && mount -t bpf -o mode=0755 bpf /proc")
        );
        let refused = check(Path::new("/proc/no/such/plumb"), None).expect_err("it is not there");
        assert_eq!(refused.why, "/proc/no/such is no BPF file system");
    }
}
