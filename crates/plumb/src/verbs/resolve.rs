//! Names of hosts and services, as the name services have them.

use plumb_collect::sys::nss;
use std::net::{SocketAddr, ToSocketAddrs as _};

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

#[cfg(test)]
mod tests {
    use super::*;

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
