//! What a user writes for an address and a port.

use std::ffi::CString;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use plumb_collect::interface_index::interface_index;
use plumb_collect::sys::nss;

use crate::verbs::resolve;

/// One address and port that are asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// The address.
    pub ip: IpAddr,
    /// Index of the interface named in it, 0 for none.
    pub scope_id: u32,
    /// The port.
    pub port: u16,
}

/// Reads `ADDR:PORT`, `[ADDR]:PORT`, `:PORT`, `*:PORT`, `NAME:PORT` or a bare port. Without an address
/// both families are meant: programs differ in which they take.
pub fn parse(text: &str) -> Result<Vec<Target>, String> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, port),
        None => ("", text),
    };
    let Some(port) = resolve::port(port) else {
        let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        return Err(if is_number {
            format!("{text}: no port {port}; they end at 65535")
        } else {
            format!(
                "'{text}' is no address and port; such are 127.0.0.1:80, [::1]:80, localhost:80, :80 and :ssh"
            )
        });
    };
    let host = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    let target = |ip| Target {
        ip,
        scope_id: 0,
        port,
    };
    if matches!(host, "" | "*") {
        let mut all = vec![target(IpAddr::V4(Ipv4Addr::UNSPECIFIED))];
        // A kernel without IPv6 makes no such sockets.
        if Path::new("/proc/sys/net/ipv6").exists() {
            all.push(target(IpAddr::V6(Ipv6Addr::UNSPECIFIED)));
        }
        return Ok(all);
    }
    if let Some((ip, zone)) = host.split_once('%') {
        let ip: Ipv6Addr = ip.parse().map_err(|_| format!("{ip}: no IPv6 address"))?;
        return Ok(vec![Target {
            scope_id: interface(zone)?,
            ..target(IpAddr::V6(ip))
        }]);
    }
    if let Ok(ip) = host.parse() {
        return Ok(vec![target(ip)]);
    }
    named(host, port)
}

/// Gives the index of an interface, by name or number.
pub fn interface(name: &str) -> Result<u32, String> {
    interface_index(name.as_bytes())
        .or_else(|| name.parse().ok())
        .ok_or_else(|| format!("no interface {name}"))
}

/// Gives the id of a user, by number or name.
pub fn user(text: &str) -> Result<u32, String> {
    // The last number is none: system calls take it for "unchanged".
    let is_id = |uid: &u32| *uid != u32::MAX;
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let uid = text.parse().ok().filter(is_id);
        return uid.ok_or_else(|| format!("no user has the number {text}"));
    }
    let found = CString::new(text).ok().and_then(|name| nss::user_id(&name));
    found.ok_or_else(|| format!("no user {text:?} here; a number will do as well"))
}

fn named(host: &str, port: u16) -> Result<Vec<Target>, String> {
    let mut targets: Vec<Target> = Vec::new();
    for address in resolve::lookup(host, port)? {
        let target = Target {
            ip: address.ip(),
            scope_id: 0,
            port,
        };
        if !targets.contains(&target) {
            targets.push(target);
        }
    }
    Ok(targets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        parse(text)
            .expect(text)
            .iter()
            .map(|target| std::net::SocketAddr::new(target.ip, target.port).to_string())
            .collect()
    }

    #[test]
    fn addresses_are_written_in_many_ways() {
        assert_eq!(shown("127.0.0.1:80"), ["127.0.0.1:80"]);
        assert_eq!(shown("[::1]:80"), ["[::1]:80"]);
        assert_eq!(shown("::1:80"), ["[::1]:80"]);
        assert_eq!(shown(":80"), ["0.0.0.0:80", "[::]:80"]);
        assert_eq!(shown("*:80"), shown("80"));
        assert!(shown("localhost:80").contains(&String::from("127.0.0.1:80")));
        assert_eq!(parse("[fe80::1%lo]:80").map(|all| all[0].scope_id), Ok(1));
    }

    #[test]
    fn a_user_is_a_number_or_a_name() {
        assert_eq!(user("root"), Ok(0));
        assert_eq!(user("1000"), Ok(1000));
        for wrong in ["", "-1", "4294967295", "4294967296", "no such user"] {
            user(wrong).expect_err(wrong);
        }
    }

    #[test]
    fn what_is_none_is_said() {
        for wrong in [
            "",
            ":",
            "127.0.0.1",
            "127.0.0.1:x",
            ":65536",
            "[fe80::1%nobody]:1",
        ] {
            parse(wrong).expect_err(wrong);
        }
        let too_large = parse(":65536").expect_err("no port");
        assert_eq!(too_large, ":65536: no port 65536; they end at 65535");
        let none = parse("localhost:x").expect_err("no port");
        assert!(
            none.starts_with("'localhost:x' is no address and port"),
            "{none}"
        );
    }
}
