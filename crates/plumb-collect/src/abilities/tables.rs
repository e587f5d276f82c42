//! The tables of sock_diag: each is asked for sockets in no state, which costs the kernel next to nothing.

use std::path::Path;

use plumb_model::ability::{Answer, Table};
use plumb_model::diag::inet::{AF_INET, Protocol};
use plumb_wire::netlink::inet_request::{InetRequest, encode_destroy_none, encode_inet_dump};
use plumb_wire::netlink::netlink_diag::encode_netlink_request;
use plumb_wire::netlink::packet_diag::encode_packet_request;
use plumb_wire::netlink::tipc_diag::encode_tipc_request;
use plumb_wire::netlink::unix_diag::encode_unix_request;
use plumb_wire::netlink::vsock_diag::encode_vsock_request;
use plumb_wire::netlink::xdp_diag::encode_xdp_request;

use crate::proc::read_file;
use crate::sock_destroy::Connection;
use crate::sock_diag::{Dump, DumpError};

/// What an error that is none of the kernel's own reads as: `EPROTO`.
const GARBLED: i32 = 71;

pub(super) fn read(release: &str) -> Vec<Table> {
    let modules = modules(release);
    let inet = [
        ("tcp", "tcp_diag", Protocol::TCP),
        ("udp", "udp_diag", Protocol::UDP),
        ("udplite", "udp_diag", Protocol(136)),
        ("raw", "raw_diag", Protocol::IPPROTO_RAW),
        ("sctp", "sctp_diag", Protocol::SCTP),
        ("dccp", "dccp_diag", Protocol::DCCP),
        ("mptcp", "mptcp_diag", Protocol::MPTCP),
    ];
    let inet = inet.map(|(word, module, protocol)| {
        let request = InetRequest {
            family: AF_INET,
            protocol,
            states: 0,
            extensions: 0,
            program: None,
            bpf_storages: None,
        };
        (word, module, encode_inet_dump(&request))
    });
    let others = [
        ("unix", "unix_diag", encode_unix_request(0, 0)),
        ("packet", "af_packet_diag", encode_packet_request(0)),
        ("netlink", "netlink_diag", encode_netlink_request(0)),
        ("vsock", "vsock_diag", encode_vsock_request(0)),
        ("tipc", "tipc_diag", encode_tipc_request(0)),
        ("xdp", "xsk_diag", encode_xdp_request()),
    ];
    inet.into_iter()
        .chain(others)
        .map(|(word, module, request)| Table {
            word,
            module,
            has_module: modules.as_deref().map(|list| has(list, module)),
            answer: ask(&request),
        })
        .collect()
}

/// Reads the list of modules of this kernel, those built in and the others.
fn modules(release: &str) -> Option<Vec<u8>> {
    let folder = format!("/lib/modules/{release}");
    let built_in = read_file(&*format!("{folder}/modules.builtin"));
    let others = read_file(&*format!("{folder}/modules.dep"));
    if let (Err(_), Err(_)) = (&built_in, &others) {
        // A kernel without modules has all it will ever have.
        let has_none = !Path::new("/proc/modules").exists();
        return has_none.then(Vec::new);
    }
    Some([built_in.unwrap_or_default(), others.unwrap_or_default()].concat())
}

/// Finds a module in a list, whose lines begin with its file: `kernel/net/sctp/sctp_diag.ko.xz: …`.
fn has(list: &[u8], module: &str) -> bool {
    let file = [b"/", module.as_bytes(), b".ko"].concat();
    list.split(|&b| b == b'\n').any(|line| {
        let path = line.split(|&b| b == b':').next().unwrap_or_default();
        path.windows(file.len()).any(|part| part == file)
    })
}

fn ask(request: &[u8]) -> Answer {
    let outcome = Dump::send(request)
        .map_err(DumpError::Refused)
        .and_then(|dump| dump.read(|_| {}));
    Answer(match outcome {
        Ok(_) => 0,
        Err(DumpError::Refused(errno) | DumpError::BrokenOff(errno)) => errno.raw_os_error(),
        Err(_) => GARBLED,
    })
}

/// Asks for closing a socket that there cannot be.
pub(super) fn destroy() -> Answer {
    let answer =
        Connection::open().and_then(|mut connection| connection.ask(&encode_destroy_none()));
    Answer(answer.err().map_or(0, rustix::io::Errno::raw_os_error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_found_by_their_files() {
        let list = b"kernel/net/ipv4/tcp_diag.ko.xz: kernel/net/ipv4/inet_diag.ko.xz\n\
            kernel/net/unix/unix_diag.ko\n";
        assert!(has(list, "tcp_diag") && has(list, "unix_diag"));
        assert!(!has(list, "inet_diag"), "it is only needed by another here");
        assert!(!has(list, "raw_diag"));
    }
}
