//! Our -m: socket memory by protocol, then by process.
//!
//! The first half needs no rights. The second asks `sock_diag` for every TCP and UDP socket and looks
//! for their processes; what could not be looked at has a line of its own.

use plumb_collect::memory::{Measured, read_protocol, read_sockets, sum_holders};
use plumb_collect::owners::{self, Detail};
use plumb_model::memory::{MemoryHolder, MemoryProtocol, ProtocolMemory};
use plumb_model::socket::IpVersion;
use plumb_model::{Known, Reason};
use plumb_present::json::memory::{HolderRow, ProtocolRow};
use plumb_present::netstat::memory as text;
use plumb_wire::netlink::inet_diag::{IPPROTO_TCP, IPPROTO_UDP};

use crate::netstat::options::{Family, Options, SocketFilter};
use crate::netstat::session::Session;

/// Without -a this many processes are shown.
const LARGEST: usize = 10;

/// Prints both tables.
pub fn run(session: &mut Session) -> u8 {
    session.declare_json("memory");
    let protocols = protocols(&session.options);
    let versions = versions(&session.options);
    heads(session, text::PROTOCOL_TITLE, text::PROTOCOL_HEADER);
    let status = session.in_each_netns(|session| {
        for &protocol in &protocols {
            for &version in &versions {
                write_protocol(session, &read_protocol(protocol, version));
            }
        }
        0
    });
    let numbers: Vec<u8> = protocols.iter().filter_map(|&p| diag_number(p)).collect();
    if numbers.is_empty() || status != 0 {
        return status;
    }
    let title = match session.options.filter {
        SocketFilter::All => text::HOLDER_TITLE_ALL,
        SocketFilter::Connected | SocketFilter::Listening => text::HOLDER_TITLE_TOP,
    };
    heads(session, title, text::HOLDER_HEADER);
    session.in_each_netns(|session| write_holders(session, &numbers, &versions))
}

/// All protocols, or those that -t, -u, -U and -w name.
fn protocols(options: &Options) -> Vec<MemoryProtocol> {
    let chosen = options.protocols;
    let all = !(chosen.tcp || chosen.udp || chosen.udplite || chosen.raw);
    [
        (MemoryProtocol::Tcp, chosen.tcp),
        (MemoryProtocol::Udp, chosen.udp),
        (MemoryProtocol::UdpLite, chosen.udplite),
        (MemoryProtocol::Raw, chosen.raw),
        (MemoryProtocol::Fragments, false),
    ]
    .into_iter()
    .filter_map(|(protocol, chosen)| (chosen || all).then_some(protocol))
    .collect()
}

fn versions(options: &Options) -> Vec<IpVersion> {
    let (v4, v6) = (
        options.has_family(Family::Inet),
        options.has_family(Family::Inet6),
    );
    [(IpVersion::V4, v4 || !v6), (IpVersion::V6, v6 || !v4)]
        .into_iter()
        .filter_map(|(version, wanted)| wanted.then_some(version))
        .collect()
}

/// The protocols whose sockets `sock_diag` measures.
fn diag_number(protocol: MemoryProtocol) -> Option<u8> {
    match protocol {
        MemoryProtocol::Tcp => Some(IPPROTO_TCP),
        MemoryProtocol::Udp => Some(IPPROTO_UDP),
        MemoryProtocol::UdpLite | MemoryProtocol::Raw | MemoryProtocol::Fragments => None,
    }
}

fn heads(session: &mut Session, title: &[u8], header: &[u8]) {
    if !session.is_json() {
        session.out.title(title);
        session.out.header(header);
    }
}

fn write_protocol(session: &mut Session, memory: &ProtocolMemory) {
    if !session.is_json() {
        return session.out.row(|out| text::write_protocol(out, memory));
    }
    let label = text::protocol_label(memory.protocol, memory.version);
    let level = match (memory.memory_bytes, memory.limits) {
        (Known::Known(bytes), Known::Known(limits)) => Some(text::level_word(limits.level(bytes))),
        _ => None,
    };
    let row = ProtocolRow::new(memory, label, level, session.json_netns());
    session.push_json("memory", &row);
}

fn write_holders(session: &mut Session, numbers: &[u8], versions: &[IpVersion]) -> u8 {
    let mut sockets: Vec<Measured> = Vec::new();
    for &number in numbers {
        for &version in versions {
            match read_sockets(version, number) {
                Ok(found) => sockets.extend(found),
                Err(error) => {
                    let name = if number == IPPROTO_TCP { "tcp" } else { "udp" };
                    let name = match version {
                        IpVersion::V4 => name.to_owned(),
                        IpVersion::V6 => format!("{name}6"),
                    };
                    let complaint = format!("netstat: measure {name} sockets: {error}\n");
                    session.complain(complaint.as_bytes());
                }
            }
        }
    }
    let owners = owners::find(sockets.iter().filter_map(|s| s.inode.ok()), Detail::Process);
    let (processes, others): (Vec<_>, Vec<_>) = sum_holders(&sockets, &owners)
        .into_iter()
        .partition(|holder| holder.owner.reason().is_none());
    let shown = match session.options.filter {
        // A document is not cut.
        _ if session.is_json() => processes.len(),
        SocketFilter::All => processes.len(),
        SocketFilter::Connected | SocketFilter::Listening => processes.len().min(LARGEST),
    };
    let (largest, rest) = processes.split_at(shown);
    for holder in largest.iter().chain(&others) {
        write_holder(session, holder);
    }
    if !rest.is_empty() && !session.is_json() {
        let bytes = rest.iter().map(MemoryHolder::total_bytes).sum();
        session
            .out
            .row(|out| text::write_rest(out, rest.len(), bytes));
    }
    if others
        .iter()
        .any(|h| h.owner.reason() == Some(Reason::PermissionDenied))
    {
        session.complain(
            b"netstat: find the processes of all sockets: permission denied for those of other users\n",
        );
    }
    0
}

fn write_holder(session: &mut Session, holder: &MemoryHolder) {
    if session.is_json() {
        let row = HolderRow::new(holder, session.json_netns());
        return session.push_json("memory", &row);
    }
    let argv0 = match &holder.owner {
        Known::Known(owner) => session.shown(&owner.argv0).into_owned(),
        Known::Unknown(_) => Vec::new(),
    };
    session
        .out
        .row(|out| text::write_holder(out, holder, &argv0));
}
