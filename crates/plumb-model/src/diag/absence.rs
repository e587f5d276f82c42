//! What the numbers of a row mean where there is room to say "unknown".
//!
//! The fields of [`InetDiag`] are what the source gave: inode 0, user 0, cookie 0. The methods here
//! tell a number from the lack of one, and say why it lacks. No presenter of the personality needs
//! them; JSON and whatever draws conclusions does.

use super::inet::InetDiag;
use crate::id::{Cookie, Inode, Uid};
use crate::known::{Known, Reason};
use crate::socket::SocketState;

impl InetDiag<'_> {
    /// Gives the inode of the socket, or why there is none.
    pub fn known_inode(&self) -> Known<Inode> {
        match self.inode {
            0 => Known::Unknown(SocketState(self.state).ownerless_reason()),
            inode => Known::Known(Inode(inode)),
        }
    }

    /// Gives the owning user, or why the kernel no longer knows it.
    pub fn known_uid(&self) -> Known<Uid> {
        match self.known_inode() {
            Known::Unknown(Reason::TimeWait) => Known::Unknown(Reason::TimeWait),
            _ => Known::Known(Uid(self.uid)),
        }
    }

    /// Gives the cookie, which `/proc` does not have.
    pub fn known_cookie(&self) -> Known<Cookie> {
        self.unless_from_proc(Cookie(self.cookie))
    }

    /// Gives the index of the device the socket is bound to, 0 for none; `/proc` does not have it.
    pub fn known_interface(&self) -> Known<u32> {
        self.unless_from_proc(self.interface)
    }

    /// Says why attributes lack, as far as the row itself shows it: `/proc` has none, and what is
    /// not yet or no longer a whole socket has few.
    pub fn missing_attribute_reason(&self) -> Option<Reason> {
        if self.from_proc.is_some() {
            return Some(Reason::NotInSource);
        }
        match self.known_inode().reason() {
            Some(Reason::NoHolder) | None => None,
            reason => reason,
        }
    }

    fn unless_from_proc<T>(&self, value: T) -> Known<T> {
        match self.from_proc {
            Some(_) => Known::Unknown(Reason::NotInSource),
            None => Known::Known(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::inet::{AF_INET, DiagEndpoint, DiagTimer, Extensions, ProcDetails, Protocol};

    fn row(state: SocketState, inode: u64) -> InetDiag<'static> {
        InetDiag {
            protocol: Protocol::TCP,
            family: AF_INET,
            state: state.0,
            timer: DiagTimer::default(),
            local: DiagEndpoint::default(),
            peer: DiagEndpoint::default(),
            interface: 0,
            cookie: 7,
            recv_q: 0,
            send_q: 0,
            uid: 0,
            inode,
            extensions: Extensions::default(),
            from_proc: None,
            trailing: None,
        }
    }

    #[test]
    fn root_owns_sockets_but_not_those_in_time_wait() {
        let time_wait = row(SocketState::TIME_WAIT, 0);
        assert_eq!(time_wait.known_uid(), Known::Unknown(Reason::TimeWait));
        assert_eq!(time_wait.missing_attribute_reason(), Some(Reason::TimeWait));
        let orphan = row(SocketState::LAST_ACK, 0);
        assert_eq!(orphan.known_uid(), Known::Known(Uid(0)));
        assert_eq!(orphan.known_inode(), Known::Unknown(Reason::NoHolder));
        assert_eq!(orphan.missing_attribute_reason(), None);
    }

    #[test]
    fn proc_knows_neither_cookies_nor_devices() {
        let mut socket = row(SocketState::LISTEN, 5);
        assert_eq!(socket.known_cookie(), Known::Known(Cookie(7)));
        assert_eq!(socket.known_interface(), Known::Known(0));
        socket.from_proc = Some(ProcDetails::default());
        assert_eq!(socket.known_cookie(), Known::Unknown(Reason::NotInSource));
        assert_eq!(
            socket.known_interface(),
            Known::Unknown(Reason::NotInSource)
        );
        assert_eq!(socket.known_inode(), Known::Known(Inode(5)));
    }
}
