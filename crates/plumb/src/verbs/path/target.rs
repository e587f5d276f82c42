//! `HOST[:PORT]`: whereto, resolved.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::verbs::resolve;

/// Which addresses of a name count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// The first.
    Any,
    /// IPv4 alone.
    V4,
    /// IPv6 alone.
    V6,
}

/// Whereto.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The address; the port is 0 where none was given.
    pub address: SocketAddr,
    /// The name, where one was given.
    pub name: Option<String>,
    /// Further addresses of the name.
    pub others: Vec<IpAddr>,
}

impl Target {
    /// Gives it the interface that an option names, or says what is missing.
    pub fn by(mut self, device: u32) -> Result<Self, String> {
        if let SocketAddr::V6(address) = &mut self.address
            && address.scope_id() == 0
            && is_of_a_link(*address.ip())
        {
            if device == 0 {
                let ip = address.ip();
                return Err(format!(
                    "{ip} is an address of a link; say of which: {ip}%eth0, or --device eth0"
                ));
            }
            address.set_scope_id(device);
        }
        Ok(self)
    }
}

/// Link-local addresses, and multicast that does not leave the link, mean nothing without their interface.
fn is_of_a_link(ip: Ipv6Addr) -> bool {
    let [first, second, ..] = ip.octets();
    ip.is_unicast_link_local() || (first == 0xff && matches!(second & 0x0f, 1 | 2))
}

/// All addresses stand for this host, as they do in connect().
fn meant(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => (Ipv4Addr::LOCALHOST, address.port()).into(),
        IpAddr::V6(ip) if ip.is_unspecified() => (Ipv6Addr::LOCALHOST, address.port()).into(),
        _ => address,
    }
}

/// Reads `HOST`, `HOST:PORT`, `[ADDR]:PORT`, `ADDR`.
pub fn parse(text: &str, family: Family) -> Result<Target, String> {
    let (host, port) = resolve::host_and_port(text)?;
    let port = port.unwrap_or(0);
    if let Some(address) = resolve::literal(host, port)? {
        let fits = match family {
            Family::Any => true,
            Family::V4 => address.is_ipv4(),
            Family::V6 => address.is_ipv6(),
        };
        if !fits {
            return Err(format!("{host} is an address of the other IP version"));
        }
        let meant = meant(address);
        return Ok(Target {
            address: meant,
            name: (meant != address).then(|| host.to_owned()),
            others: Vec::new(),
        });
    }
    let found = resolve::lookup(host, port)?;
    let mut fitting = found.into_iter().filter(|address| match family {
        Family::Any => true,
        Family::V4 => address.is_ipv4(),
        Family::V6 => address.is_ipv6(),
    });
    match fitting.next() {
        Some(address) => {
            let mut others: Vec<IpAddr> = Vec::new();
            for ip in fitting.map(|other| other.ip()) {
                if ip != address.ip() && !others.contains(&ip) {
                    others.push(ip);
                }
            }
            Ok(Target {
                address,
                name: Some(host.to_owned()),
                others,
            })
        }
        None => Err(format!("{host} has no address of that IP version")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_a_link_needs_its_interface_and_no_address_is_this_host() {
        let by = |text: &str, device| parse(text, Family::Any).expect(text).by(device);
        let missing = by("fe80::1", 0).expect_err("of which link?");
        assert!(missing.contains("fe80::1%eth0"), "{missing}");
        by("ff02::1", 0).expect_err("of which link?");
        let shown = |text: &str, device| by(text, device).map(|t| t.address.to_string());
        assert_eq!(shown("fe80::1", 3), Ok("[fe80::1%3]:0".to_owned()));
        assert_eq!(shown("fe80::1%lo", 0), Ok("[fe80::1%1]:0".to_owned()));
        assert_eq!(shown("2001:db8::1", 0), Ok("[2001:db8::1]:0".to_owned()));
        assert_eq!(shown("0.0.0.0:80", 0), Ok("127.0.0.1:80".to_owned()));
        assert_eq!(shown("::", 0), Ok("[::1]:0".to_owned()));
    }

    #[test]
    fn hosts_and_ports_are_told_apart() {
        let shown = |text: &str| parse(text, Family::Any).map(|t| t.address.to_string());
        assert_eq!(shown("192.0.2.1"), Ok("192.0.2.1:0".to_owned()));
        assert_eq!(shown("192.0.2.1:443"), Ok("192.0.2.1:443".to_owned()));
        assert_eq!(shown("::1"), Ok("[::1]:0".to_owned()));
        assert_eq!(shown("[::1]:443"), Ok("[::1]:443".to_owned()));
        assert_eq!(shown("[::1]"), Ok("[::1]:0".to_owned()));
        assert_eq!(shown("fe80::1%lo"), Ok("[fe80::1%1]:0".to_owned()));
        let name = parse("localhost:7", Family::V4).expect("every machine has it");
        assert_eq!(name.address.to_string(), "127.0.0.1:7");
        assert_eq!(name.name.as_deref(), Some("localhost"));
        for wrong in ["", ":80", "a:x", "a:0", "[::1", "[::1]x", "fe80::1%nobody"] {
            shown(wrong).expect_err(wrong);
        }
        parse("127.0.0.1", Family::V6).expect_err("it is of the other version");
    }
}
