//! The interface ioctls (`netdevice(7)`): one request with a name in, one answer out.
//!
//! `struct ifreq` is handled as plain bytes, because what the kernel leaves in it is a union that
//! only the caller's request explains. Minimum kernel version: 2.2.

use std::net::Ipv4Addr;
use std::os::fd::AsRawFd as _;

use plumb_model::interface::{DeviceMap, Hardware, InterfaceFlags};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

/// Room for a name in `struct ifreq`.
const NAME_BYTES: usize = libc::IFNAMSIZ;
/// Interfaces asked for at first; the room doubles until all fit.
const FIRST_ROOM: usize = 32;
/// Room is never grown beyond this many interfaces and labels.
const MOST_ROOM: usize = 1 << 20;

/// An address that an interface has one of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressKind {
    /// `SIOCGIFADDR`.
    Own,
    /// `SIOCGIFNETMASK`.
    Netmask,
    /// `SIOCGIFBRDADDR`.
    Broadcast,
    /// `SIOCGIFDSTADDR`.
    Destination,
}

/// `struct ifreq`: a name, and behind it what the request is about.
#[repr(C, align(8))]
struct Request {
    bytes: [u8; size_of::<libc::ifreq>()],
}

/// `struct ifconf`.
#[repr(C)]
struct Configurations {
    len: libc::c_int,
    entries: *mut Request,
}

/// A socket to ask about interfaces through.
#[derive(Debug)]
pub struct InterfaceSocket(OwnedFd);

impl InterfaceSocket {
    /// Opens one in the current network namespace.
    pub fn open() -> Result<Self, Errno> {
        socket_with(
            AddressFamily::INET,
            SocketType::DGRAM,
            SocketFlags::CLOEXEC,
            None,
        )
        .map(Self)
    }

    /// Gives the names of all interfaces and labels that have an IPv4 address (`SIOCGIFCONF`).
    pub fn addressed_names(&self) -> Result<Vec<Vec<u8>>, Errno> {
        let mut room = FIRST_ROOM;
        loop {
            let mut entries: Vec<Request> = Vec::new();
            entries.resize_with(room, || Request::named(b""));
            let filled = self.configurations(&mut entries)?;
            if filled < room || room >= MOST_ROOM {
                entries.truncate(filled);
                return Ok(entries.iter().map(|entry| entry.name().to_vec()).collect());
            }
            room *= 2;
        }
    }

    /// Gives the index of an interface (`SIOCGIFINDEX`); alternative names count, too.
    pub fn index(&self, name: &[u8]) -> Result<u32, Errno> {
        if name.len() >= NAME_BYTES {
            return Err(Errno::NODEV);
        }
        let answer = self.ask(name, libc::SIOCGIFINDEX)?;
        Ok(u32::from_ne_bytes(answer.array(0)))
    }

    /// Gives the name of the interface with an index (`SIOCGIFNAME`).
    pub fn name(&self, index: u32) -> Result<Vec<u8>, Errno> {
        let mut request = Request::named(b"");
        for (slot, byte) in request
            .bytes
            .iter_mut()
            .skip(NAME_BYTES)
            .zip(index.to_ne_bytes())
        {
            *slot = byte;
        }
        let answer = self.exchange(request, libc::SIOCGIFNAME)?;
        Ok(answer.name().to_vec())
    }

    /// Gives the flags (`SIOCGIFFLAGS`).
    pub fn flags(&self, name: &[u8]) -> Result<InterfaceFlags, Errno> {
        let answer = self.ask(name, libc::SIOCGIFFLAGS)?;
        Ok(InterfaceFlags(u16::from_ne_bytes(answer.array(0))))
    }

    /// Gives the largest packet in bytes (`SIOCGIFMTU`).
    pub fn mtu(&self, name: &[u8]) -> Result<i32, Errno> {
        let answer = self.ask(name, libc::SIOCGIFMTU)?;
        Ok(i32::from_ne_bytes(answer.array(0)))
    }

    /// Gives the length of the queue in packets (`SIOCGIFTXQLEN`).
    pub fn tx_queue_len(&self, name: &[u8]) -> Result<i32, Errno> {
        let answer = self.ask(name, libc::SIOCGIFTXQLEN)?;
        Ok(i32::from_ne_bytes(answer.array(0)))
    }

    /// Gives link-layer type and address (`SIOCGIFHWADDR`).
    pub fn hardware(&self, name: &[u8]) -> Result<Hardware, Errno> {
        let answer = self.ask(name, libc::SIOCGIFHWADDR)?;
        Ok(Hardware {
            kind: u16::from_ne_bytes(answer.array(0)),
            address: answer.array(2),
        })
    }

    /// Gives the card's resources (`SIOCGIFMAP`).
    pub fn map(&self, name: &[u8]) -> Result<DeviceMap, Errno> {
        const LONG: usize = size_of::<libc::c_ulong>();
        let answer = self.ask(name, libc::SIOCGIFMAP)?;
        let long = |at| libc::c_ulong::from_ne_bytes(answer.array(at));
        let [base_low, base_high, interrupt, dma, port] = answer.array(2 * LONG);
        Ok(DeviceMap {
            memory_start: long(0),
            memory_end: long(LONG),
            base: u16::from_ne_bytes([base_low, base_high]),
            interrupt,
            dma,
            port,
        })
    }

    /// Gives an address; `None` when it is none of IPv4.
    pub fn address(&self, name: &[u8], kind: AddressKind) -> Result<Option<Ipv4Addr>, Errno> {
        let code = match kind {
            AddressKind::Own => libc::SIOCGIFADDR,
            AddressKind::Netmask => libc::SIOCGIFNETMASK,
            AddressKind::Broadcast => libc::SIOCGIFBRDADDR,
            AddressKind::Destination => libc::SIOCGIFDSTADDR,
        };
        let answer = self.ask(name, code)?;
        let family = u16::from_ne_bytes(answer.array(0));
        let is_ipv4 = libc::c_int::from(family) == libc::AF_INET;
        // `struct sockaddr_in`: family, port, address.
        Ok(is_ipv4.then(|| Ipv4Addr::from(answer.array::<4>(4))))
    }

    fn ask(&self, name: &[u8], code: libc::c_ulong) -> Result<Request, Errno> {
        self.exchange(Request::named(name), code)
    }

    #[expect(unsafe_code, reason = "ioctl has no safe form")]
    fn exchange(&self, mut request: Request, code: libc::c_ulong) -> Result<Request, Errno> {
        // SAFETY: every request code used here takes a `struct ifreq`, which `request` has the size
        // and alignment of, and the kernel writes nothing else. The descriptor is open.
        let status = unsafe { libc::ioctl(self.0.as_raw_fd(), code as _, &raw mut request) };
        check(status).map(|()| request)
    }

    /// Fills `entries`; gives how many were filled.
    #[expect(unsafe_code, reason = "ioctl has no safe form")]
    fn configurations(&self, entries: &mut [Request]) -> Result<usize, Errno> {
        let bytes = size_of_val(entries);
        let mut list = Configurations {
            len: libc::c_int::try_from(bytes).map_err(|_| Errno::NOMEM)?,
            entries: entries.as_mut_ptr(),
        };
        // SAFETY: `list` is a `struct ifconf` whose pointer and length describe `entries`, which
        // outlives the call; the kernel writes at most that many bytes.
        let status =
            unsafe { libc::ioctl(self.0.as_raw_fd(), libc::SIOCGIFCONF as _, &raw mut list) };
        check(status)?;
        let filled = usize::try_from(list.len).unwrap_or(0);
        Ok(filled / size_of::<Request>())
    }
}

impl Request {
    fn named(name: &[u8]) -> Self {
        let mut bytes = [0; size_of::<libc::ifreq>()];
        for (slot, &byte) in bytes.iter_mut().zip(name.iter().take(NAME_BYTES - 1)) {
            *slot = byte;
        }
        Self { bytes }
    }

    fn name(&self) -> &[u8] {
        let name = self.bytes.get(..NAME_BYTES).unwrap_or(&[]);
        name.split(|&b| b == 0).next().unwrap_or(name)
    }

    /// Gives `N` bytes at `at` behind the name, zeros where the request ends.
    fn array<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut array = [0; N];
        let tail = self.bytes.get(NAME_BYTES + at..).unwrap_or(&[]);
        for (slot, &byte) in array.iter_mut().zip(tail) {
            *slot = byte;
        }
        array
    }
}

fn check(status: libc::c_int) -> Result<(), Errno> {
    if status >= 0 {
        return Ok(());
    }
    let error = std::io::Error::last_os_error();
    Err(Errno::from_io_error(&error).unwrap_or(Errno::IO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_nobody_has_is_no_device() {
        let socket = InterfaceSocket::open().expect("a datagram socket can be opened");
        assert_eq!(socket.flags(b"no-such-if"), Err(Errno::NODEV));
    }

    #[test]
    fn loopback_is_there_in_every_namespace() {
        let socket = InterfaceSocket::open().expect("a datagram socket can be opened");
        let flags = socket.flags(b"lo").expect("lo exists");
        assert!(flags.has(InterfaceFlags::LOOPBACK));
        let index = socket.index(b"lo").expect("lo has an index");
        assert_eq!(socket.name(index).as_deref(), Ok(&b"lo"[..]));
        assert_eq!(socket.name(u32::MAX), Err(Errno::NODEV));
        assert_eq!(
            socket.hardware(b"lo").map(|h| h.kind),
            Ok(libc::ARPHRD_LOOPBACK)
        );
    }
}
