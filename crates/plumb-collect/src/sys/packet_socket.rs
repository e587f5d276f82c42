//! Packet sockets (`packet(7)`): a filter of classic BPF, and packets with who sent them.
//!
//! Needs CAP_NET_RAW. Minimum kernel version: 2.2.

use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};
use std::time::Duration;

use rustix::io::Errno;

/// `SIOCGSTAMPNS_OLD` (`asm-generic/sockios.h`), whose seconds are as long as a `timespec`'s.
const SIOCGSTAMPNS: libc::Ioctl = 0x8907;

/// One instruction of classic BPF (`struct sock_filter`).
pub type Instruction = libc::sock_filter;

/// A packet that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received {
    /// Its bytes in the buffer, from the network header on.
    pub len: usize,
    /// `PACKET_OUTGOING`: we sent it.
    pub outgoing: bool,
    /// Index of the interface.
    pub interface: u32,
}

/// Opens a socket that sees every packet of the namespace which `filter` lets through.
pub fn open(filter: &[Instruction]) -> Result<OwnedFd, Errno> {
    // Protocol 0 sees nothing: the filter stands before the first packet comes.
    #[expect(unsafe_code, reason = "rustix has no packet sockets")]
    // SAFETY: a plain call; a descriptor that comes back is new and nobody else's.
    let socket = unsafe {
        let kind = libc::SOCK_DGRAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        let fd = checked(libc::socket(libc::AF_PACKET, kind, 0))?;
        OwnedFd::from_raw_fd(fd)
    };
    let program = libc::sock_fprog {
        len: u16::try_from(filter.len()).map_err(|_| Errno::INVAL)?,
        filter: filter.as_ptr().cast_mut(),
    };
    #[expect(unsafe_code, reason = "rustix has no socket filters")]
    // SAFETY: the program points to `len` live instructions, which the kernel copies and checks; the
    // address is a whole `sockaddr_ll`.
    unsafe {
        checked(libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_FILTER,
            (&raw const program).cast(),
            length_of::<libc::sock_fprog>(),
        ))?;
        let mut address: libc::sockaddr_ll = std::mem::zeroed();
        address.sll_family = u16::try_from(libc::AF_PACKET).unwrap_or(0);
        address.sll_protocol = u16::try_from(libc::ETH_P_ALL).unwrap_or(0).to_be();
        checked(libc::bind(
            socket.as_raw_fd(),
            (&raw const address).cast(),
            length_of::<libc::sockaddr_ll>(),
        ))?;
    }
    Ok(socket)
}

/// Reads one packet; `Err(Errno::AGAIN)` when none waits.
pub fn receive(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> Result<Received, Errno> {
    let mut address = MaybeUninit::<libc::sockaddr_ll>::zeroed();
    let mut length = length_of::<libc::sockaddr_ll>();
    #[expect(unsafe_code, reason = "rustix does not tell who sent a packet")]
    // SAFETY: buffer and address are live and as long as is said; zeroes are a valid `sockaddr_ll`.
    let (got, address) = unsafe {
        let got = libc::recvfrom(
            socket.as_raw_fd(),
            buffer.as_mut_ptr().cast(),
            buffer.len(),
            0,
            address.as_mut_ptr().cast(),
            &raw mut length,
        );
        (got, address.assume_init())
    };
    let len = usize::try_from(got).map_err(|_| last_error())?;
    Ok(Received {
        len: len.min(buffer.len()),
        outgoing: address.sll_pkttype == libc::PACKET_OUTGOING,
        interface: address.sll_ifindex.cast_unsigned(),
    })
}

/// Gives when the kernel saw the packet that was read last, since the epoch (`SIOCGSTAMPNS`); from the first question on
/// it notes that of every packet.
pub fn last_seen(socket: BorrowedFd<'_>) -> Result<Duration, Errno> {
    let mut moment = MaybeUninit::<libc::timespec>::zeroed();
    #[expect(unsafe_code, reason = "rustix does not tell when a packet came")]
    // SAFETY: the kernel writes one `timespec`, which is live; zeroes are a valid one.
    let moment = unsafe {
        checked(libc::ioctl(
            socket.as_raw_fd(),
            SIOCGSTAMPNS,
            moment.as_mut_ptr(),
        ))?;
        moment.assume_init()
    };
    let seconds = u64::try_from(moment.tv_sec).map_err(|_| Errno::INVAL)?;
    let nanoseconds = u32::try_from(moment.tv_nsec).map_err(|_| Errno::INVAL)?;
    Ok(Duration::new(seconds, nanoseconds))
}

/// Gives how many packets did not fit since the last question (`PACKET_STATISTICS`).
pub fn take_drops(socket: BorrowedFd<'_>) -> Result<u32, Errno> {
    // `struct tpacket_stats`: packets, drops.
    let mut stats = [0_u32; 2];
    let mut length = length_of::<[u32; 2]>();
    #[expect(unsafe_code, reason = "rustix has no packet statistics")]
    // SAFETY: the kernel writes at most `length` bytes of plain words.
    unsafe {
        checked(libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            libc::PACKET_STATISTICS,
            stats.as_mut_ptr().cast(),
            &raw mut length,
        ))?;
    }
    Ok(stats[1])
}

fn length_of<T>() -> libc::socklen_t {
    libc::socklen_t::try_from(size_of::<T>()).unwrap_or(0)
}

fn checked(result: i32) -> Result<i32, Errno> {
    if result >= 0 {
        Ok(result)
    } else {
        Err(last_error())
    }
}

fn last_error() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
}
