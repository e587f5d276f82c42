//! Random sockets on few ports, for proving what can be bound beside them.
//!
//! Every flag, family, state and user that the kernel looks at when a port is bound; addresses that meet
//! in all the ways there are. Made in a namespace of their own (`sandbox`), which has two devices.

mod states;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::os::fd::OwnedFd;
use std::process::Command;

use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};

pub use self::states::{connection_from, lead_on};
use crate::random::Random;
use crate::sockets::option;

/// The device beside loopback.
pub const DEVICE: &str = "plumbd0";
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
