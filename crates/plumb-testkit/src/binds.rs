//! Random sockets on few ports, for proving what can be bound beside them.
//!
//! Every flag, family, state and user that the kernel looks at when a port is bound; addresses that meet
//! in all the ways there are. Made in a namespace of their own (`sandbox`), which has two devices.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, SocketAddrV6, TcpListener};
use std::os::fd::OwnedFd;
use std::process::Command;
use std::time::Duration;

use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};

use crate::random::Random;
use crate::sockets::option;

/// The device beside loopback.
pub const DEVICE: &str = "plumbd0";
/// Since Linux 6.3.
const IP_LOCAL_PORT_RANGE: i32 = 51;
/// Users that sockets belong to.
const USERS: [u32; 3] = [0, 1000, 1001];
/// A link-local address of [`DEVICE`].
const LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);

/// The addresses of the interface in the VRF of [`make_vrf`].
pub const VRF_V4: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 1);
/// See [`VRF_V4`].
pub const VRF_V6: Ipv6Addr = Ipv6Addr::new(0xfd09, 0, 0, 0, 0, 0, 0, 1);

/// What a socket is bound with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// TCP, else UDP.
    pub stream: bool,
    /// The address.
    pub ip: IpAddr,
    /// Index of the interface in the address.
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
    /// IP_FREEBIND: an address that nobody has will do.
    pub free: bool,
    /// Whose it is.
    pub uid: u32,
}

/// Makes [`DEVICE`] with an address of each family and a link-local one; gives its index.
pub fn make_device() -> io::Result<u32> {
    let lines = [
        format!("link add {DEVICE} type veth peer name plumbd1"),
        format!("link set {DEVICE} addrgenmode none up"),
        String::from("link set plumbd1 addrgenmode none up"),
        format!("addr add 10.1.1.1/24 dev {DEVICE}"),
        format!("addr add fd00::1/64 dev {DEVICE} nodad"),
        format!("addr add {LINK_LOCAL}/64 dev {DEVICE} nodad"),
    ];
    for line in lines {
        let status = Command::new("ip").args(line.split(' ')).status()?;
        assert!(status.success(), "ip {line}: {status}");
    }
    index_of(DEVICE)
}

/// `/sys` may show another namespace's devices.
fn index_of(device: &str) -> io::Result<u32> {
    let output = Command::new("ip")
        .args(["-o", "link", "show", device])
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let index = text.split(':').next().unwrap_or_default();
    index.trim().parse().map_err(io::Error::other)
}

/// Makes a VRF with an interface in it that has [`VRF_V4`] and [`VRF_V6`]; gives the indices of both, or nothing
/// where the kernel has no VRFs.
pub fn make_vrf() -> io::Result<Option<[u32; 2]>> {
    let add = ["link", "add", "plumbv", "type", "vrf", "table", "1010"];
    if !Command::new("ip").args(add).output()?.status.success() {
        return Ok(None);
    }
    for line in [
        String::from("link set plumbv addrgenmode none up"),
        String::from("link add plumbv0 type veth peer name plumbv1"),
        String::from("link set plumbv1 addrgenmode none up"),
        String::from("link set plumbv0 addrgenmode none master plumbv up"),
        format!("addr add {VRF_V4}/24 dev plumbv0"),
        format!("addr add {VRF_V6}/64 dev plumbv0 nodad"),
    ] {
        let status = Command::new("ip").args(line.split(' ')).status()?;
        assert!(status.success(), "ip {line}: {status}");
    }
    Ok(Some([index_of("plumbv")?, index_of("plumbv0")?]))
}

/// Chooses what to bind, on one of `ports`; with `vrf` often inside it.
pub fn random_bound(
    random: &mut Random,
    ports: &[u16],
    device: u32,
    vrf: Option<[u32; 2]>,
) -> Bound {
    let bound = random_outside(random, ports, device);
    let Some(vrf) = vrf.filter(|_| random.chance(50)) else {
        return bound;
    };
    let device = if random.chance(75) {
        *random.pick(&vrf)
    } else {
        bound.device
    };
    let ip = match random.below(4) {
        0 => IpAddr::V4(VRF_V4),
        1 => IpAddr::V6(VRF_V6),
        _ => bound.ip,
    };
    Bound {
        device,
        ip,
        v6only: ip.is_ipv6() && bound.v6only,
        ..bound
    }
}

fn random_outside(random: &mut Random, ports: &[u16], device: u32) -> Bound {
    let ip = random_ip(random);
    let link_local = ip == IpAddr::V6(LINK_LOCAL);
    Bound {
        stream: random.chance(60),
        ip,
        scope_id: if link_local && random.chance(85) {
            device
        } else {
            0
        },
        port: *random.pick(ports),
        reuse_addr: random.chance(50),
        reuse_port: random.chance(45),
        v6only: ip.is_ipv6() && random.chance(35),
        device: match random.below(10) {
            0 => 1,
            1 => device,
            _ => 0,
        },
        free: false,
        uid: *random.pick(&USERS),
    }
}

fn random_ip(random: &mut Random) -> IpAddr {
    const V4: [[u8; 4]; 7] = [
        [0, 0, 0, 0],
        [0, 0, 0, 0],
        [127, 0, 0, 1],
        [127, 0, 0, 2],
        [127, 0, 0, 6],
        [10, 1, 1, 1],
        [10, 1, 1, 77],
    ];
    let mapped = |octets: [u8; 4]| Ipv4Addr::from(octets).to_ipv6_mapped();
    match random.below(20) {
        0..=8 => IpAddr::from(*random.pick(&V4)),
        9..=13 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        14 | 15 => IpAddr::V6(Ipv6Addr::LOCALHOST),
        16 => IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1)),
        17 => IpAddr::V6(LINK_LOCAL),
        18 => IpAddr::V6(mapped(*random.pick(&V4))),
        _ => *random.pick(&[
            IpAddr::from([255, 255, 255, 255]),
            IpAddr::from([10, 1, 1, 255]),
            IpAddr::from([224, 0, 0, 5]),
            IpAddr::V6(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 5)),
            IpAddr::V6(Ipv6Addr::new(0xff05, 0, 0, 0, 0, 0, 0, 5)),
            IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
        ]),
    }
}

/// Makes a socket with these options, as its user, and binds it.
pub fn bind(bound: &Bound) -> io::Result<OwnedFd> {
    as_user(bound.uid, || {
        let family = if bound.ip.is_ipv6() {
            AddressFamily::INET6
        } else {
            AddressFamily::INET
        };
        let kind = if bound.stream {
            SocketType::STREAM
        } else {
            SocketType::DGRAM
        };
        let socket = rustix::net::socket_with(family, kind, SocketFlags::CLOEXEC, None)?;
        if bound.ip.is_ipv6() {
            sockopt::set_ipv6_v6only(&socket, bound.v6only)?;
        }
        sockopt::set_socket_reuseaddr(&socket, bound.reuse_addr)?;
        sockopt::set_socket_reuseport(&socket, bound.reuse_port)?;
        if bound.device != 0 {
            option::set_word(
                &socket,
                libc::SOL_SOCKET,
                libc::SO_BINDTOIFINDEX,
                bound.device,
            )?;
        }
        let address = match bound.ip {
            IpAddr::V6(ip) => SocketAddr::V6(SocketAddrV6::new(ip, bound.port, 0, bound.scope_id)),
            IpAddr::V4(_) => SocketAddr::new(bound.ip, bound.port),
        };
        if bound.free {
            let level = if bound.ip.is_ipv6() {
                (libc::SOL_IPV6, libc::IPV6_FREEBIND)
            } else {
                (libc::SOL_IP, libc::IP_FREEBIND)
            };
            option::set_word(&socket, level.0, level.1, 1)?;
        }
        rustix::net::bind(&socket, &address)?;
        Ok(socket)
    })
}

/// Runs something in a thread whose user is another one; only making a socket asks who that is.
fn as_user<T: Send>(uid: u32, make: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    if uid == 0 {
        return make();
    }
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let uid = rustix::process::Uid::from_raw(uid);
            rustix::thread::set_thread_res_uid(uid, uid, uid)?;
            make()
        });
        thread
            .join()
            .map_err(|_| io::Error::other("the thread panicked"))?
    })
}

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
