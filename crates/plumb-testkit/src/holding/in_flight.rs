//! A socket in a message between UNIX sockets that nobody has received (SCM_RIGHTS).

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::io::{IoSlice, IoSliceMut};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

use super::{Held, Listener, Way, inode};

/// Room for the control message of one descriptor, generously.
const CONTROL_BYTES: usize = 64;

/// Sends a socket to ourselves, closes it, and does not receive it.
pub fn in_message() -> io::Result<Held> {
    let (near, far) = UnixStream::pair()?;
    let listener = Listener::new()?;
    send(&near, listener.socket.as_fd())?;
    Ok(Held {
        way: Way::InFlight {
            carrier: inode(&far)?,
        },
        pid: std::process::id(),
        inode: listener.inode,
        port: listener.port,
        _guard: Box::new((near, far)),
    })
}

/// Sends one descriptor with a message of one byte.
pub fn send(through: impl AsFd, passed: BorrowedFd<'_>) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); CONTROL_BYTES];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let passed = [passed];
    if !control.push(SendAncillaryMessage::ScmRights(&passed)) {
        return Err(io::Error::other("no room for a descriptor"));
    }
    let message = [IoSlice::new(b"f")];
    sendmsg(through, &message, &mut control, SendFlags::empty())?;
    Ok(())
}

/// Receives one descriptor; `None` at the end.
pub fn receive(through: impl AsFd) -> io::Result<Option<OwnedFd>> {
    let mut space = [MaybeUninit::uninit(); CONTROL_BYTES];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let mut message = [IoSliceMut::new(&mut byte)];
    recvmsg(through, &mut message, &mut control, RecvFlags::CMSG_CLOEXEC)?;
    Ok(control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut passed) => passed.next(),
        _ => None,
    }))
}
