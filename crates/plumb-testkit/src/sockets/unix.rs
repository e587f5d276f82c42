//! UNIX domain sockets: every type, abstract names, paths with white space, connections in waiting.

use std::io;
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};
use std::path::Path;

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use super::Held;

/// Makes one of each; paths lie in `dir`.
pub fn every_kind(dir: &Path) -> io::Result<Held> {
    let mut held = Held::new();
    for name in [
        "plain",
        "with space",
        "with\nnewline",
        "with\ttab",
        "\u{e9}\u{1b}[31m",
    ] {
        held.push(UnixListener::bind(dir.join(name))?.into());
    }
    let listener = UnixListener::bind_addr(&SocketAddr::from_abstract_name(b"abstract\0inner")?)?;
    let near = UnixStream::connect_addr(&listener.local_addr()?)?;
    let (far, _) = listener.accept()?;
    // Nobody accepts this one: the kernel shows it as CONNECTING, without an inode.
    let waiting = UnixStream::connect_addr(&listener.local_addr()?)?;
    held.extend([listener.into(), near.into(), far.into(), waiting.into()]);
    let (one, other) = UnixStream::pair()?;
    held.extend([one.into(), other.into()]);
    let bound = UnixDatagram::bind(dir.join("datagram"))?;
    let connected = UnixDatagram::unbound()?;
    connected.connect(dir.join("datagram"))?;
    held.extend([bound.into(), connected.into()]);
    held.extend(sequential(dir)?);
    Ok(held)
}

fn sequential(dir: &Path) -> io::Result<[OwnedFd; 2]> {
    let new = || {
        let kind = SocketType::SEQPACKET;
        rustix::net::socket_with(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None)
    };
    let address = SocketAddrUnix::new(&*dir.join("sequential"))?;
    let listener = new()?;
    rustix::net::bind(&listener, &address)?;
    rustix::net::listen(&listener, 8)?;
    let near = new()?;
    rustix::net::connect(&near, &address)?;
    Ok([listener, near])
}

#[cfg(test)]
mod tests {
    mod needs_root {
        #[test]
        fn every_kind_of_unix_socket_is_in_the_table() {
            crate::sandbox::run(|| {
                let dir = std::env::temp_dir();
                let held = super::super::every_kind(&dir).expect("the sandbox allows it");
                let table = std::fs::read("/proc/net/unix").expect("/proc is mounted");
                let table = String::from_utf8_lossy(&table);
                for part in [
                    "/with space",
                    "/with\nnewline",
                    "@abstract@inner",
                    " 02     0 @",
                ] {
                    assert!(table.contains(part), "{part:?} is missing:\n{table}");
                }
                drop(held);
            });
        }
    }
}
