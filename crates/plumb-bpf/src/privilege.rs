//! What BPF asks of the user and the kernel before anything is loaded.

use std::path::Path;

use plumb_wire::proc::uid_map::is_first_user_namespace;
use rustix::thread::{CapabilitySet, capabilities};

use crate::unavailable::Unavailable;

/// The kernel's description of its own types.
const KERNEL_TYPES: &str = "/sys/kernel/btf/vmlinux";

/// Says why no program can be loaded; cheap.
pub(crate) fn check() -> Result<(), Unavailable> {
    if !may_load() {
        return Err(Unavailable::new(
            "BPF programs need the capabilities CAP_BPF and CAP_PERFMON, which this process lacks",
        )
        .allowed_by(setcap()));
    }
    let users = std::fs::read("/proc/self/uid_map").unwrap_or_default();
    if !is_first_user_namespace(&users) {
        return Err(Unavailable::new(
            "capabilities of a user namespace do not count for BPF; as root of the host, with --container NAME or -p PID, \
             plumb may",
        ));
    }
    if !Path::new(KERNEL_TYPES).exists() {
        return Err(Unavailable::new(format!(
            "the kernel does not describe its types ({KERNEL_TYPES} is not there)"
        ))
        .allowed_by("a kernel built with CONFIG_DEBUG_INFO_BTF, with /sys mounted"));
    }
    Ok(())
}

fn may_load() -> bool {
    let held = capabilities(None).map_or(CapabilitySet::empty(), |sets| sets.effective);
    held.contains(CapabilitySet::SYS_ADMIN)
        || held.contains(CapabilitySet::BPF | CapabilitySet::PERFMON)
}

/// The command that gives this program what it lacks.
fn setcap() -> String {
    let program = std::env::current_exe();
    let program = program.unwrap_or_else(|_| "plumb".into());
    format!("setcap cap_bpf,cap_perfmon+ep {}", program.display())
}
