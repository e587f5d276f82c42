//! How large buffers may become in the network namespace this thread is in, and whether a program has set those
//! of its socket.
//!
//! Who set a buffer only the socket itself tells, through a descriptor that is borrowed from its holder
//! (`pidfd_getfd`), which disturbs nobody. Needs the right to trace the holder.
//! Minimum kernel version: 5.14 (`SO_BUF_LOCK`); before, nobody knows.

use plumb_model::Pid;
use plumb_model::buffers::{BufferLocks, BufferSettings};
use plumb_model::memory::MemoryProtocol;
use plumb_model::socket::IpVersion;
use rustix::io::Errno;

use crate::memory::{read_limits, read_numbers};
use crate::socket_options::borrow;
use crate::sys::socket_option;

/// `SO_BUF_LOCK` and its bits (`linux/socket.h`).
const SO_BUF_LOCK: i32 = 72;
const SEND: u32 = 1;
const RECEIVE: u32 = 2;

/// Reads the settings, each as far as it can be read.
pub fn read_settings() -> BufferSettings {
    let one = |name: &str| read_numbers::<1>(&format!("/proc/sys/net/{name}")).map(|[it]| it);
    let three = |name: &str| read_numbers::<3>(&format!("/proc/sys/net/{name}"));
    BufferSettings {
        receive_max_bytes: one("core/rmem_max"),
        send_max_bytes: one("core/wmem_max"),
        option_max_bytes: one("core/optmem_max"),
        tcp_receive_bytes: three("ipv4/tcp_rmem"),
        tcp_send_bytes: three("ipv4/tcp_wmem"),
        tcp_receive_grows: one("ipv4/tcp_moderate_rcvbuf").map(|it| it != 0),
        tcp_memory: read_limits(MemoryProtocol::Tcp, IpVersion::V4),
        udp_memory: read_limits(MemoryProtocol::Udp, IpVersion::V4),
    }
}

/// Asks the socket behind a descriptor of a process which of its buffers were set.
pub fn read_locks(pid: Pid, fd: i32) -> Result<BufferLocks, Errno> {
    let socket = borrow(pid, fd)?;
    let bits = socket_option::word(&socket, SO_BUF_LOCK)?;
    Ok(BufferLocks {
        receive: bits & RECEIVE != 0,
        send: bits & SEND != 0,
    })
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;
    use std::os::fd::AsRawFd as _;

    use super::*;

    #[test]
    fn a_buffer_that_the_program_set_is_known_as_such() {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback is up");
        let own = Pid(std::process::id());
        let none = BufferLocks::default();
        assert_eq!(read_locks(own, socket.as_raw_fd()), Ok(none));
        rustix::net::sockopt::set_socket_recv_buffer_size(&socket, 4096).expect("it is small");
        let receive = BufferLocks {
            receive: true,
            send: false,
        };
        assert_eq!(read_locks(own, socket.as_raw_fd()), Ok(receive));
        assert_eq!(read_locks(own, i32::MAX), Err(Errno::BADF));
    }

    #[test]
    fn the_settings_of_this_namespace_can_be_read() {
        let settings = read_settings();
        let [least, first, most] = settings
            .tcp_receive_bytes
            .ok()
            .expect("every kernel has it");
        assert!(least <= first && first <= most);
        assert!(settings.tcp_send_bytes.ok().is_some());
        assert!(settings.tcp_receive_grows.ok().is_some());
    }
}
