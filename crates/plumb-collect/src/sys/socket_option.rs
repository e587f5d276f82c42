//! Socket options that the safe crates do not offer: the device a socket is bound to, and what the
//! error queue is asked to keep.

use std::os::fd::{AsFd, AsRawFd as _};

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
