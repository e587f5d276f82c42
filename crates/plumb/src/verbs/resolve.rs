//! Hosts and ports as people write them, and their names, as the name services have them.

use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6, ToSocketAddrs as _};

use plumb_collect::interface_index::interface_index;
use plumb_collect::sys::nss;

/// What std puts before the resolver's own words.
const PREFIX: &str = "failed to lookup address information: ";

/// Gives the addresses of a name, with the port; the error is why there are none.
pub fn lookup(host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
    let found = (host, port).to_socket_addrs().map_err(|error| {
        let text = error.to_string();
        let why = text.strip_prefix(PREFIX).unwrap_or(&text);
        format!("cannot resolve {host}: {why}")
    })?;
    Ok(found.collect())
}

/// Reads a port: a number, or the name of a service as listings show it.
pub fn port(text: &str) -> Option<u16> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number {
        return text.parse().ok();
    }
    let found = nss::services();
    let named = found.iter().find(|one| one.name == text.as_bytes());
    named.map(|service| service.port)
}

/// Takes `HOST`, `HOST:PORT`, `ADDR`, `[ADDR]` or `[ADDR]:PORT` apart.
pub fn host_and_port(text: &str) -> Result<(&str, Option<u16>), String> {
    if let Some((_, rest)) = text.split_once("://") {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        return Err(format!("{text} is a URL; a host is wanted, as {host}"));
    }
    let port = |word: &str| {
        let port = port(word).filter(|&port| port > 0);
        port.map(Some)
            .ok_or_else(|| format!("{text}: no port {word}"))
    };
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest
            .split_once(']')
            .ok_or_else(|| format!("{text}: no ]"))?;
        return match rest.strip_prefix(':') {
            Some(word) => Ok((host, port(word)?)),
            None if rest.is_empty() => Ok((host, None)),
            None => Err(format!("{text}: nothing but a port can follow ]")),
        };
    }
    match text.split_once(':') {
        Some((_, "")) => Err(format!("{text}: no port behind the colon")),
        Some((host, word)) if !word.contains(':') && !host.is_empty() => Ok((host, port(word)?)),
        // More than one colon is an IPv6 address.
        _ if text.is_empty() || text.starts_with(':') && !text.starts_with("::") => Err(
            String::from("a host as 192.0.2.1, example.org:443, [2001:db8::1]:443"),
        ),
        _ => Ok((text, None)),
    }
}

/// Reads an address, with the interface it is of where that is named (`fe80::1%eth0`); `None` where `host` is a name.
pub fn literal(host: &str, port: u16) -> Result<Option<SocketAddr>, String> {
    if let Some((ip, zone)) = host.split_once('%')
        && let Ok(ip) = ip.parse::<Ipv6Addr>()
    {
        let scope = interface_index(zone.as_bytes()).or_else(|| zone.parse().ok());
        let scope = scope.ok_or_else(|| format!("no interface {zone}"))?;
        return Ok(Some(SocketAddrV6::new(ip, port, 0, scope).into()));
    }
    Ok(host
        .parse::<IpAddr>()
        .ok()
        .map(|ip| SocketAddr::new(ip.to_canonical(), port)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_gives_a_url_is_told_its_host() {
        let refused = |text| host_and_port(text).expect_err(text);
        let why = refused("https://example.org:8443/a?b");
        assert!(
            why.ends_with("a host is wanted, as example.org:8443"),
            "{why}"
        );
    }

    #[test]
    fn a_port_is_a_number_or_the_name_of_a_service() {
        assert_eq!(port("443"), Some(443));
        for none in ["", "65536", "-1", "no-such-service"] {
            assert_eq!(port(none), None, "{none}");
        }
        // Where there is a database of services, it has this one.
        if std::path::Path::new("/etc/services").exists() {
            assert_eq!(port("domain"), Some(53));
        }
    }

    #[test]
    fn a_name_without_an_address_says_why_once() {
        assert_eq!(
            lookup("127.0.0.1", 80),
            Ok(vec![SocketAddr::from(([127, 0, 0, 1], 80))])
        );
        let why = lookup("a name", 80).expect_err("blanks stand in no name");
        assert!(
            why.starts_with("cannot resolve a name: ") && !why.contains("lookup"),
            "{why}"
        );
    }
}
