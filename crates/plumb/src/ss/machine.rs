//! What options and filters ask of the machine while they are read.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::unix::ffi::OsStrExt as _;

use rustix::io::Errno;

use super::options::Edge;
use crate::errno;

/// The machine, and the filter file that an option opened.
#[derive(Default)]
pub struct Machine {
    /// The file of -F, open and unread.
    pub filter_file: Option<Box<dyn BufRead>>,
}

impl Edge for Machine {
    fn switch_netns(&mut self, name: &[u8]) -> Result<(), Vec<u8>> {
        let _ = name;
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
