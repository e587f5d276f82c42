//! Rows of the `sockets` array: Internet and UNIX sockets.
//!
//! Numbers are numbers and absence is `null`, with a sibling `…_unknown` that says why. Text is
//! never cut, whatever the columns of the text table do.

use std::net::IpAddr;

use plumb_model::owner::Owner;
use plumb_model::socket::{InetProtocol, InetSocket, IpVersion, Timer};
use plumb_model::unix::UnixSocket;
use plumb_model::{Inode, Known, Port, Reason};
use serde::Serialize;

use super::Netns;
use super::creation::CreationMembers;

/// One end of a socket.
#[derive(Debug, Clone, Serialize)]
pub struct Endpoint<'a> {
    /// Numeric address; IPv4-mapped addresses stay in IPv6 form.
    pub address: IpAddr,
    /// Port; for RAW sockets the IP protocol number; `null` when unbound.
    pub port: Option<u32>,
    /// Host name, unless -n was given or there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<&'a str>,
    /// Service name, unless -n was given or there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<&'a str>,
}

/// The names found for one end; `None` where none was looked for or found.
#[derive(Debug, Clone, Copy, Default)]
pub struct EndNames<'a> {
    /// Host name.
    pub host: Option<&'a str>,
    /// Service name.
    pub service: Option<&'a str>,
}

impl<'a> Endpoint<'a> {
    fn new(end: &plumb_model::socket::Endpoint, names: EndNames<'a>) -> Self {
        Self {
            address: end.addr,
            port: match end.port {
                Port(0) => None,
                Port(number) => Some(number),
            },
            host: names.host,
            service: names.service,
        }
    }
}

/// The process that holds a socket (with several, the first in `/proc`).
#[derive(Debug, Clone, Serialize)]
pub struct Process {
    /// Process id.
    pub pid: u32,
    /// The whole argv[0].
    pub argv0: String,
}

/// The `process` field of a row for which owners were looked for.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum ProcessField {
    /// Somebody holds the socket.
    Known(Process),
    /// Written as `null`; a sibling field says why.
    Unknown,
}

/// A pending timer.
#[derive(Debug, Clone, Serialize)]
pub struct TimerRow {
    /// `off`, `on`, `keepalive`, `timewait`, `probe`; `null` for a code TCP does not have.
    pub name: Option<&'static str>,
    /// The kernel's code.
    pub code: u32,
    /// Time left.
    pub expires_ms: u64,
    /// Retransmissions without progress.
    pub retransmits: u64,
    /// Unanswered probes.
    pub probes: i64,
}

impl TimerRow {
    fn new(timer: &Timer) -> Self {
        Self {
            name: match timer.code {
                0 => Some("off"),
                1 => Some("on"),
                2 => Some("keepalive"),
                3 => Some("timewait"),
                4 => Some("probe"),
                _ => None,
            },
            code: timer.code,
            expires_ms: timer.expires_ticks.saturating_mul(10),
            retransmits: timer.retransmits,
            probes: timer.probes,
        }
    }
}

/// An Internet socket.
#[derive(Debug, Clone, Serialize)]
pub struct InetRow<'a> {
    /// `inet` or `inet6`.
    family: &'static str,
    /// `tcp`, `udp`, `udplite` or `raw`.
    protocol: &'static str,
    /// RFC 9293 state; for datagram sockets `ESTABLISHED` when connected; `null` when the kernel's
    /// number has no name.
    state: Option<&'static str>,
    /// The kernel's state number.
    state_code: u32,
    recv_q_bytes: u64,
    send_q_bytes: u64,
    local: Endpoint<'a>,
    peer: Endpoint<'a>,
    uid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uid_unknown: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    inode: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inode_unknown: Option<&'static str>,
    cookie: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cookie_unknown: Option<&'static str>,
    timer: TimerRow,
    #[serde(skip_serializing_if = "Option::is_none")]
    process: Option<ProcessField>,
    #[serde(skip_serializing_if = "Option::is_none")]
    process_unknown: Option<&'static str>,
    #[serde(flatten)]
    creation: Option<CreationMembers>,
    #[serde(skip_serializing_if = "Option::is_none")]
    netns: Option<Netns>,
}

/// What accompanies a socket row: names, and the owner if it was looked for.
#[derive(Debug, Clone, Default)]
pub struct Company<'a> {
    /// Names of the local end.
    pub local: EndNames<'a>,
    /// Names of the peer.
    pub peer: EndNames<'a>,
    /// Name of the user.
    pub user: Option<&'a str>,
    /// The owner, with -p.
    pub owner: Option<Known<&'a Owner>>,
    /// Which code made it, with --stack.
    pub creation: Option<CreationMembers>,
    /// The namespace, with --all-netns.
    pub netns: Option<Netns>,
}

impl<'a> InetRow<'a> {
    /// Builds the row of one socket.
    pub fn new(
        table: (InetProtocol, IpVersion),
        socket: &InetSocket,
        company: Company<'a>,
    ) -> Self {
        let (protocol, version) = table;
        let (uid, inode) = (socket.uid(), socket.inode());
        let (process, process_unknown) = process_fields(company.owner);
        Self {
            family: match version {
                IpVersion::V4 => "inet",
                IpVersion::V6 => "inet6",
            },
            protocol: match protocol {
                InetProtocol::Tcp => "tcp",
                InetProtocol::Udp => "udp",
                InetProtocol::UdpLite => "udplite",
                InetProtocol::Raw => "raw",
            },
            state: socket.state.tcp_name(),
            state_code: socket.state.0,
            recv_q_bytes: socket.recv_q,
            send_q_bytes: socket.send_q,
            local: Endpoint::new(&socket.local, company.local),
            peer: Endpoint::new(&socket.peer, company.peer),
            uid: uid.ok().map(|uid| uid.0),
            uid_unknown: uid.reason().map(Reason::word),
            user: company.user,
            inode: inode.ok().map(|inode| inode.0),
            inode_unknown: inode.reason().map(Reason::word),
            cookie: socket.cookie.ok().map(|cookie| cookie.0),
            cookie_unknown: socket.cookie.reason().map(Reason::word),
            timer: TimerRow::new(&socket.timer),
            process,
            process_unknown,
            creation: company.creation,
            netns: company.netns,
        }
    }
}

/// A UNIX domain socket.
#[derive(Debug, Clone, Serialize)]
pub struct UnixRow {
    /// Always `unix`.
    family: &'static str,
    /// Always `unix`.
    protocol: &'static str,
    /// `stream`, `dgram`, `raw`, `rdm`, `seqpacket`; `null` for another number.
    r#type: Option<&'static str>,
    /// The kernel's type number.
    type_code: u32,
    /// `LISTENING`, `CONNECTING`, `CONNECTED`, …; `null` when unconnected.
    state: Option<&'static str>,
    /// The kernel's state number.
    state_code: u32,
    references: i64,
    accepting: bool,
    inode: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inode_unknown: Option<&'static str>,
    /// Bound path up to the first white space; abstract names start with `@`; `null` if unbound.
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    process: Option<ProcessField>,
    #[serde(skip_serializing_if = "Option::is_none")]
    process_unknown: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    netns: Option<Netns>,
}

impl UnixRow {
    /// Builds the row of one socket.
    pub fn new(socket: &UnixSocket, owner: Option<Known<&Owner>>, netns: Option<Netns>) -> Self {
        let inode = match socket.inode {
            None => Known::Unknown(Reason::NotInSource),
            Some(Inode(0)) => Known::Unknown(Reason::ConnectionRequest),
            Some(inode) => Known::Known(inode),
        };
        // Without an inode nobody could look for an owner, and the reason is the same.
        let owner = owner.map(|owner| match inode {
            Known::Unknown(reason) => Known::Unknown(reason),
            Known::Known(_) => owner,
        });
        let (process, process_unknown) = process_fields(owner);
        Self {
            family: "unix",
            protocol: "unix",
            r#type: type_name(socket.kind),
            type_code: socket.kind,
            state: match socket.state {
                0 => Some("FREE"),
                1 if socket.is_listening() => Some("LISTENING"),
                2 => Some("CONNECTING"),
                3 => Some("CONNECTED"),
                4 => Some("DISCONNECTING"),
                _ => None,
            },
            state_code: socket.state,
            references: socket.ref_count,
            accepting: socket.flags & UnixSocket::ACCEPTING != 0,
            inode: inode.ok().map(|inode| inode.0),
            inode_unknown: inode.reason().map(Reason::word),
            path: Some(super::text(&socket.path)).filter(|path| !path.is_empty()),
            process,
            process_unknown,
            netns,
        }
    }
}

/// Gives the name of a socket type (`SOCK_*`); `None` for one no socket of the tables has.
pub(super) fn type_name(kind: u32) -> Option<&'static str> {
    match kind {
        1 => Some("stream"),
        2 => Some("dgram"),
        3 => Some("raw"),
        4 => Some("rdm"),
        5 => Some("seqpacket"),
        _ => None,
    }
}

/// Splits an owner into the `process` and `process_unknown` fields; both absent without -p.
pub(super) fn process_fields(
    owner: Option<Known<&Owner>>,
) -> (Option<ProcessField>, Option<&'static str>) {
    match owner {
        None => (None, None),
        Some(Known::Unknown(reason)) => (Some(ProcessField::Unknown), Some(reason.word())),
        Some(Known::Known(owner)) => {
            let process = Process {
                pid: owner.pid.0,
                argv0: super::text(&owner.argv0),
            };
            (Some(ProcessField::Known(process)), None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unix_socket_without_an_inode_says_why_and_keeps_its_numbers() {
        let socket = UnixSocket {
            ref_count: 2,
            protocol: 0,
            flags: 0,
            kind: 9,
            state: 2,
            inode: Some(Inode(0)),
            path: b"/run/u".to_vec(),
        };
        let owner = Known::Unknown(Reason::NoHolder);
        assert_eq!(
            serde_json::json!(UnixRow::new(&socket, Some(owner), None)),
            serde_json::json!({
                "family": "unix", "protocol": "unix", "type": null, "type_code": 9,
                "state": "CONNECTING", "state_code": 2, "references": 2, "accepting": false,
                "inode": null, "inode_unknown": "connection-request", "path": "/run/u",
                "process": null, "process_unknown": "connection-request",
            })
        );
    }
}
