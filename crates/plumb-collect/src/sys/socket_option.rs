//! Socket options that the safe crates do not offer: the device a socket is bound to, what the error queue is
//! asked to keep, who is at the other end, and which buffers were set.

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd};

use rustix::io::Errno;

/// Sets an option whose value is one word.
pub fn set_word(socket: impl AsFd, level: i32, name: i32, value: i32) -> Result<(), Errno> {
    let value = value.to_ne_bytes();
    let len = libc::socklen_t::try_from(value.len()).map_err(|_| Errno::INVAL)?;
    #[expect(unsafe_code, reason = "rustix has no general setsockopt")]
    // SAFETY: the descriptor is open for the length of the call, and the kernel reads `len` bytes from
    // an array of that length; no option takes one word for a pointer.
    let result = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            level,
            name,
            value.as_ptr().cast(),
            len,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        let errno = std::io::Error::last_os_error().raw_os_error();
        Err(Errno::from_raw_os_error(errno.unwrap_or(libc::EINVAL)))
    }
}

/// Reads an option of SOL_SOCKET whose value is one word.
pub fn word(socket: impl AsFd, name: i32) -> Result<u32, Errno> {
    word_of(socket, libc::SOL_SOCKET, name)
}

/// Reads an option of some level whose value is one word.
pub fn word_of(socket: impl AsFd, level: i32, name: i32) -> Result<u32, Errno> {
    let mut value = [0_u32];
    get_of(socket.as_fd(), level, name, &mut value)?;
    let [value] = value;
    Ok(value)
}

/// Values that are plain words, so that the kernel may write any bits into them.
pub(super) trait Plain: Copy {}
impl Plain for u32 {}
impl Plain for libc::ucred {}

/// Reads an option of SOL_SOCKET into `values`; gives how many of them were written.
pub(super) fn get<T: Plain>(
    socket: BorrowedFd<'_>,
    name: i32,
    values: &mut [T],
) -> Result<usize, Errno> {
    get_of(socket, libc::SOL_SOCKET, name, values)
}

fn get_of<T: Plain>(
    socket: BorrowedFd<'_>,
    level: i32,
    name: i32,
    values: &mut [T],
) -> Result<usize, Errno> {
    let room = size_of_val(values);
    let mut len = MaybeUninit::new(libc::socklen_t::try_from(room).map_err(|_| Errno::INVAL)?);
    #[expect(
        unsafe_code,
        reason = "rustix has no groups of peers, no peer without a pid, and no locks of buffers"
    )]
    // SAFETY: the descriptor is open for the length of the call; the kernel writes at most `room` bytes to
    // `values`, which has so many and may hold any bits ([`Plain`]), and the length it wrote to `len`.
    let (result, len) = unsafe {
        let result = libc::getsockopt(
            socket.as_raw_fd(),
            level,
            name,
            values.as_mut_ptr().cast(),
            len.as_mut_ptr(),
        );
        (result, len.assume_init())
    };
    if result != 0 {
        let errno = std::io::Error::last_os_error().raw_os_error();
        return Err(Errno::from_raw_os_error(errno.unwrap_or(libc::EINVAL)));
    }
    let len = usize::try_from(len).unwrap_or(0);
    Ok(len.min(room) / size_of::<T>())
}
