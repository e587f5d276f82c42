//! Names of hosts, as the resolver and `/etc/hosts` have them.

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

#[cfg(test)]
mod tests {
    use super::*;

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
