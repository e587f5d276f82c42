//! The ends of sockets as text, as ss writes them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use plumb_collect::netlink_names;
use plumb_model::snapshot::{End, Kind};
use plumb_present::json;

use super::row::Row;

/// Names for numbers, looked up before rows are written.
#[derive(Debug, Default)]
pub struct Names {
    /// Of hosts.
    pub hosts: HashMap<IpAddr, String>,
    /// Of services, by whether they are those of UDP.
    pub services: HashMap<(bool, u16), String>,
}

impl Row<'_> {
    /// Writes the local end.
    pub fn local_text(&self) -> String {
        match &self.socket.local {
            End::Inet(end) => self.inet(*end, self.interface()),
            End::Unix { name, .. } => name.as_deref().map_or_else(|| "-".into(), unix_name),
            End::Packet { protocol } => {
                let protocol = match protocol {
                    0 => Cow::Borrowed("*"),
                    3 => Cow::Borrowed("all"),
                    other => format!("0x{other:04x}").into(),
                };
                let interface = self.interface().map_or("*".into(), String::from_utf8_lossy);
                format!("{protocol}:{interface}")
            }
            End::Netlink { protocol, port_id } => netlink(*protocol, *port_id),
            End::Vsock { cid, port } => vsock(*cid, *port),
            End::None => "-".into(),
        }
    }

    /// Writes the other end.
    pub fn peer_text(&self) -> String {
        match &self.socket.peer {
            End::Inet(end) => self.inet(*end, None),
            End::Unix {
                name: Some(name), ..
            } => unix_name(name),
            End::Unix { inode, .. } if inode.0 != 0 => format!("inode {}", inode.0),
            End::Netlink { protocol, port_id } => netlink(*protocol, *port_id),
            End::Vsock { cid, port } => vsock(*cid, *port),
            End::Unix { .. } | End::Packet { .. } | End::None => "-".into(),
        }
    }

    fn inet(&self, end: SocketAddr, interface: Option<&[u8]>) -> String {
        let mut text = self.address(end.ip());
        if let Some(interface) = interface {
            // A name is outside text; tables make it harmless.
            let _ = write!(text, "%{}", String::from_utf8_lossy(interface));
        }
        let _ = match (end.port(), self.service(end.port())) {
            (0, _) => write!(text, ":*"),
            (_, Some(name)) => write!(text, ":{name}"),
            (port, None) => write!(text, ":{port}"),
        };
        text
    }

    fn address(&self, ip: IpAddr) -> String {
        let name = || self.view.names.as_ref()?.hosts.get(&ip).cloned();
        match ip {
            // An IPv6 socket that takes IPv4, too, takes everything.
            IpAddr::V6(ip) if ip.is_unspecified() && !self.socket.v6only => "*".into(),
            ip if ip.is_unspecified() => numeric(ip),
            ip => name().unwrap_or_else(|| numeric(ip)),
        }
    }

    fn service(&self, port: u16) -> Option<&str> {
        let is_udp = match self.socket.kind {
            Kind::Raw => return None,
            Kind::Udp | Kind::UdpLite => true,
            _ => false,
        };
        let services = &self.view.names.as_ref()?.services;
        services.get(&(is_udp, port)).map(String::as_str)
    }
}

fn numeric(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

/// The name of a UNIX socket; an abstract one begins with `@` here as everywhere.
pub fn unix_name(name: &[u8]) -> String {
    match name.strip_prefix(b"\0") {
        Some(rest) => {
            // NUL bytes inside an abstract name are shown as ss does.
            let shown: Vec<u8> = rest
                .iter()
                .map(|&byte| if byte == 0 { b'@' } else { byte })
                .collect();
            format!("@{}", json::text(&shown))
        }
        // A path ends at the NUL that the kernel counts in.
        None => json::text(name.split(|byte| *byte == 0).next().unwrap_or_default()),
    }
}

fn netlink(protocol: i32, port_id: i64) -> String {
    let name = usize::try_from(protocol)
        .ok()
        .and_then(|place| netlink_names::USUAL.get(place));
    let id = match port_id {
        0 => Cow::Borrowed("kernel"),
        other => other.to_string().into(),
    };
    match name.filter(|name| !name.is_empty()) {
        Some(name) => format!("{name}:{id}"),
        None => format!("{protocol}:{id}"),
    }
}

fn vsock(cid: u32, port: u32) -> String {
    let any = |number: u32| match number {
        u32::MAX => Cow::Borrowed("*"),
        other => other.to_string().into(),
    };
    format!("{}:{}", any(cid), any(port))
}
