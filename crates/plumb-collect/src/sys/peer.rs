//! Who is at the other end of a local socket, as the kernel knows it.

use std::os::fd::BorrowedFd;

use rustix::io::Errno;

use super::socket_option::get;

/// Groups of a peer that are read at most; the kernel allows 65 536.
const MAX_GROUPS: usize = 65_536;

/// User and groups of a peer, from the moment it connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Its process; 0 if it is in another pid namespace.
    pub pid: u32,
    /// Its effective user.
    pub uid: u32,
    /// Its effective group and the further ones.
    pub groups: Vec<u32>,
}

/// Asks who is at the other end of a connected stream (`SO_PEERCRED`, `SO_PEERGROUPS`).
pub fn peer(socket: BorrowedFd<'_>) -> Result<Peer, Errno> {
    let mut of = [libc::ucred {
        pid: 0,
        uid: u32::MAX,
        gid: u32::MAX,
    }];
    get(socket, libc::SO_PEERCRED, &mut of)?;
    let [of] = of;
    let mut groups = vec![0_u32; 64];
    let count = match get(socket, libc::SO_PEERGROUPS, &mut groups) {
        Err(Errno::RANGE) => {
            groups.resize(MAX_GROUPS, 0);
            get(socket, libc::SO_PEERGROUPS, &mut groups)?
        }
        // Before 4.13 only the first is known.
        Err(Errno::NOPROTOOPT) => 0,
        other => other?,
    };
    groups.truncate(count);
    groups.push(of.gid);
    Ok(Peer {
        pid: u32::try_from(of.pid).unwrap_or(0),
        uid: of.uid,
        groups,
    })
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd as _;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn the_peer_of_a_pair_is_ourselves() {
        let (one, _other) = UnixStream::pair().expect("it can be made");
        let peer = peer(one.as_fd()).expect("it is connected");
        assert_eq!(peer.pid, std::process::id());
        assert_eq!(peer.uid, rustix::process::geteuid().as_raw());
        let mut own = rustix::process::getgroups().expect("we have groups");
        own.push(rustix::process::getegid());
        let own: Vec<u32> = own.iter().map(|group| group.as_raw()).collect();
        assert_eq!(peer.groups, own);
    }
}
