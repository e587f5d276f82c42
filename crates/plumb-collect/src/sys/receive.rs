//! Receiving a packet with its control messages as bytes, the error queue included.

use std::os::fd::{AsFd, AsRawFd as _};

use rustix::io::Errno;

/// How much of the buffers was filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received {
    /// Bytes of the packet.
    pub bytes: usize,
    /// Bytes of the control messages.
    pub control_bytes: usize,
}

/// Receives without waiting; `errors` reads the error queue (`MSG_ERRQUEUE`).
pub fn receive(
    socket: impl AsFd,
    errors: bool,
    packet: &mut [u8],
    control: &mut [u8],
) -> Result<Received, Errno> {
    let mut part = libc::iovec {
        iov_base: packet.as_mut_ptr().cast(),
        iov_len: packet.len(),
    };
    let flags = libc::MSG_DONTWAIT | if errors { libc::MSG_ERRQUEUE } else { 0 };
    #[expect(unsafe_code, reason = "rustix decodes no control messages of errors")]
    // SAFETY: a zeroed msghdr is valid: null pointers with lengths of 0.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = control.len() as _;
    #[expect(unsafe_code, reason = "rustix decodes no control messages of errors")]
    // SAFETY: the descriptor is open; the one iovec and the control buffer are exclusively borrowed slices
    // with their own lengths, and outlive the call.
    let got = unsafe { libc::recvmsg(socket.as_fd().as_raw_fd(), &raw mut message, flags) };
    let Ok(bytes) = usize::try_from(got) else {
        let errno = std::io::Error::last_os_error().raw_os_error();
        return Err(Errno::from_raw_os_error(errno.unwrap_or(libc::EINVAL)));
    };
    Ok(Received {
        bytes: bytes.min(packet.len()),
        control_bytes: length(message.msg_controllen).min(control.len()),
    })
}

/// The C libraries do not agree on the type of this length.
fn length(len: impl TryInto<usize>) -> usize {
    len.try_into().unwrap_or(0)
}
