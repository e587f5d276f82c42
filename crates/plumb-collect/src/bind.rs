//! Binding for real: a fresh socket with the same options, bound and closed at once.
//!
//! It does not listen, so nobody can connect to it; it lives for microseconds. Another user's bind is
//! tried by a thread that becomes that user and ends.

use std::net::{IpAddr, SocketAddr, SocketAddrV6};

use plumb_model::Uid;
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};

use crate::sys::socket_option;

/// What to bind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BindTrial {
    /// TCP, else UDP.
    pub stream: bool,
    /// The address; an IPv6 one asks for an IPv6 socket.
    pub ip: IpAddr,
    /// Index of the interface in the address, 0 for none.
    pub scope_id: u32,
    /// The port.
    pub port: u16,
    /// SO_REUSEADDR.
    pub reuse_addr: bool,
    /// SO_REUSEPORT.
    pub reuse_port: bool,
    /// IPV6_V6ONLY.
    pub v6only: bool,
    /// SO_BINDTOIFINDEX, 0 for none.
    pub device: u32,
}

/// Why there was no trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrialError {
    /// This thread may not become that user.
    #[error("may not become user {}: {errno}", user.0)]
    User {
        /// The user.
        user: Uid,
        /// Why not.
        errno: Errno,
    },
    /// No socket of that kind, or it does not take an option.
    #[error("cannot make such a socket: {0}")]
    Socket(Errno),
    /// There is no thread to be had.
    #[error("cannot start a thread")]
    Thread,
}

/// Binds and lets go; gives what the kernel said. `user` is `None` for the one we are.
pub fn try_bind(trial: &BindTrial, user: Option<Uid>) -> Result<Result<(), Errno>, TrialError> {
    let Some(user) = user else {
        return bind_and_close(trial);
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .spawn_scoped(scope, || {
                become_user(user).map_err(|errno| TrialError::User { user, errno })?;
                bind_and_close(trial)
            })
            .map_err(|_| TrialError::Thread)?;
        thread.join().map_err(|_| TrialError::Thread)?
    })
}

/// Makes the calling thread, and it alone, a user without privileges of its own.
fn become_user(user: Uid) -> Result<(), Errno> {
    let uid = rustix::process::Uid::from_raw(user.0);
    rustix::thread::set_thread_res_uid(uid, uid, uid)
}

fn bind_and_close(trial: &BindTrial) -> Result<Result<(), Errno>, TrialError> {
    let socket = prepare(trial).map_err(TrialError::Socket)?;
    let address = match trial.ip {
        IpAddr::V6(ip) => SocketAddr::V6(SocketAddrV6::new(ip, trial.port, 0, trial.scope_id)),
        IpAddr::V4(_) => SocketAddr::new(trial.ip, trial.port),
    };
    Ok(rustix::net::bind(&socket, &address))
}

/// Makes a socket with the options.
fn prepare(trial: &BindTrial) -> Result<OwnedFd, Errno> {
    let family = if trial.ip.is_ipv6() {
        AddressFamily::INET6
    } else {
        AddressFamily::INET
    };
    let kind = if trial.stream {
        SocketType::STREAM
    } else {
        SocketType::DGRAM
    };
    let socket = rustix::net::socket_with(family, kind, SocketFlags::CLOEXEC, None)?;
    if trial.ip.is_ipv6() {
        sockopt::set_ipv6_v6only(&socket, trial.v6only)?;
    }
    if trial.reuse_addr {
        sockopt::set_socket_reuseaddr(&socket, true)?;
    }
    if trial.reuse_port {
        sockopt::set_socket_reuseport(&socket, true)?;
    }
    if trial.device != 0 {
        let index = i32::try_from(trial.device).map_err(|_| Errno::NODEV)?;
        socket_option::set_word(&socket, libc::SOL_SOCKET, libc::SO_BINDTOIFINDEX, index)?;
    }
    Ok(socket)
}

/// Says whether this kernel lists TCP sockets that are bound and neither listen nor are connected: Linux does
/// since 6.8. Told from its release, because finding it out would take a port.
pub fn lists_bound_sockets() -> bool {
    let system = rustix::system::uname();
    let release = system.release().to_string_lossy();
    let mut numbers = release
        .split(|c: char| !c.is_ascii_digit())
        .map(|part| part.parse::<u32>().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (6, 8)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use plumb_model::snapshot::Kind;
    use plumb_wire::netlink::inet_request::encode_local_port_program;

    use super::*;
    use crate::snapshot::{self, Request};

    #[test]
    fn what_the_release_says_of_bound_sockets_is_so() {
        let socket = prepare(&trial(IpAddr::V4(Ipv4Addr::LOCALHOST), 0)).expect("IPv4 is there");
        rustix::net::bind(&socket, &SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
            .expect("loopback has a free port");
        let name = rustix::net::getsockname(&socket).expect("it is bound");
        let address = SocketAddr::try_from(name).expect("an Internet address");
        let found = snapshot::read(&Request {
            kinds: vec![Kind::Tcp],
            program: Some(encode_local_port_program(address.port())),
            owners: false,
            ..Request::default()
        });
        assert_eq!(!found.sockets.is_empty(), lists_bound_sockets());
    }

    fn trial(ip: IpAddr, port: u16) -> BindTrial {
        BindTrial {
            stream: true,
            ip,
            scope_id: 0,
            port,
            reuse_addr: false,
            reuse_port: false,
            v6only: false,
            device: 0,
        }
    }

    #[test]
    fn a_taken_port_is_refused_and_a_trial_leaves_nothing_behind() {
        let home = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let taken = TcpListener::bind((home, 0)).expect("loopback has a free port");
        let port = taken.local_addr().expect("it is bound").port();
        assert_eq!(
            try_bind(&trial(home, port), None),
            Ok(Err(Errno::ADDRINUSE))
        );
        drop(taken);
        for _ in 0..2 {
            assert_eq!(try_bind(&trial(home, port), None), Ok(Ok(())));
        }
    }

    #[test]
    fn another_host_s_address_is_not_available() {
        let other = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
        assert_eq!(
            try_bind(&trial(other, 0), None),
            Ok(Err(Errno::ADDRNOTAVAIL))
        );
    }
}
