//! Whether SELinux is in force on this machine.

/// `SELINUX_MAGIC`: what `statfs` says of a mounted selinuxfs.
const SELINUX_MAGIC: u64 = 0xf97c_ff8c;

/// Says whether SELinux is enabled: its file system is mounted where it belongs.
pub fn is_enabled() -> bool {
    rustix::fs::statfs("/sys/fs/selinux")
        .is_ok_and(|fs| u64::try_from(fs.f_type).is_ok_and(|magic| magic == SELINUX_MAGIC))
}
