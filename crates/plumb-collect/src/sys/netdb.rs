//! Single questions to the name services: one service, one protocol, the addresses of one host.
//!
//! Unlike [`super::nss`], which reads whole databases, each call here asks NSS for one entry and
//! copies it. None of the functions may be called from two threads at once.

use std::ffi::{CStr, c_char, c_int};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use plumb_model::socket::IpVersion;

use super::nss::copy;

/// `struct hostent` of <netdb.h>.
#[repr(C)]
struct HostEntry {
    name: *mut c_char,
    aliases: *mut *mut c_char,
    family: c_int,
    length: c_int,
    addresses: *mut *mut u8,
}

#[expect(
    unsafe_code,
    reason = "the libc crate does not declare this function of glibc"
)]
// SAFETY: the signature is that of <netdb.h>; `struct hostent` is mirrored by `HostEntry`.
unsafe extern "C" {
    fn gethostbyname2(name: *const c_char, family: c_int) -> *mut HostEntry;
}

/// Looks up the name of a port; without a protocol the first entry of any protocol counts.
pub fn service_name(port: u16, protocol: Option<&CStr>) -> Option<Vec<u8>> {
    let protocol = protocol.map_or(std::ptr::null(), CStr::as_ptr);
    #[expect(unsafe_code, reason = "getservbyport has no safe wrapper")]
    // SAFETY: `protocol` is null or a live C string; the result is null or a static entry, which is
    // copied before any other call.
    unsafe {
        copy(
            libc::getservbyport(c_int::from(port.to_be()), protocol)
                .as_ref()?
                .s_name,
        )
    }
}

/// Looks up the port of a service of a protocol, by its name or an alias.
pub fn service_port(name: &CStr, protocol: &CStr) -> Option<u16> {
    #[expect(unsafe_code, reason = "getservbyname has no safe wrapper")]
    // SAFETY: both are live C strings; the result is null or a static entry.
    let port = unsafe {
        libc::getservbyname(name.as_ptr(), protocol.as_ptr())
            .as_ref()?
            .s_port
    };
    // A 16-bit number in network order inside an int.
    let low = u16::try_from(port.cast_unsigned() & 0xffff).ok()?;
    Some(u16::from_be(low))
}

/// Looks up the name of an IP protocol.
pub fn protocol_name(number: u32) -> Option<Vec<u8>> {
    let number = c_int::try_from(number).ok()?;
    #[expect(unsafe_code, reason = "getprotobynumber has no safe wrapper")]
    // SAFETY: the result is null or a static entry, which is copied before any other call.
    unsafe {
        copy(libc::getprotobynumber(number).as_ref()?.p_name)
    }
}

/// Looks up the addresses of a host in one family. Blocks as long as NSS does.
pub fn host_addresses(name: &CStr, version: IpVersion) -> Vec<IpAddr> {
    let family = match version {
        IpVersion::V4 => libc::AF_INET,
        IpVersion::V6 => libc::AF_INET6,
    };
    let mut found = Vec::new();
    #[expect(unsafe_code, reason = "gethostbyname2 has no safe wrapper")]
    // SAFETY: `name` is a live C string. The result is null or a static entry whose list of
    // addresses ends with a null pointer, each of `length` bytes, copied before any other call.
    unsafe {
        let Some(entry) = gethostbyname2(name.as_ptr(), family).as_ref() else {
            return found;
        };
        let mut next = entry.addresses;
        while !next.is_null() && !(*next).is_null() {
            found.extend(match entry.length {
                4 => Some(IpAddr::V4(Ipv4Addr::from((*next).cast::<[u8; 4]>().read()))),
                16 => Some(IpAddr::V6(Ipv6Addr::from(
                    (*next).cast::<[u8; 16]>().read(),
                ))),
                _ => None,
            });
            next = next.add(1);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One test, because the functions may not run at the same time; those for services are tested
    /// where they are used.
    #[test]
    fn entries_that_every_machine_has() {
        assert_eq!(protocol_name(6).as_deref(), Some(&b"tcp"[..]));
        assert_eq!(protocol_name(u32::MAX), None);
        let local = host_addresses(c"127.0.0.1", IpVersion::V4);
        assert_eq!(local, [IpAddr::V4(Ipv4Addr::LOCALHOST)]);
        let local = host_addresses(c"::1", IpVersion::V6);
        assert_eq!(local, [IpAddr::V6(Ipv6Addr::LOCALHOST)]);
    }
}
