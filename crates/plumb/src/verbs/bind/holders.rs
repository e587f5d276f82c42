//! Sockets of the snapshot as holders of the answer.

use std::path::Path;

use plumb_analyze::bind::{Overlap, Rival};
use plumb_collect::processes::details::{Wanted, describe as describe_process};
use plumb_collect::sys::nss;
use plumb_model::attribution::{Holding, Process};
use plumb_model::snapshot::{End, Kind, Socket};
use plumb_model::socket::SocketState;
use plumb_model::{Known, Uid};
use plumb_present::json;

use super::read::Sockets;
use super::row::{Held, Holder};
use crate::verbs::started;

/// Of one socket so many processes are named.
const MOST_PROCESSES: usize = 16;

/// Describes a socket of the snapshot; `overlap` is `None` for one of another namespace.
pub fn describe(sockets: &Sockets, place: usize, overlap: Option<Overlap>) -> Option<Holder> {
    let socket = sockets.snapshot.sockets.get(place)?;
    let rival = sockets.rival(place)?;
    let owners = sockets.snapshot.owners.of(place);
    Some(Holder {
        what: what(socket, &rival),
        overlap: overlap.map(Overlap::word),
        local: text(&socket.local),
        peer: socket.peer.port().map(|_| text(&socket.peer)),
        state: state(socket),
        uid: socket.uid.ok().map(|uid| uid.0),
        user: socket.uid.ok().and_then(user_name),
        reuse_addr: rival.reuse_addr.ok(),
        reuse_port: rival.reuse_port.ok(),
        remaining_ms: rival.is_stub.then_some(socket.timer.expires_ms),
        interface: (socket.interface != 0).then_some(socket.interface),
        netns: overlap.is_none().then(|| namespace(sockets, socket)),
        owner_unknown: owners.reason().map(plumb_model::Reason::word),
        processes: held(sockets, owners.ok().unwrap_or_default()),
    })
}

/// Gives the name of a user, where the user database has one.
pub fn user_name(uid: Uid) -> Option<String> {
    nss::user_name(uid.0).map(|name| json::text(&name))
}

fn what(socket: &Socket, rival: &Rival) -> &'static str {
    match socket.state {
        _ if socket.kind == Kind::Udp => "socket",
        SocketState::LISTEN => "listener",
        SocketState::CLOSE => "bound-not-listening",
        _ if rival.is_stub => "time-wait",
        SocketState::TIME_WAIT => "time-wait",
        _ if socket.inode.ok().is_none() => "orphan",
        _ => "connection",
    }
}

fn state(socket: &Socket) -> Option<&'static str> {
    (socket.kind == Kind::Tcp)
        .then(|| socket.state.tcp_name())
        .flatten()
}

/// Gives the text of an end; an IPv4-mapped address stays one.
fn text(end: &End) -> String {
    end.inet().map_or_else(String::new, |end| end.to_string())
}

fn namespace(sockets: &Sockets, socket: &Socket) -> String {
    let all = &sockets.snapshot.namespaces;
    let named = all.iter().find(|netns| netns.id == socket.netns);
    match named.and_then(|netns| netns.name.as_deref()) {
        Some(name) => json::text(name),
        None => format!("net:[{}]", socket.netns.0),
    }
}

fn held(sockets: &Sockets, holdings: &[Holding]) -> Vec<Held> {
    let mut all: Vec<Held> = Vec::new();
    for &holding in holdings {
        let Some(process) = sockets.snapshot.owners.process(holding) else {
            continue;
        };
        let is_new = all.iter().all(|held| held.pid != process.pid.0);
        if is_new && all.len() < MOST_PROCESSES {
            // A snapshot may know no more of a process than its name.
            let whole = describe_process(Path::new("/proc"), process.pid, Wanted::ALL);
            let process = match whole.start_ticks {
                Known::Known(_) => &whole,
                Known::Unknown(_) => process,
            };
            all.push(one_held(process, holding.how.fd()));
        }
    }
    all
}

fn one_held(process: &Process, fd: Option<i32>) -> Held {
    let command = |cmdline: Vec<u8>| {
        let spaced: Vec<u8> = cmdline
            .strip_suffix(b"\0")
            .unwrap_or(&cmdline)
            .iter()
            .map(|&byte| if byte == 0 { b' ' } else { byte })
            .collect();
        json::text(&spaced)
    };
    Held {
        pid: process.pid.0,
        name: json::text(&process.comm),
        fd,
        command: process.cmdline.clone().ok().map(command),
        started: process.start_ticks.ok().and_then(started::rfc3339),
        parent_pid: process.parent.ok().map(|pid| pid.0).filter(|&pid| pid != 0),
        unit: process.workload.unit.as_deref().map(json::text),
        container: process
            .workload
            .container
            .as_ref()
            .map(|container| json::text(container.name.as_deref().unwrap_or(&container.id))),
    }
}
