//! Values of this moment: what the sockets of this machine have that may be asked for.

use std::collections::{BTreeMap, BTreeSet};

use plumb_collect::names::Names;
use plumb_collect::processes::details::Wanted;
use plumb_collect::snapshot::{self, Request, Scope};
use plumb_filter::Attribute;
use plumb_model::attribution::Process;
use plumb_model::snapshot::{Kind, Snapshot, Socket};
use plumb_model::{Known, Reason};

use super::Candidate;
use crate::verbs::ls;

/// Gives the columns of `plumb ls`.
pub fn columns() -> Vec<Candidate> {
    let columns = ls::column_words();
    columns
        .map(|(word, about)| Candidate::new(word, about))
        .collect()
}

/// Reads the Internet sockets, their holders only if asked for.
fn read(owners: bool, details: Wanted) -> Snapshot {
    snapshot::read(&Request {
        scope: Scope::Inhabited,
        kinds: vec![Kind::Tcp, Kind::Udp],
        owners,
        details,
        ..Request::default()
    })
}

fn of_sockets(get: impl Fn(&Socket) -> Option<String>) -> Vec<Candidate> {
    let snapshot = read(false, Wanted::default());
    let found: BTreeSet<String> = snapshot.sockets.iter().filter_map(get).collect();
    found
        .into_iter()
        .map(|word| Candidate::new(word, ""))
        .collect()
}

/// Gives the ports of either end that somebody serves: those of listeners and of what is no chosen port.
pub fn ports() -> Vec<Candidate> {
    let snapshot = read(true, Wanted::default());
    let mut found: BTreeMap<u16, String> = BTreeMap::new();
    for (place, socket) in snapshot.sockets.iter().enumerate() {
        let owner = || {
            let processes = snapshot.owners.processes_of(place);
            processes
                .first()
                .map(|process| name(process))
                .unwrap_or_default()
        };
        if let Some(port) = socket.local.port() {
            let about = found.entry(port).or_default();
            if about.is_empty() {
                *about = owner();
            }
        }
        if let Some(port) = socket.peer.port() {
            found.entry(port).or_default();
        }
    }
    let candidate = |(port, about): (u16, String)| Candidate::new(port.to_string(), about);
    found.into_iter().map(candidate).collect()
}

/// Gives the local ports.
pub fn local_ports() -> Vec<Candidate> {
    of_sockets(|socket| Some(socket.local.port()?.to_string()))
}

/// Gives the ports of other ends.
pub fn peer_ports() -> Vec<Candidate> {
    of_sockets(|socket| Some(socket.peer.port()?.to_string()))
}

/// Gives the local addresses.
pub fn local_addresses() -> Vec<Candidate> {
    of_sockets(|socket| address(socket.local.inet()?))
}

/// Gives the addresses of other ends.
pub fn peer_addresses() -> Vec<Candidate> {
    of_sockets(|socket| address(socket.peer.inet()?))
}

fn address(end: std::net::SocketAddr) -> Option<String> {
    match end.ip().to_canonical() {
        ip if ip.is_unspecified() => None,
        std::net::IpAddr::V4(ip) => Some(ip.to_string()),
        std::net::IpAddr::V6(ip) => Some(format!("[{ip}]")),
    }
}

fn of_processes(details: Wanted, get: impl Fn(&Process) -> Vec<Candidate>) -> Vec<Candidate> {
    let snapshot = read(true, details);
    snapshot.owners.processes.iter().flat_map(get).collect()
}

fn name(process: &Process) -> String {
    word(&process.comm)
}

fn word(bytes: &[u8]) -> String {
    // A blank in an operand stands behind a backslash.
    String::from_utf8_lossy(bytes).replace(' ', "\\ ")
}

/// Gives the processes that hold sockets.
pub fn pids() -> Vec<Candidate> {
    of_processes(Wanted::default(), |process| {
        vec![Candidate::new(process.pid.0.to_string(), name(process))]
    })
}

/// Gives the users of sockets.
pub fn users() -> Vec<Candidate> {
    let snapshot = read(false, Wanted::default());
    let uids: BTreeSet<_> = snapshot
        .sockets
        .iter()
        .filter_map(|socket| socket.uid.ok())
        .collect();
    let mut names = Names::new();
    let named = uids.into_iter().map(|uid| match names.user(uid) {
        Some(name) => Candidate::new(word(name), uid.0.to_string()),
        None => Candidate::new(uid.0.to_string(), ""),
    });
    named.collect()
}

/// Gives the network namespaces.
pub fn namespaces() -> Vec<Candidate> {
    let found = plumb_collect::netns::list();
    let namespaces = found.all.iter().map(|netns| match &netns.name {
        Some(name) => Candidate::new(word(name), netns.id.0.to_string()),
        None => Candidate::new(netns.id.0.to_string(), ""),
    });
    std::iter::once(Candidate::new("own", "that of this shell"))
        .chain(namespaces)
        .collect()
}

/// Gives the interfaces of this namespace.
pub fn interfaces() -> Vec<Candidate> {
    let Ok(folder) = std::fs::read_dir("/sys/class/net") else {
        return Vec::new();
    };
    let names = folder.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.map(|name| Candidate::new(name, "")).collect()
}

/// Gives the values of a text of the filter language.
pub fn texts(attribute: Attribute) -> Vec<Candidate> {
    let cgroup = Wanted {
        cgroup: true,
        ..Wanted::default()
    };
    let exe = Wanted {
        exe: true,
        ..Wanted::default()
    };
    let text = |text: Option<&[u8]>| {
        text.map(|text| Candidate::new(word(text), ""))
            .into_iter()
            .collect()
    };
    match attribute {
        Attribute::Process | Attribute::PeerProcess | Attribute::Related => {
            of_processes(Wanted::default(), |process| {
                vec![Candidate::new(name(process), process.pid.0.to_string())]
            })
        }
        Attribute::PeerPid => pids(),
        Attribute::Exe => of_processes(exe, |process| match &process.exe {
            Known::Known(exe) => text(Some(&exe.path)),
            Known::Unknown(_) => Vec::new(),
        }),
        Attribute::Unit => of_processes(cgroup, |process| text(process.workload.unit.as_deref())),
        Attribute::Container => of_processes(cgroup, |process| {
            let container = process.workload.container.as_ref();
            text(container.map(|container| container.name.as_deref().unwrap_or(&container.id)))
        }),
        Attribute::Pod => of_processes(cgroup, |process| {
            let pod = process.workload.pod.as_ref();
            text(pod.map(|pod| pod.name.as_deref().unwrap_or(&pod.uid)))
        }),
        Attribute::Interface => interfaces(),
        Attribute::Timer => ["none", "on", "keepalive", "timewait", "persist", "delack"]
            .map(|word| Candidate::new(word, ""))
            .to_vec(),
        Attribute::OwnerUnknown => Reason::ALL
            .map(|reason| Candidate::new(reason.word(), ""))
            .to_vec(),
        _ => Vec::new(),
    }
}
