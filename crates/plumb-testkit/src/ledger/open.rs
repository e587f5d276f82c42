//! One function for each kind of connection, so that it can be asked which one opened it.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType};

/// A socket, and what connect() said.
pub(super) struct Opened {
    pub(super) socket: OwnedFd,
    pub(super) answer: Result<(), Errno>,
    /// Differs in each function: compilers make one of functions that are alike.
    pub(super) why: &'static str,
}

/// Makes the function of a kind.
macro_rules! opens {
    ($($name:ident, $flags:expr, $why:literal;)*) => {$(
        #[inline(never)]
        pub(super) fn $name(from: Option<SocketAddr>, to: SocketAddr) -> Result<Opened, Errno> {
            let socket = rustix::net::socket_with(
                AddressFamily::INET,
                SocketType::STREAM,
                SocketFlags::CLOEXEC.union($flags),
                None,
            )?;
            if let Some(from) = from {
                rustix::net::bind(&socket, &from)?;
            }
            let answer = rustix::net::connect(&socket, &to);
            Ok(Opened { socket, answer, why: $why })
        }
    )*};
}

opens! {
    opens_usual, SocketFlags::empty(), "to carry bytes";
    opens_served_first, SocketFlags::empty(), "to be served";
    opens_and_resets, SocketFlags::empty(), "to reset it";
    opens_to_be_reset, SocketFlags::empty(), "to be reset";
    opens_and_stalls, SocketFlags::empty(), "to stall";
    opens_unread, SocketFlags::empty(), "to be read late";
    opens_unaccepted, SocketFlags::empty(), "to fill a queue";
    opens_to_be_refused, SocketFlags::empty(), "to be refused";
    opens_without_route, SocketFlags::empty(), "to get nowhere";
    opens_and_gives_up, SocketFlags::NONBLOCK, "to give up";
}

/// Takes a connection.
#[inline(never)]
pub(super) fn accepts(listener: &OwnedFd) -> Result<OwnedFd, Errno> {
    let accepted = rustix::net::accept_with(listener, SocketFlags::CLOEXEC);
    // Not the last thing done, so that it stays in the stack.
    std::hint::black_box(accepted)
}
