//! What is mounted and built in.

use std::path::Path;

use plumb_model::ability::Places;
use rustix::fs::{Access, access};

use crate::proc::read_file;

/// The mount that counts where there are several.
const USUAL_BPF: &str = "/sys/fs/bpf";

pub(super) fn read() -> Places {
    let mounts = read_file("/proc/self/mountinfo").unwrap_or_default();
    let mut places = decode(&mounts);
    places.kernel_types = Path::new("/sys/kernel/btf/vmlinux").exists();
    if let Some((point, readable)) = &mut places.trace {
        *readable = access(&*format!("{point}/events"), Access::READ_OK).is_ok();
    }
    places
}

/// Finds file systems in `mountinfo`; whether they can be read is not there.
fn decode(mounts: &[u8]) -> Places {
    let mut places = Places::default();
    for line in mounts.split(|&b| b == b'\n') {
        let words: Vec<&[u8]> = line.split(|&b| b == b' ').collect();
        let Some(dash) = words.iter().position(|word| *word == b"-") else {
            continue;
        };
        let point = || {
            let point = words.get(4).copied().unwrap_or_default();
            String::from_utf8_lossy(point).into_owned()
        };
        match words.get(dash + 1).copied() {
            Some(b"bpf") if places.bpf.as_deref() != Some(USUAL_BPF) => {
                places.bpf = Some(point());
            }
            Some(b"tracefs") => {
                places.trace = places.trace.take().or_else(|| Some((point(), false)));
            }
            Some(b"cgroup2") => places.cgroup2 = true,
            Some(b"cgroup") => places.cgroup1 += 1,
            _ => {}
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_systems_are_told_by_their_kind() {
        let mounts = b"25 24 0:7 / /sys/kernel/tracing rw,nosuid shared:9 - tracefs tracefs rw\n\
            26 24 0:8 / /sys/fs/bpf rw - bpf bpf rw,mode=700\n\
            27 24 0:9 / /sys/fs/cgroup/unified rw shared:1 master:2 - cgroup2 cgroup2 rw\n\
            28 24 0:10 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n\
            29 24 0:11 / /bpf rw - ext4 bpf rw\nx\n";
        let expected = Places {
            kernel_types: false,
            bpf: Some("/sys/fs/bpf".to_owned()),
            trace: Some(("/sys/kernel/tracing".to_owned(), false)),
            cgroup2: true,
            cgroup1: 1,
        };
        assert_eq!(decode(mounts), expected);
    }
}
