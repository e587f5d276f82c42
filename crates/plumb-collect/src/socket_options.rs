//! What sock_diag does not tell of a socket: SO_REUSEADDR, SO_REUSEPORT, IPV6_V6ONLY, IP_LOCAL_PORT_RANGE.
//!
//! A holder's descriptor is borrowed for the length of some questions (`pidfd_getfd`), which disturbs
//! nobody: a duplicate that is closed shuts nothing down. Needs the right to trace the holder.
//! Minimum kernel version: 5.6; before, every question is refused.

use plumb_model::Pid;
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::sockopt;
use rustix::process::{PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

use crate::sys::socket_option;

/// The options that decide about sharing a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SharingOptions {
    /// SO_REUSEADDR.
    pub reuse_addr: bool,
    /// SO_REUSEPORT.
    pub reuse_port: bool,
    /// IPV6_V6ONLY; `None` of an IPv4 socket.
    pub v6only: Option<bool>,
}

/// Reads them of a descriptor of a process.
pub fn read_sharing_options(pid: Pid, fd: i32) -> Result<SharingOptions, Errno> {
    let socket = borrow(pid, fd)?;
    Ok(SharingOptions {
        reuse_addr: sockopt::socket_reuseaddr(&socket)?,
        reuse_port: sockopt::socket_reuseport(&socket)?,
        v6only: sockopt::ipv6_v6only(&socket).ok(),
    })
}

/// `IP_LOCAL_PORT_RANGE`, for sockets of both families (Linux 6.3).
const LOCAL_PORT_RANGE: i32 = 51;

/// Reads the range of ports that a socket allows itself, of a descriptor of a process; `None` where it has none of
/// its own. An end of 0 is that of `net.ipv4.ip_local_port_range`.
pub fn read_local_port_range(pid: Pid, fd: i32) -> Result<Option<(u16, u16)>, Errno> {
    let socket = borrow(pid, fd)?;
    let word = socket_option::word_of(&socket, libc::SOL_IP, LOCAL_PORT_RANGE)?;
    let [a, b, c, d] = word.to_be_bytes();
    let (last, first) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    Ok((word != 0).then_some((first, last)))
}

/// Borrows a descriptor of a process.
pub(crate) fn borrow(pid: Pid, fd: i32) -> Result<OwnedFd, Errno> {
    let pid = i32::try_from(pid.0)
        .ok()
        .and_then(rustix::process::Pid::from_raw)
        .ok_or(Errno::SRCH)?;
    let process = pidfd_open(pid, PidfdFlags::empty())?;
    pidfd_getfd(&process, fd, PidfdGetfdFlags::empty())
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv6Addr, TcpListener};
    use std::os::fd::AsRawFd as _;

    use super::*;

    #[test]
    fn options_of_a_socket_are_read_through_its_holder() {
        let socket = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).expect("loopback has IPv6");
        let own = Pid(std::process::id());
        let options = read_sharing_options(own, socket.as_raw_fd());
        let expected = SharingOptions {
            // The standard library sets it, and the kernel the last for one address.
            reuse_addr: true,
            reuse_port: false,
            v6only: Some(true),
        };
        assert_eq!(options, Ok(expected));
        assert_eq!(read_sharing_options(own, i32::MAX), Err(Errno::BADF));
    }
}
