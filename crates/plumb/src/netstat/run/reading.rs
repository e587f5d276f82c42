//! What the small tables share: how a file failed, and addresses as names.

use std::net::IpAddr;

use plumb_present::netstat::address::{without_mapped_prefix, write_address};
use rustix::io::Errno;

use crate::netstat::session::Session;

/// Says whether an error of `read_file` came from reading an opened file: the original had
/// printed its titles by then.
pub fn failed_while_reading(error: Errno) -> bool {
    matches!(error, Errno::ISDIR | Errno::IO | Errno::INVAL)
}

/// Takes a file that was opened but cannot be read for an empty one, as a reader that only looks
/// for the end of the file does.
pub fn empty_if_unreadable(read: Result<Vec<u8>, Errno>) -> Result<Vec<u8>, Errno> {
    read.or_else(|error| {
        if failed_while_reading(error) {
            Ok(Vec::new())
        } else {
            Err(error)
        }
    })
}

/// Says whether an error means that the kernel has no such file, or hides it.
pub fn is_absent(error: Errno) -> bool {
    matches!(error, Errno::NOENT | Errno::ACCESS | Errno::PERM)
}

/// Gives an address as numbers.
pub fn number_text(addr: IpAddr) -> Vec<u8> {
    let mut text = Vec::new();
    write_address(&mut text, addr);
    text
}

/// Gives an address as a name, or as numbers where it has none.
pub fn host_text(session: &mut Session, addr: IpAddr) -> Vec<u8> {
    match addr {
        IpAddr::V4(v4) if v4.is_unspecified() => number_text(addr),
        IpAddr::V6(v6) if v6.is_unspecified() => b"[::]".to_vec(),
        IpAddr::V4(_) | IpAddr::V6(_) => match session.names.host(addr) {
            Some(name) => {
                let name = without_mapped_prefix(name).to_vec();
                session.shown(&name).into_owned()
            }
            None => number_text(addr),
        },
    }
}
