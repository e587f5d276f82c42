//! What options and filters ask of the machine while they are read.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader, Write as _};
use std::os::unix::ffi::OsStrExt as _;

use plumb_collect::netlink_names::NetlinkNames;
use plumb_collect::netns::switch::{SwitchError, switch};
use plumb_present::ss::view::Release;
use rustix::io::Errno;

use super::lookup::read_netlink_names;
use super::options::Edge;
use crate::errno;

/// The machine, and the filter file that an option opened.
pub struct Machine {
    release: Release,
    /// The file of -F, open and unread.
    pub filter_file: Option<Box<dyn BufRead>>,
    /// The netlink protocols, once a filter has named one.
    pub netlink: Option<NetlinkNames>,
}

impl Machine {
    /// Starts with nothing opened or looked up.
    pub fn new(release: Release) -> Self {
        Self {
            release,
            filter_file: None,
            netlink: None,
        }
    }

    /// Gives the netlink protocols, read when first wanted.
    pub fn netlink(&mut self) -> &NetlinkNames {
        let release = self.release;
        self.netlink.get_or_insert_with(|| {
            let (names, complaint) = read_netlink_names(release);
            // Nobody is left to tell when standard error itself is gone.
            let _ = std::io::stderr().write_all(&complaint);
            names
        })
    }
}

impl Edge for Machine {
    fn switch_netns(&mut self, name: &[u8]) -> Result<(), Vec<u8>> {
        let not_bound = switch(name).map_err(|error| switch_complaint(name, error))?;
        let mut stderr = std::io::stderr();
        for file in not_bound {
            let text = [
                b"Bind ",
                file.file.as_os_str().as_bytes(),
                b" -> ",
                file.place.as_os_str().as_bytes(),
                format!(" failed: {}\n", errno::words(file.error)).as_bytes(),
            ]
            .concat();
            // Nobody is left to tell when standard error itself is gone.
            let _ = stderr.write_all(&text);
        }
        Ok(())
    }

    fn open_filter(&mut self, name: &[u8]) -> Result<(), Vec<u8>> {
        if name.starts_with(b"-") {
            self.filter_file = Some(Box::new(BufReader::new(std::io::stdin())));
            return Ok(());
        }
        let file = File::open(OsStr::from_bytes(name)).map_err(|error| {
            let cause = errno::words(Errno::from_io_error(&error).unwrap_or(Errno::IO));
            format!("fopen filter file: {cause}\n").into_bytes()
        })?;
        self.filter_file = Some(Box::new(BufReader::new(file)));
        Ok(())
    }

    fn has_selinux(&mut self) -> bool {
        plumb_collect::selinux::is_enabled()
    }
}

/// Gives the original's line about a namespace that cannot be switched to.
fn switch_complaint(name: &[u8], error: SwitchError) -> Vec<u8> {
    let (before, after, cause) = match error {
        SwitchError::Open(cause) => ("Cannot open network namespace \"", "\"", cause),
        SwitchError::Enter(cause) => {
            let before = "setting the network namespace \"";
            (before, "\" failed", cause)
        }
        SwitchError::LeaveMounts(cause) => return line("unshare failed", cause),
        SwitchError::KeepMounts(cause) => {
            return line("\"mount --make-rslave /\" failed", cause);
        }
        SwitchError::MountSys(cause) => return line("mount of /sys failed", cause),
        _ => return b"setting the network namespace failed\n".to_vec(),
    };
    [before.as_bytes(), name, &line(after, cause)].concat()
}

fn line(what: &str, cause: Errno) -> Vec<u8> {
    format!("{what}: {}\n", errno::words(cause)).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What iproute2 6.1 says when these steps fail, seen by letting strace fail them.
    #[test]
    fn failures_of_each_step_have_the_originals_words() {
        for (error, text) in [
            (
                SwitchError::Open(Errno::NOENT),
                "Cannot open network namespace \"a\": No such file or directory\n",
            ),
            (
                SwitchError::Enter(Errno::INVAL),
                "setting the network namespace \"a\" failed: Invalid argument\n",
            ),
            (
                SwitchError::LeaveMounts(Errno::PERM),
                "unshare failed: Operation not permitted\n",
            ),
            (
                SwitchError::KeepMounts(Errno::PERM),
                "\"mount --make-rslave /\" failed: Operation not permitted\n",
            ),
            (
                SwitchError::MountSys(Errno::PERM),
                "mount of /sys failed: Operation not permitted\n",
            ),
        ] {
            let complaint = switch_complaint(b"a", error);
            assert_eq!(String::from_utf8_lossy(&complaint), text);
        }
    }
}
