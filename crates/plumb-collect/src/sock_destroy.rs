//! Closing sockets through sock_diag (`SOCK_DESTROY`), and hearing of sockets that were destroyed.
//!
//! Minimum kernel version: 4.5 for closing (with `CONFIG_INET_DIAG_DESTROY`), 4.1 for hearing; an
//! older kernel answers with an error, or with nothing.

use plumb_wire::netlink::frame::{Frame, Frames};
use plumb_wire::netlink::inet_diag::SOCK_DIAG_BY_FAMILY;
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::netlink::{self, SocketAddrNetlink};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

/// The kernel's messages of one row fit many times.
const DATAGRAM_BYTES: usize = 64 * 1024;

fn open() -> Result<OwnedFd, Errno> {
    rustix::net::socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC,
        Some(netlink::SOCK_DIAG),
    )
}

fn receive<'b>(socket: &OwnedFd, buffer: &'b mut [u8]) -> Result<&'b [u8], Errno> {
    loop {
        match rustix::net::recv(socket, &mut *buffer, RecvFlags::empty()) {
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
            Ok((len, _)) => return Ok(buffer.get(..len).unwrap_or(&[])),
        }
    }
}

/// A connection over which the kernel is asked to close sockets.
#[derive(Debug)]
pub struct Connection {
    socket: OwnedFd,
    buffer: Vec<u8>,
}

impl Connection {
    /// Opens the connection, in this thread's network namespace.
    pub fn open() -> Result<Self, Errno> {
        Ok(Self {
            socket: open()?,
            buffer: vec![0; DATAGRAM_BYTES],
        })
    }

    /// Sends an encoded request that wants an acknowledgement, and waits for it.
    pub fn ask(&mut self, request: &[u8]) -> Result<(), Errno> {
        rustix::net::send(&self.socket, request, SendFlags::empty())?;
        loop {
            for frame in Frames::new(receive(&self.socket, &mut self.buffer)?) {
                match frame {
                    Frame::Error(0) => return Ok(()),
                    Frame::Error(errno) => return Err(Errno::from_raw_os_error(errno)),
                    Frame::Data { .. } | Frame::Done => {}
                    Frame::Malformed => return Err(Errno::PROTO),
                }
            }
        }
    }
}

/// A multicast group of destroyed sockets (`enum sknetlink_groups`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Destroyed {
    /// TCP over IPv4.
    Tcp4 = 1,
    /// UDP over IPv4.
    Udp4 = 2,
    /// TCP over IPv6.
    Tcp6 = 3,
    /// UDP over IPv6.
    Udp6 = 4,
}

/// A subscription to destroyed sockets.
#[derive(Debug)]
pub struct Events {
    socket: OwnedFd,
    buffer: Vec<u8>,
}

impl Events {
    /// Joins the groups, in this thread's network namespace.
    pub fn subscribe(groups: &[Destroyed]) -> Result<Self, Errno> {
        let socket = open()?;
        let mask = groups
            .iter()
            .fold(0, |mask, group| mask | 1 << (*group as u32 - 1));
        rustix::net::bind(&socket, &SocketAddrNetlink::new(0, mask))?;
        Ok(Self {
            socket,
            buffer: vec![0; DATAGRAM_BYTES],
        })
    }

    /// Waits for the next datagram; `each` gets the rows in it, as a dump would have them.
    ///
    /// `ENOBUFS` says that events were lost; the subscription goes on.
    pub fn next(&mut self, mut each: impl FnMut(&[u8])) -> Result<(), Errno> {
        for frame in Frames::new(receive(&self.socket, &mut self.buffer)?) {
            if let Frame::Data {
                kind: SOCK_DIAG_BY_FAMILY,
                payload,
                ..
            } = frame
            {
                each(payload);
            }
        }
        Ok(())
    }
}
