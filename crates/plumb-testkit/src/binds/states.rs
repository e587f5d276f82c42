//! What becomes of a socket behind its bind: listening, connected, accepted, closed to a state that keeps the port.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};

use super::Bound;
use crate::random::Random;
use crate::sockets::option;

/// Since Linux 6.3.
const IP_LOCAL_PORT_RANGE: i32 = 51;

/// Leads a bound socket into some state; what else has to live for it is given with it. A socket that
/// refuses to go there stays what it is.
pub fn lead_on(random: &mut Random, bound: &Bound, socket: OwnedFd) -> Vec<OwnedFd> {
    if random.chance(15) {
        set_late(random, &socket);
    }
    if !bound.stream {
        if random.chance(25) {
            let home = home(bound.ip);
            let _ = rustix::net::connect(&socket, &SocketAddr::new(home, 9));
            if random.chance(40) {
                let _ = rustix::net::connect_unspec(&socket);
            }
        }
        return copied(random, socket);
    }
    match random.below(10) {
        0..=2 => copied(random, socket),
        3..=6 => {
            let _ = rustix::net::listen(&socket, 8);
            if random.chance(10) {
                set_late(random, &socket);
            }
            copied(random, socket)
        }
        7 => connect_out(random, bound, socket),
        _ => accepted(random, bound, socket),
    }
}

/// Sets a flag of a socket that is bound already, as programs do that hand a port over. None takes one back: what
/// the kernel remembers of the port then no table tells.
fn set_late(random: &mut Random, socket: &OwnedFd) {
    let _ = if random.chance(50) {
        sockopt::set_socket_reuseaddr(socket, true)
    } else {
        sockopt::set_socket_reuseport(socket, true)
    };
}

/// Gives a socket back that may have a second descriptor, or that one alone.
fn copied(random: &mut Random, socket: OwnedFd) -> Vec<OwnedFd> {
    match (random.below(6), socket.try_clone()) {
        (0, Ok(copy)) => vec![copy],
        (1, Ok(copy)) => vec![socket, copy],
        _ => vec![socket],
    }
}

/// Makes a connection of a socket that was not bound, from one of the ports: the kernel gives it that port alone.
pub fn connection_from(random: &mut Random, ports: &[u16]) -> Vec<OwnedFd> {
    let port = u32::from(*random.pick(ports));
    let home = *random.pick(&[
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::LOCALHOST),
    ]);
    let family = if home.is_ipv6() {
        AddressFamily::INET6
    } else {
        AddressFamily::INET
    };
    let Ok(listener) = TcpListener::bind((home, 0)) else {
        return Vec::new();
    };
    let (Ok(to), Ok(near)) = (
        listener.local_addr(),
        rustix::net::socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None),
    ) else {
        return Vec::new();
    };
    let range = port << 16 | port;
    // Linux 6.3; without it the port would be any.
    if option::set_word(&near, libc::SOL_IP, IP_LOCAL_PORT_RANGE, range).is_err()
        || rustix::net::connect(&near, &to).is_err()
    {
        return Vec::new();
    }
    match listener.accept() {
        Ok((far, _)) => leave(random, near, far.into()),
        Err(_) => Vec::new(),
    }
}

/// Where a socket of this address can connect to.
fn home(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) => match ip.to_ipv4_mapped() {
            Some(_) => IpAddr::V6(Ipv4Addr::LOCALHOST.to_ipv6_mapped()),
            None => IpAddr::V6(Ipv6Addr::LOCALHOST),
        },
    }
}

/// A connection from the port: established, or in TIME_WAIT or FIN_WAIT2 here.
fn connect_out(random: &mut Random, bound: &Bound, socket: OwnedFd) -> Vec<OwnedFd> {
    let to = match home(bound.ip) {
        IpAddr::V6(ip) if ip.to_ipv4_mapped().is_some() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        ip => ip,
    };
    let Ok(listener) = TcpListener::bind((to, 0)) else {
        return vec![socket];
    };
    let Ok(address) = listener.local_addr() else {
        return vec![socket];
    };
    let address = SocketAddr::new(home(bound.ip), address.port());
    // From some addresses there is no way home: then it stays in SYN_SENT.
    let patience = Some(Duration::from_millis(20));
    let _ = sockopt::set_socket_timeout(&socket, sockopt::Timeout::Send, patience);
    if rustix::net::connect(&socket, &address).is_err() || listener.set_nonblocking(true).is_err() {
        return vec![socket];
    }
    let Ok((far, _)) = listener.accept() else {
        return vec![socket];
    };
    leave(random, socket, far.into())
}

/// Listens, takes one connection, and may close the listener while the connection stays.
fn accepted(random: &mut Random, bound: &Bound, socket: OwnedFd) -> Vec<OwnedFd> {
    if bound.device != 0 || rustix::net::listen(&socket, 8).is_err() {
        return vec![socket];
    }
    let to = match bound.ip {
        IpAddr::V4(ip) if ip.is_loopback() => bound.ip,
        IpAddr::V6(ip) if ip.is_unspecified() && !bound.v6only && random.chance(50) => {
            IpAddr::V4(Ipv4Addr::LOCALHOST)
        }
        ip => match home(ip) {
            IpAddr::V6(ip) if ip.to_ipv4_mapped().is_some() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            ip => ip,
        },
    };
    let family = if to.is_ipv6() {
        AddressFamily::INET6
    } else {
        AddressFamily::INET
    };
    let near = rustix::net::socket_with(
        family,
        SocketType::STREAM,
        SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
        None,
    );
    let Ok(near) = near else {
        return vec![socket];
    };
    let _ = rustix::net::connect(&near, &SocketAddr::new(to, bound.port));
    // Another listener may share the port and get it; then nobody waits here.
    let waits = rustix::event::poll(
        &mut [rustix::event::PollFd::new(
            &socket,
            rustix::event::PollFlags::IN,
        )],
        Some(&rustix::event::Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        }),
    );
    if waits != Ok(1) {
        return vec![socket];
    }
    let Ok(far) = rustix::net::accept_with(&socket, SocketFlags::CLOEXEC) else {
        return vec![socket];
    };
    let mut held = leave(random, far, near);
    if random.chance(50) {
        held.push(socket);
    }
    held
}

/// Leaves a connection established, or closes it from here, once or for good.
fn leave(random: &mut Random, here: OwnedFd, there: OwnedFd) -> Vec<OwnedFd> {
    match random.below(4) {
        0 => {
            // TIME_WAIT here.
            drop(here);
            drop(there);
            Vec::new()
        }
        1 => {
            // FIN_WAIT2 here, first with a holder, later as a stub.
            let here = std::net::TcpStream::from(here);
            let _ = here.shutdown(Shutdown::Write);
            drop(here);
            vec![there]
        }
        _ => vec![here, there],
    }
}
