//! `--probe`: a few harmless attempts at what was asked about, so that its trouble shows during the watch.
//!
//! Connections are begun and not waited for; what becomes of them the second sample and the wire tell, as
//! of any program's. Nothing is sent over them, and they are closed after that sample.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;

use plumb_analyze::diagnose::Focus;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with};

/// So many attempts at each address: fewer refusals would be taken for chance.
const ATTEMPTS: usize = 3;
/// More addresses of one name are not tried.
const MOST_ADDRESSES: usize = 4;

/// Attempts under way.
#[derive(Debug, Default)]
pub(super) struct Probes {
    _sockets: Vec<OwnedFd>,
}

impl Probes {
    /// Begins to connect to the hosts and the port of the focus; a port alone means this host's own.
    pub fn begin(focus: &Focus) -> Self {
        let Some(port) = focus.port else {
            return Self::default();
        };
        let own = [IpAddr::V4(Ipv4Addr::LOCALHOST)];
        let hosts = if focus.hosts.is_empty() {
            &own[..]
        } else {
            &focus.hosts
        };
        let ends = hosts.iter().take(MOST_ADDRESSES);
        let attempts =
            ends.flat_map(|host| std::iter::repeat_n(SocketAddr::new(*host, port), ATTEMPTS));
        Self {
            _sockets: attempts.filter_map(begin).collect(),
        }
    }
}

/// Begins one attempt; `None` when it ended at once, which the wire or the refused call tells.
fn begin(end: SocketAddr) -> Option<OwnedFd> {
    let family = if end.is_ipv4() {
        AddressFamily::INET
    } else {
        AddressFamily::INET6
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(family, SocketType::STREAM, flags, None).ok()?;
    match connect(&socket, &end) {
        Ok(()) | Err(Errno::INPROGRESS) => Some(socket),
        Err(_) => None,
    }
}
