//! A call as text: name, arguments, result.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use plumb_bpf::recorder::calls::{self, Argument};
use plumb_model::event::Call;

use super::error_names;

/// Bytes of data shown; more are in JSON.
const DATA_BYTES: usize = 32;

/// Gives the name of a call.
pub fn name(call: &Call) -> String {
    calls::find(call.number).map_or_else(
        || format!("call_{}", call.number),
        |known| known.name.to_owned(),
    )
}

/// Gives name and arguments, as `connect(3, 127.0.0.1:80)`.
pub fn invocation(call: &Call) -> String {
    let arguments = calls::find(call.number).map_or(&[][..], |known| known.arguments);
    let mut parts = Vec::new();
    for (argument, &value) in arguments.iter().zip(&call.args) {
        parts.extend(text(*argument, value, call));
    }
    // The address of sendto() stands behind its other arguments, and is often missing.
    format!("{}({})", name(call), parts.join(", "))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "descriptors and flags are 32 bits wide"
)]
fn text(argument: Argument, value: u64, call: &Call) -> Option<String> {
    let number = (value as u32).cast_signed();
    Some(match argument {
        Argument::Fd | Argument::Number => number.to_string(),
        Argument::Hex => format!("{number:#x}"),
        Argument::Address => address(&call.address)?,
        Argument::Data => data(call),
        Argument::Family => family(number),
        Argument::SocketKind => kind(number),
        Argument::Hidden => return None,
    })
}

fn family(number: i32) -> String {
    let name = match number {
        libc_family::UNIX => "AF_UNIX",
        libc_family::INET => "AF_INET",
        libc_family::INET6 => "AF_INET6",
        libc_family::NETLINK => "AF_NETLINK",
        libc_family::PACKET => "AF_PACKET",
        _ => return number.to_string(),
    };
    name.to_owned()
}

/// Address families of Linux.
mod libc_family {
    pub(super) const UNIX: i32 = 1;
    pub(super) const INET: i32 = 2;
    pub(super) const INET6: i32 = 10;
    pub(super) const NETLINK: i32 = 16;
    pub(super) const PACKET: i32 = 17;
}

/// A kind of socket with its flags (`SOCK_NONBLOCK` 04000, `SOCK_CLOEXEC` 02000000).
fn kind(number: i32) -> String {
    let mut text = match number & 0xf {
        1 => String::from("SOCK_STREAM"),
        2 => String::from("SOCK_DGRAM"),
        3 => String::from("SOCK_RAW"),
        5 => String::from("SOCK_SEQPACKET"),
        other => other.to_string(),
    };
    for (flag, name) in [(0o4000, "|SOCK_NONBLOCK"), (0o2_000_000, "|SOCK_CLOEXEC")] {
        if number & flag != 0 {
            text.push_str(name);
        }
    }
    text
}

/// A `struct sockaddr` as text; `None` when there is none.
pub fn address(bytes: &[u8]) -> Option<String> {
    let family = u16::from_ne_bytes(bytes.get(..2)?.try_into().ok()?);
    let port = || Some(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?));
    match i32::from(family) {
        libc_family::INET => {
            let ip: [u8; 4] = bytes.get(4..8)?.try_into().ok()?;
            Some(SocketAddr::new(Ipv4Addr::from(ip).into(), port()?).to_string())
        }
        libc_family::INET6 => {
            let ip: [u8; 16] = bytes.get(8..24)?.try_into().ok()?;
            Some(SocketAddr::new(Ipv6Addr::from(ip).into(), port()?).to_string())
        }
        libc_family::UNIX => Some(match bytes.get(2..)? {
            [] => String::from("unix:"),
            [0, name @ ..] => format!("unix:@{}", quoted(name, false)),
            name => {
                let end = name
                    .iter()
                    .position(|&byte| byte == 0)
                    .unwrap_or(name.len());
                format!("unix:{}", quoted(name.get(..end)?, false))
            }
        }),
        other => Some(format!("family {other}")),
    }
}

fn data(call: &Call) -> String {
    if call.payload.is_empty() {
        return String::from("\"\"");
    }
    let shown = call.payload.get(..DATA_BYTES).unwrap_or(&call.payload);
    let all = usize::try_from(call.result).unwrap_or(0);
    let more = if all > shown.len() { "..." } else { "" };
    format!("{}{more}", quoted(shown, true))
}

/// Bytes as a string of C.
fn quoted(bytes: &[u8], marks: bool) -> String {
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

/// Gives the result, as `3` or `-1 ECONNREFUSED`.
pub fn result(call: &Call) -> String {
    match (call.end_ns, call.result) {
        (None, _) => String::from("?"),
        (_, error @ -4095..=-1) => format!("-1 {}", error_names::name(-error)),
        (_, value) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_every_family_are_text() {
        let v4 = [2, 0, 0, 80, 127, 0, 0, 1];
        assert_eq!(address(&v4).as_deref(), Some("127.0.0.1:80"));
        let mut v6 = vec![10, 0, 1, 187, 0, 0, 0, 0];
        v6.extend([0; 15]);
        v6.push(1);
        assert_eq!(address(&v6).as_deref(), Some("[::1]:443"));
        assert_eq!(
            address(b"\x01\0/run/x\0rest").as_deref(),
            Some("unix:/run/x")
        );
        assert_eq!(address(b"\x01\0\0name").as_deref(), Some("unix:@name"));
        assert_eq!(address(b"\x1e\0").as_deref(), Some("family 30"));
        for len in 0..v6.len() {
            address(v6.get(..len).expect("it is shorter"));
        }
    }

    #[test]
    fn bytes_cannot_break_out_of_their_line() {
        assert_eq!(
            quoted(b"a\n\"\x1b[2J\xff", true),
            "\"a\\n\\\"\\x1b[2J\\xff\""
        );
    }
}
