//! The C library's name services: hosts, users, services, protocols, networks.
//!
//! They go through NSS as the machine is configured (files, DNS, LDAP, systemd …), which no
//! re-implementation could promise. Each function copies what it needs before it returns.

use std::ffi::{CStr, c_char, c_int};
use std::mem::MaybeUninit;
use std::net::IpAddr;

/// `NI_MAXHOST`.
const HOST_BYTES: usize = 1025;
/// A passwd entry longer than this is treated as absent.
const PASSWD_BYTES: usize = 16 * 1024;

/// A group entry, which names all members, longer than this is treated as absent.
const GROUP_BYTES: usize = 1024 * 1024;

/// One entry of the services database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Canonical name.
    pub name: Vec<u8>,
    /// Port number.
    pub port: u16,
    /// Protocol name (`tcp`, `udp`, …).
    pub protocol: Vec<u8>,
}

/// One entry of the protocols database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protocol {
    /// Canonical name.
    pub name: Vec<u8>,
    /// IP protocol number.
    pub number: i32,
}

#[repr(C)]
struct NetworkEntry {
    name: *mut c_char,
    aliases: *mut *mut c_char,
    kind: c_int,
    net: u32,
}

#[expect(
    unsafe_code,
    reason = "the libc crate does not declare these functions of glibc"
)]
// SAFETY: the signatures are those of <netdb.h>; `struct netent` is mirrored by `NetworkEntry`.
unsafe extern "C" {
    fn setservent(stay_open: c_int);
    fn getservent() -> *mut libc::servent;
    fn endservent();
    fn setprotoent(stay_open: c_int);
    fn getprotoent() -> *mut libc::protoent;
    fn endprotoent();
    fn getnetbyaddr(net: u32, kind: c_int) -> *mut NetworkEntry;
}

/// Looks up the name of an address; `None` when it has none. Blocks as long as NSS does.
///
/// Safe to call from several threads at once.
pub fn host_name(addr: IpAddr) -> Option<Vec<u8>> {
    let mut host = [0_u8; HOST_BYTES];
    let status = match addr {
        IpAddr::V4(v4) => {
            let address = libc::sockaddr_in {
                sin_family: libc::sa_family_t::try_from(libc::AF_INET).ok()?,
                sin_port: 0,
                sin_addr: libc::in_addr {
                    s_addr: u32::from_ne_bytes(v4.octets()),
                },
                sin_zero: [0; 8],
            };
            name_info(&address, &mut host)
        }
        IpAddr::V6(v6) => {
            let address = libc::sockaddr_in6 {
                sin6_family: libc::sa_family_t::try_from(libc::AF_INET6).ok()?,
                sin6_port: 0,
                sin6_flowinfo: 0,
                sin6_addr: libc::in6_addr {
                    s6_addr: v6.octets(),
                },
                sin6_scope_id: 0,
            };
            name_info(&address, &mut host)
        }
    };
    if status != 0 {
        return None;
    }
    CStr::from_bytes_until_nul(&host)
        .ok()
        .map(|name| name.to_bytes().to_vec())
}

/// Calls `getnameinfo` with a whole `sockaddr_*` value.
fn name_info<T>(address: &T, host: &mut [u8; HOST_BYTES]) -> c_int {
    let len = libc::socklen_t::try_from(size_of::<T>()).unwrap_or(0);
    let host_len = libc::socklen_t::try_from(host.len()).unwrap_or(0);
    #[expect(unsafe_code, reason = "getnameinfo has no safe wrapper")]
    // SAFETY: `address` is a live sockaddr_in or sockaddr_in6 of `len` bytes, `host` a writable
    // buffer of `host_len` bytes; the service part is not asked for.
    unsafe {
        libc::getnameinfo(
            std::ptr::from_ref(address).cast(),
            len,
            host.as_mut_ptr().cast(),
            host_len,
            std::ptr::null_mut(),
            0,
            libc::NI_NAMEREQD,
        )
    }
}

/// Looks up a user's name; `None` when the user database has none.
pub fn user_name(uid: u32) -> Option<Vec<u8>> {
    let mut entry = MaybeUninit::<libc::passwd>::uninit();
    let mut buffer = vec![0_u8; PASSWD_BYTES];
    let mut found = std::ptr::null_mut();
    #[expect(unsafe_code, reason = "getpwuid_r has no safe wrapper")]
    // SAFETY: all pointers are to live, writable memory of the sizes given; `found` is null or
    // points to `entry`, whose strings lie in `buffer`, and they are copied before both go.
    unsafe {
        libc::getpwuid_r(
            uid,
            entry.as_mut_ptr(),
            buffer.as_mut_ptr().cast(),
            buffer.len(),
            &raw mut found,
        );
        if found.is_null() {
            return None;
        }
        copy((*found).pw_name)
    }
}

/// Looks up a user's id; `None` when the user database has none of that name.
pub fn user_id(name: &CStr) -> Option<u32> {
    let mut entry = MaybeUninit::<libc::passwd>::uninit();
    let mut buffer = vec![0_u8; PASSWD_BYTES];
    let mut found = std::ptr::null_mut();
    #[expect(unsafe_code, reason = "getpwnam_r has no safe wrapper")]
    // SAFETY: as in `user_name`; `name` is a live C string.
    unsafe {
        libc::getpwnam_r(
            name.as_ptr(),
            entry.as_mut_ptr(),
            buffer.as_mut_ptr().cast(),
            buffer.len(),
            &raw mut found,
        );
        found.as_ref().map(|found: &libc::passwd| found.pw_uid)
    }
}

/// Looks up a group's id; `None` when the group database has none of that name.
pub fn group_id(name: &CStr) -> Option<u32> {
    let mut entry = MaybeUninit::<libc::group>::uninit();
    let mut buffer = vec![0_u8; GROUP_BYTES];
    let mut found = std::ptr::null_mut();
    #[expect(unsafe_code, reason = "getgrnam_r has no safe wrapper")]
    // SAFETY: as in `user_name`; `name` is a live C string.
    unsafe {
        libc::getgrnam_r(
            name.as_ptr(),
            entry.as_mut_ptr(),
            buffer.as_mut_ptr().cast(),
            buffer.len(),
            &raw mut found,
        );
        found.as_ref().map(|found: &libc::group| found.gr_gid)
    }
}

/// Reads the whole services database in NSS order. Not to be called from two threads at once.
pub fn services() -> Vec<Service> {
    let mut all = Vec::new();
    #[expect(unsafe_code, reason = "getservent has no safe wrapper")]
    // SAFETY: the functions are called in their documented order from one thread; each entry is
    // copied before the next call overwrites it.
    unsafe {
        setservent(1);
        while let Some(entry) = getservent().as_ref() {
            if let (Some(name), Some(protocol)) = (copy(entry.s_name), copy(entry.s_proto)) {
                // The port is a 16-bit number in network order inside an int.
                let [.., high, low] =
                    u32::from_be(entry.s_port.cast_unsigned() << 16).to_be_bytes();
                let port = u16::from_be_bytes([high, low]);
                all.push(Service {
                    name,
                    port,
                    protocol,
                });
            }
        }
        endservent();
    }
    all
}

/// Reads the whole protocols database in NSS order. Not to be called from two threads at once.
pub fn protocols() -> Vec<Protocol> {
    let mut all = Vec::new();
    #[expect(unsafe_code, reason = "getprotoent has no safe wrapper")]
    // SAFETY: as in `services`.
    unsafe {
        setprotoent(1);
        while let Some(entry) = getprotoent().as_ref() {
            if let Some(name) = copy(entry.p_name) {
                all.push(Protocol {
                    name,
                    number: entry.p_proto,
                });
            }
        }
        endprotoent();
    }
    all
}

/// Looks up the name of an IPv4 network (host-order number). Not to be called from two threads at
/// once.
pub fn network_name(net: u32) -> Option<Vec<u8>> {
    #[expect(unsafe_code, reason = "getnetbyaddr has no safe wrapper")]
    // SAFETY: the result is null or a static entry, which is copied before any other call.
    unsafe {
        copy(getnetbyaddr(net, libc::AF_INET).as_ref()?.name)
    }
}

/// Copies a C string; `None` for a null pointer.
///
/// # Safety
/// `text` is null or points to a NUL-terminated string.
#[expect(unsafe_code, reason = "reads strings of the C library")]
pub(super) unsafe fn copy(text: *const c_char) -> Option<Vec<u8>> {
    if text.is_null() {
        return None;
    }
    // SAFETY: not null, and NUL-terminated by this function's contract.
    let text = unsafe { CStr::from_ptr(text) };
    Some(text.to_bytes().to_vec())
}
