//! A `struct sockaddr` as text.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use super::arguments::family;

/// What a `struct sockaddr` says.
enum Address<'a> {
    Inet(SocketAddr),
    Path(&'a [u8]),
    Abstract(&'a [u8]),
    Other(u16),
}

/// Decodes one; `None` when there is none, or not enough of it.
fn decode(bytes: &[u8]) -> Option<Address<'_>> {
    let of = u16::from_ne_bytes(bytes.get(..2)?.try_into().ok()?);
    let port = || Some(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?));
    Some(match i32::from(of) {
        family::INET => {
            let ip: [u8; 4] = bytes.get(4..8)?.try_into().ok()?;
            Address::Inet(SocketAddr::new(Ipv4Addr::from(ip).into(), port()?))
        }
        family::INET6 => {
            let ip: [u8; 16] = bytes.get(8..24)?.try_into().ok()?;
            let flow = u32::from_be_bytes(bytes.get(4..8)?.try_into().ok()?);
            // The shorter form of RFC 2133 has no scope.
            let scope = bytes.get(24..28).and_then(|scope| scope.try_into().ok());
            let scope = scope.map_or(0, u32::from_ne_bytes);
            let address = SocketAddrV6::new(Ipv6Addr::from(ip), port()?, flow, scope);
            Address::Inet(address.into())
        }
        family::UNIX => match bytes.get(2..)? {
            [0, name @ ..] => Address::Abstract(name),
            name => {
                let end = name.iter().position(|&byte| byte == 0);
                Address::Path(name.get(..end.unwrap_or(name.len()))?)
            }
        },
        _ => Address::Other(of),
    })
}

/// Gives an address as plumb writes it, as `127.0.0.1:80`; `None` when there is none.
pub fn text(bytes: &[u8]) -> Option<String> {
    Some(match decode(bytes)? {
        Address::Inet(address) => address.to_string(),
        Address::Path(path) => format!("unix:{}", quoted(path, false)),
        Address::Abstract(name) => format!("unix:@{}", quoted(name, false)),
        Address::Other(of) => format!("family {of}"),
    })
}

/// Gives an address and its length as strace writes them; `None` when there is none.
pub fn as_strace(bytes: &[u8]) -> Option<String> {
    let text = match decode(bytes)? {
        Address::Inet(SocketAddr::V4(address)) => format!(
            "sa_family=AF_INET, sin_port=htons({}), sin_addr=inet_addr(\"{}\")",
            address.port(),
            address.ip()
        ),
        Address::Inet(SocketAddr::V6(address)) => format!(
            "sa_family=AF_INET6, sin6_port=htons({}), sin6_flowinfo=htonl({}), \
             inet_pton(AF_INET6, \"{}\", &sin6_addr), sin6_scope_id={}",
            address.port(),
            address.flowinfo(),
            address.ip(),
            address.scope_id()
        ),
        Address::Path([]) => String::from("sa_family=AF_UNIX"),
        Address::Path(path) => format!("sa_family=AF_UNIX, sun_path={}", quoted(path, true)),
        Address::Abstract(name) => {
            format!("sa_family=AF_UNIX, sun_path=@{}", quoted(name, true))
        }
        Address::Other(of) => format!("sa_family={of}"),
    };
    Some(format!("{{{text}}}, {}", bytes.len()))
}

/// Bytes as a string of C.
pub fn quoted(bytes: &[u8], marks: bool) -> String {
    let mut text = String::new();
    for &byte in bytes {
        match byte {
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            b'"' | b'\\' => {
                text.push('\\');
                text.push(char::from(byte));
            }
            b' '..=b'~' => text.push(char::from(byte)),
            _ => {
                let _ = write!(text, "\\x{byte:02x}");
            }
        }
    }
    if marks { format!("\"{text}\"") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_every_family_are_text() {
        let v4 = [2, 0, 0, 80, 127, 0, 0, 1];
        assert_eq!(text(&v4).as_deref(), Some("127.0.0.1:80"));
        let mut v6 = vec![10, 0, 1, 187, 0, 0, 0, 0];
        v6.extend([0; 15]);
        v6.push(1);
        assert_eq!(text(&v6).as_deref(), Some("[::1]:443"));
        assert_eq!(text(b"\x01\0/run/x\0rest").as_deref(), Some("unix:/run/x"));
        assert_eq!(text(b"\x01\0\0name").as_deref(), Some("unix:@name"));
        assert_eq!(text(b"\x1e\0").as_deref(), Some("family 30"));
        for len in 0..v6.len() {
            let shorter = v6.get(..len).expect("it is shorter");
            let _ = (text(shorter), as_strace(shorter));
        }
    }

    #[test]
    fn addresses_are_written_as_strace_writes_them() {
        let v4 = [2, 0, 0, 80, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(
            as_strace(&v4).as_deref(),
            Some("{sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr(\"127.0.0.1\")}, 16")
        );
        assert_eq!(
            as_strace(b"\x01\0\0name").as_deref(),
            Some("{sa_family=AF_UNIX, sun_path=@\"name\"}, 7")
        );
    }

    #[test]
    fn bytes_cannot_break_out_of_their_line() {
        assert_eq!(
            quoted(b"a\n\"\x1b[2J\xff", true),
            "\"a\\n\\\"\\x1b[2J\\xff\""
        );
    }
}
