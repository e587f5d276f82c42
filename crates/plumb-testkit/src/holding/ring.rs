//! A socket that is a registered file of an io_uring and whose descriptor is closed.
//!
//! Minimum kernel version: 5.1. Fails where `kernel.io_uring_disabled` forbids rings.

use std::io;
use std::os::fd::{AsFd, AsRawFd as _, FromRawFd as _, OwnedFd};

use super::{Held, Listener, Way};

/// Entries of the ring; nothing is ever submitted.
const ENTRIES: libc::c_uint = 1;
/// `sizeof(struct io_uring_params)`.
const PARAMS_BYTES: usize = 120;
/// `IORING_REGISTER_FILES`.
const REGISTER_FILES: libc::c_uint = 2;

/// Registers a socket with a ring and closes its descriptor.
pub fn registered() -> io::Result<Held> {
    let ring = new_ring()?;
    let first = Listener::new()?;
    let listener = Listener::new()?;
    // The first place is another's, so that the place is told apart from zero.
    register(&ring, &[&first.socket, &listener.socket])?;
    Ok(Held {
        way: Way::Ring {
            ring_fd: ring.as_raw_fd(),
            slot: 1,
        },
        pid: std::process::id(),
        inode: listener.inode,
        port: listener.port,
        _guard: Box::new((ring, first)),
    })
}

fn new_ring() -> io::Result<OwnedFd> {
    let mut params = [0_u64; PARAMS_BYTES / 8];
    #[expect(unsafe_code, reason = "io_uring_setup(2) has no safe wrapper")]
    // SAFETY: `params` is as long and as aligned as `struct io_uring_params`, which the kernel reads
    // and writes; a descriptor that comes back is new and nobody else's.
    unsafe {
        let fd = libc::syscall(libc::SYS_io_uring_setup, ENTRIES, params.as_mut_ptr());
        let fd = i32::try_from(checked(fd)?).map_err(io::Error::other)?;
        Ok(OwnedFd::from_raw_fd(fd))
    }
}

fn register(ring: &OwnedFd, files: &[&dyn AsFd]) -> io::Result<()> {
    let files: Vec<i32> = files.iter().map(|file| file.as_fd().as_raw_fd()).collect();
    let count = libc::c_uint::try_from(files.len()).map_err(io::Error::other)?;
    #[expect(unsafe_code, reason = "io_uring_register(2) has no safe wrapper")]
    // SAFETY: the kernel reads `count` descriptors from `files`, which are live.
    let result = unsafe {
        libc::syscall(
            libc::SYS_io_uring_register,
            ring.as_raw_fd(),
            REGISTER_FILES,
            files.as_ptr(),
            count,
        )
    };
    checked(result).map(drop)
}

fn checked(result: libc::c_long) -> io::Result<libc::c_long> {
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(result)
}
