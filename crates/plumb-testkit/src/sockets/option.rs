//! Socket options and addresses that the safe crates do not offer, for tests alone: marks, bound
//! devices, MD5 keys, and what belongs to packet sockets.
//!
//! With `storage` the one place with `unsafe` outside `plumb-collect/src/sys`: three calls that take
//! bytes.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// Sets an option whose value is plain bytes, such as a word or a structure without pointers.
pub fn set(socket: &impl AsFd, level: i32, name: i32, value: &[u8]) -> io::Result<()> {
    assert_ne!(
        (level, name),
        (libc::SOL_SOCKET, libc::SO_ATTACH_FILTER),
        "this value holds a pointer: see attach_filter"
    );
    let len = libc::socklen_t::try_from(value.len()).map_err(io::Error::other)?;
    #[expect(unsafe_code, reason = "rustix has no general setsockopt")]
    // SAFETY: the descriptor is open, and the kernel reads `len` bytes from a slice of that length.
    let result = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            level,
            name,
            value.as_ptr().cast(),
            len,
        )
    };
    checked(result)
}

/// Sets an option whose value is one word.
pub fn set_word(socket: &impl AsFd, level: i32, name: i32, value: u32) -> io::Result<()> {
    set(socket, level, name, &value.to_ne_bytes())
}

/// One instruction of classic BPF: code, jumps, constant.
pub type Instruction = (u16, u8, u8, u32);

/// Attaches a classic BPF program (`SO_ATTACH_FILTER`).
pub fn attach_filter(socket: &impl AsFd, program: &[Instruction]) -> io::Result<()> {
    let mut instructions: Vec<libc::sock_filter> = program
        .iter()
        .map(|&(code, jt, jf, k)| libc::sock_filter { code, jt, jf, k })
        .collect();
    let filter = libc::sock_fprog {
        len: u16::try_from(instructions.len()).map_err(io::Error::other)?,
        filter: instructions.as_mut_ptr(),
    };
    let len = libc::socklen_t::try_from(size_of_val(&filter)).map_err(io::Error::other)?;
    #[expect(unsafe_code, reason = "rustix cannot attach filters")]
    // SAFETY: `filter` points to `filter.len` instructions that live until the call has returned;
    // the kernel copies them.
    let result = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_FILTER,
            (&raw const filter).cast(),
            len,
        )
    };
    checked(result)
}

/// Binds a packet socket to a protocol (`ETH_P_*`) on an interface (0: all).
pub fn bind_packet(socket: &impl AsFd, protocol: u16, interface: i32) -> io::Result<()> {
    let address = libc::sockaddr_ll {
        sll_family: u16::try_from(libc::AF_PACKET).map_err(io::Error::other)?,
        sll_protocol: protocol.to_be(),
        sll_ifindex: interface,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 0,
        sll_addr: [0; 8],
    };
    let len = libc::socklen_t::try_from(size_of_val(&address)).map_err(io::Error::other)?;
    #[expect(unsafe_code, reason = "rustix has no address of packet sockets")]
    // SAFETY: the descriptor is open, and `address` is a whole sockaddr_ll of `len` bytes.
    let result =
        unsafe { libc::bind(socket.as_fd().as_raw_fd(), (&raw const address).cast(), len) };
    checked(result)
}

fn checked(result: i32) -> io::Result<()> {
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
