//! TCP sockets in each state, over IPv4, IPv6 and IPv4-mapped addresses.
//!
//! States that pass in an instant are made to stay: data nobody reads fills the window and so keeps
//! a FIN from leaving (`FIN_WAIT1`, CLOSING, `LAST_ACK`), a full accept queue drops SYNs (`SYN_SENT`), and
//! a SYN from an address whose answers get lost leaves a connection request (`SYN_RECV`).

use std::fs;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketFlags, SocketType, ipproto, sockopt};

use super::Held;

/// How long a state may take to come about.
const PATIENCE: Duration = Duration::from_secs(5);
/// Addresses of nobody: packets to them loop back to us and are dropped there.
const NOBODYS_NETWORK: &str = "10.98.0.0/24";
const NOBODY: Ipv4Addr = Ipv4Addr::new(10, 98, 0, 2);

/// Makes every state over IPv4 and IPv6, and waits until the kernel shows them all.
pub fn every_state() -> io::Result<Held> {
    let mut held = Vec::new();
    let v4 = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let v6 = SocketAddr::from((Ipv6Addr::LOCALHOST, 0));
    for local in [v4, v6] {
        held.extend(connected_states(local)?);
    }
    held.extend(mapped()?);
    held.extend(connection_requests()?);
    wait_for_states()?;
    Ok(held)
}

fn connected_states(local: SocketAddr) -> io::Result<Held> {
    let mut held = syn_sent(local)?;
    let listener = TcpListener::bind(local)?;
    let connect = || -> io::Result<(TcpStream, TcpStream)> {
        let near = TcpStream::connect(listener.local_addr()?)?;
        let (far, _) = listener.accept()?;
        Ok((near, far))
    };
    let (near, far) = connect()?;
    sockopt::set_socket_keepalive(&near, true)?;
    hold(&mut held, [near, far]);
    hold(&mut held, unread(connect()?)?);
    hold(&mut held, fin_wait2(connect()?)?);
    time_wait(connect()?)?;
    orphaned_fin_wait2(connect()?, &mut held)?;
    hold(&mut held, fin_wait1(connect()?)?);
    hold(&mut held, closing(connect()?)?);
    hold(&mut held, last_ack(connect()?)?);
    // One connection that nobody has accepted yet: the listener's Recv-Q.
    held.push(TcpStream::connect(listener.local_addr()?)?.into());
    held.push(listener.into());
    Ok(held)
}

fn hold(held: &mut Held, streams: impl IntoIterator<Item = TcpStream>) {
    held.extend(streams.into_iter().map(OwnedFd::from));
}

type Ends = (TcpStream, TcpStream);

/// ESTABLISHED with bytes nobody has read.
fn unread((near, far): Ends) -> io::Result<[TcpStream; 2]> {
    io::Write::write_all(&mut &near, b"unread")?;
    Ok([near, far])
}

/// `FIN_WAIT2` here, `CLOSE_WAIT` there.
pub fn fin_wait2((near, far): Ends) -> io::Result<[TcpStream; 2]> {
    near.shutdown(Shutdown::Write)?;
    Ok([near, far])
}

/// `TIME_WAIT` here, nothing there.
fn time_wait((near, far): Ends) -> io::Result<()> {
    near.shutdown(Shutdown::Write)?;
    drop(far);
    drop(near);
    Ok(())
}

/// `FIN_WAIT2` that no process holds any more, `CLOSE_WAIT` there.
fn orphaned_fin_wait2((near, far): Ends, held: &mut Held) -> io::Result<()> {
    near.shutdown(Shutdown::Write)?;
    drop(near);
    held.push(far.into());
    Ok(())
}

/// `FIN_WAIT1` here (the FIN waits behind data), ESTABLISHED there.
fn fin_wait1((near, far): Ends) -> io::Result<[TcpStream; 2]> {
    fill(&near)?;
    near.shutdown(Shutdown::Write)?;
    Ok([near, far])
}

/// CLOSING here, `FIN_WAIT2` there: the peer's FIN came while ours waits behind data.
fn closing((near, far): Ends) -> io::Result<[TcpStream; 2]> {
    let [near, far] = fin_wait1((near, far))?;
    far.shutdown(Shutdown::Write)?;
    Ok([near, far])
}

/// `LAST_ACK` here, `FIN_WAIT2` there: we were asked to close, and our FIN waits behind data.
fn last_ack((near, far): Ends) -> io::Result<[TcpStream; 2]> {
    fill(&near)?;
    far.shutdown(Shutdown::Write)?;
    near.shutdown(Shutdown::Write)?;
    Ok([near, far])
}

/// Writes until the peer's window is full.
fn fill(stream: &TcpStream) -> io::Result<()> {
    stream.set_nonblocking(true)?;
    let block = vec![0x61; 64 * 1024];
    let mut full_since = None;
    let deadline = Instant::now() + PATIENCE;
    // A window that looks full may still grow a little; it is full when it stays so for a while.
    while Instant::now() < deadline {
        match io::Write::write(&mut &*stream, &block) {
            Ok(_) => full_since = None,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let since = *full_since.get_or_insert_with(Instant::now);
                if since.elapsed() > Duration::from_millis(20) {
                    return Ok(());
                }
                std::thread::yield_now();
            }
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("the window never filled"))
}

/// `SYN_SENT`: the listener's accept queue has room for one connection and is full.
fn syn_sent(local: SocketAddr) -> io::Result<Held> {
    let family = match local {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let listener =
        rustix::net::socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    rustix::net::bind(&listener, &local)?;
    rustix::net::listen(&listener, 0)?;
    let listener = TcpListener::from(listener);
    let full = listener.local_addr()?;
    let first = TcpStream::connect(full)?;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let second = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
    match rustix::net::connect(&second, &full) {
        Err(rustix::io::Errno::INPROGRESS) => Ok(vec![listener.into(), first.into(), second]),
        Err(errno) => Err(errno.into()),
        Ok(()) => Err(io::Error::other(
            "the full accept queue took another connection",
        )),
    }
}

/// A dual-stack listener and a connection to it over IPv4: mapped addresses in the IPv6 table.
fn mapped() -> io::Result<Held> {
    let listener = TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0))?;
    let port = listener.local_addr()?.port();
    let near = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    let (far, _) = listener.accept()?;
    let [near, far] = fin_wait2((near, far))?;
    Ok(vec![listener.into(), near.into(), far.into()])
}

/// `SYN_RECV`, once under an IPv4 listener and once under a dual-stack one.
fn connection_requests() -> io::Result<Held> {
    add_route_to_nobody()?;
    let v4 = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let dual = TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0))?;
    for listener in [&v4, &dual] {
        let port = listener.local_addr()?.port();
        send_syn(
            SocketAddrV4::new(NOBODY, 40_000),
            SocketAddrV4::new(Ipv4Addr::LOCALHOST, port),
        )?;
    }
    Ok(vec![v4.into(), dual.into()])
}

fn add_route_to_nobody() -> io::Result<()> {
    let status = Command::new("ip")
        .args(["route", "replace", NOBODYS_NETWORK, "dev", "lo"])
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::other("`ip route replace` failed"))
    }
}

/// Sends one SYN with any source address.
fn send_syn(from: SocketAddrV4, to: SocketAddrV4) -> io::Result<()> {
    let raw = rustix::net::socket_with(
        AddressFamily::INET,
        SocketType::RAW,
        SocketFlags::CLOEXEC,
        // With this protocol number the IP header is ours to write.
        Some(ipproto::RAW),
    )?;
    let packet = syn(from, to);
    rustix::net::sendto(&raw, &packet, rustix::net::SendFlags::empty(), &to)?;
    Ok(())
}

/// Builds IPv4 (RFC 791) and TCP (RFC 9293) headers; the kernel fills in IP's length and checksum.
fn syn(from: SocketAddrV4, to: SocketAddrV4) -> Vec<u8> {
    const PROTOCOL_TCP: u8 = 6;
    let mut tcp = Vec::new();
    tcp.extend(from.port().to_be_bytes());
    tcp.extend(to.port().to_be_bytes());
    tcp.extend(1_u32.to_be_bytes());
    tcp.extend(0_u32.to_be_bytes());
    // Five words of header, the SYN flag, a window.
    tcp.extend([0x50, 0x02]);
    tcp.extend(65_535_u16.to_be_bytes());
    // Checksum and urgent pointer.
    tcp.extend([0; 4]);
    let mut summed = Vec::new();
    summed.extend(from.ip().octets());
    summed.extend(to.ip().octets());
    summed.extend([0, PROTOCOL_TCP, 0, 20]);
    summed.extend(&tcp);
    tcp[16..18].copy_from_slice(&checksum(&summed).to_be_bytes());

    let mut packet = vec![0x45, 0, 0, 40, 0, 0, 0, 0, 64, PROTOCOL_TCP, 0, 0];
    packet.extend(from.ip().octets());
    packet.extend(to.ip().octets());
    packet.extend(tcp);
    packet
}

/// The Internet checksum (RFC 1071) of an even number of bytes.
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes
        .chunks_exact(2)
        .map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    let mut sum: u32 = words.map(u32::from).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    u16::try_from(sum).map_or(0, |sum| !sum)
}

/// Waits until `/proc/net/tcp` and `tcp6` have every state a socket can stay in.
fn wait_for_states() -> io::Result<()> {
    // CLOSE (7) is never listed: such a socket is in no table.
    const STATES: [&str; 10] = ["01", "02", "03", "04", "05", "06", "08", "09", "0A", "0B"];
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mut missing = Vec::new();
        for file in ["tcp", "tcp6"] {
            let table = fs::read_to_string(format!("/proc/net/{file}"))?;
            let seen: Vec<&str> = table
                .lines()
                .filter_map(|line| line.split_whitespace().nth(3))
                .collect();
            missing.extend(
                STATES
                    .iter()
                    .filter(|state| !seen.contains(state))
                    .map(|state| format!("{file} {state}")),
            );
        }
        if missing.is_empty() {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(io::Error::other(format!(
                "states that did not come about: {missing:?}"
            )));
        }
        std::thread::yield_now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_of_rfc_1071_comes_out() {
        assert_eq!(
            checksum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]),
            !0xddf2
        );
    }

    mod needs_root {
        #[test]
        fn every_tcp_state_can_be_made_to_stay() {
            crate::sandbox::run(|| {
                // It waits for all of them itself, and fails if one does not come about.
                let held = super::super::every_state().expect("all states come about");
                assert!(held.len() > 30);
            });
        }
    }
}
