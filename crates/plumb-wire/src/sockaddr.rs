//! `struct sockaddr_in`, `sockaddr_in6` (`include/uapi/linux/in.h`, `in6.h`) and `sockaddr_un` (`un.h`), as programs give
//! them.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use plumb_model::diag::inet::{AF_INET, AF_INET6};

use crate::netlink::frame::{u16_at, u32_at};

/// `AF_UNIX`.
const AF_UNIX: u16 = 1;

/// Decodes an address and port; `None` for another family, or when it is cut short.
///
/// ```
/// let bytes = [2, 0, 0x1f, 0x90, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
/// let end = plumb_wire::sockaddr::decode_inet(&bytes);
/// assert_eq!(end, "127.0.0.1:8080".parse().ok());
/// ```
pub fn decode_inet(bytes: &[u8]) -> Option<SocketAddr> {
    let family = u16_at(bytes, 0)?;
    let port = u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?);
    if family == u16::from(AF_INET) {
        let octets: [u8; 4] = *bytes.get(4..)?.first_chunk()?;
        return Some((Ipv4Addr::from(octets), port).into());
    }
    if family != u16::from(AF_INET6) {
        return None;
    }
    let octets: [u8; 16] = *bytes.get(8..)?.first_chunk()?;
    let scope = u32_at(bytes, 24).unwrap_or(0);
    Some(SocketAddrV6::new(Ipv6Addr::from(octets), port, 0, scope).into())
}

/// Decodes the name of a UNIX socket: a path ends before its NUL, an abstract name begins with one and may hold more.
/// `None` for another family, and where there is no name.
///
/// ```
/// use plumb_wire::sockaddr::decode_unix;
///
/// assert_eq!(decode_unix(b"\x01\0/run/web\0\0"), Some(&b"/run/web"[..]));
/// assert_eq!(decode_unix(b"\x01\0\0web"), Some(&b"\0web"[..]));
/// ```
pub fn decode_unix(bytes: &[u8]) -> Option<&[u8]> {
    let name = bytes.get(2..).filter(|name| !name.is_empty())?;
    if u16_at(bytes, 0)? != AF_UNIX {
        return None;
    }
    if name.first() == Some(&0) {
        return Some(name);
    }
    name.split(|&byte| byte == 0).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_or_of_another_family_is_none() {
        let mut v6 = vec![10, 0, 0, 80, 0, 0, 0, 0];
        v6.extend(Ipv6Addr::LOCALHOST.octets());
        assert_eq!(decode_inet(&v6), "[::1]:80".parse().ok());
        assert_eq!(decode_inet(&v6[..23]), None);
        assert_eq!(decode_inet(&[1, 0, b'/', b'r', b'u', b'n', 0, 0]), None);
        assert_eq!(decode_inet(&[]), None);
        assert_eq!(decode_unix(&v6), None);
        assert_eq!(decode_unix(&[1, 0]), None);
        assert_eq!(decode_unix(&[]), None);
    }
}
