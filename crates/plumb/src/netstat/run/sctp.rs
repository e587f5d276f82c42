//! SCTP in the socket listing: endpoints of both versions, then associations.
//!
//! The owners of all listed sockets are looked for in one go, so the listing asks for [`inodes`]
//! before it calls [`run`].

use std::net::IpAddr;

use plumb_collect::proc;
use plumb_model::sctp::{SctpKind, SctpSocket};
use plumb_model::socket::IpVersion;
use plumb_model::{Inode, Known, Reason};
use plumb_present::json::sctp::Sctp;
use plumb_present::netstat::address::{without_mapped_prefix, write_address};
use plumb_present::netstat::sctp::write_sctp;
use rustix::io::Errno;

use super::legacy::cannot_open;
use super::sockets::{Plan, Rows, Table, missing};
use crate::netstat::options::{Family, Options, SocketFilter};
use crate::netstat::session::Session;

/// Tables in the order in which they are printed, as far as the request wants them.
fn tables(options: &Options) -> Vec<(SctpKind, Vec<IpVersion>)> {
    let kinds = [
        (
            SctpKind::Endpoint,
            options.filter != SocketFilter::Connected,
        ),
        (
            SctpKind::Association,
            options.filter != SocketFilter::Listening,
        ),
    ];
    let (v4, v6) = (
        options.has_family(Family::Inet),
        options.has_family(Family::Inet6),
    );
    let versions: Vec<IpVersion> = [(IpVersion::V4, v4 || !v6), (IpVersion::V6, v6 || !v4)]
        .into_iter()
        .filter_map(|(version, wanted)| wanted.then_some(version))
        .collect();
    let wanted = kinds.into_iter().filter(|&(_, wanted)| wanted);
    wanted.map(|(kind, _)| (kind, versions.clone())).collect()
}

/// Current kernels put IPv6 addresses into the first pair of files and do not have the second.
fn path(kind: SctpKind, version: IpVersion) -> &'static str {
    match (kind, version) {
        (SctpKind::Endpoint, IpVersion::V4) => "/proc/net/sctp/eps",
        (SctpKind::Endpoint, IpVersion::V6) => "/proc/net/sctp6/eps",
        (SctpKind::Association, IpVersion::V4) => "/proc/net/sctp/assocs",
        (SctpKind::Association, IpVersion::V6) => "/proc/net/sctp6/assocs",
    }
}

/// Calls `each` with every line that is not the line of heads: the socket, or `None` for a line
/// that cannot be read.
fn read(
    kind: SctpKind,
    version: IpVersion,
    mut each: impl FnMut(Option<SctpSocket>),
) -> Result<(), Errno> {
    let mut heads = true;
    proc::for_each_line(path(kind, version), |line| {
        if !std::mem::take(&mut heads) {
            each(match kind {
                SctpKind::Endpoint => plumb_wire::proc::sctp::decode_endpoint(line),
                SctpKind::Association => plumb_wire::proc::sctp::decode_association(line),
            });
        }
    })
}

/// Gives the inodes of all sockets that [`run`] would show, for the search for their owners.
pub fn inodes(session: &mut Session) -> Vec<Inode> {
    let mut found = Vec::new();
    session.in_each_netns(|session| {
        for (kind, versions) in tables(&session.options) {
            for version in versions {
                // A table that cannot be read is reported by `run`.
                let _ = read(kind, version, |socket| {
                    found.extend(socket.map(|s| s.raw_inode));
                });
            }
        }
        0
    });
    found
}

/// Prints the rows of every namespace shown.
pub fn run(session: &mut Session, plan: &Plan, rows: &mut Rows) -> u8 {
    session.declare_json("sctp");
    session.in_each_netns(|session| {
        for (kind, versions) in tables(&session.options) {
            // A missing table ends the listing only behind the other version's rows.
            let mut status = 0;
            for version in versions {
                status = write_table(session, plan, rows, (kind, version)).max(status);
            }
            if status != 0 {
                return status;
            }
        }
        0
    })
}

fn write_table(
    session: &mut Session,
    plan: &Plan,
    rows: &mut Rows,
    (kind, version): (SctpKind, IpVersion),
) -> u8 {
    let mut sockets = Vec::new();
    match read(kind, version, |socket| sockets.push(socket)) {
        Ok(()) => {}
        Err(Errno::NOENT | Errno::ACCESS | Errno::PERM) if version == IpVersion::V6 => {}
        Err(Errno::NOENT | Errno::ACCESS | Errno::PERM) => {
            return missing(session, plan, Table::Sctp);
        }
        Err(errno) => return cannot_open(session, path(kind, version), errno),
    }
    for socket in sockets {
        write_socket(session, rows, kind, socket);
    }
    0
}

fn write_socket(
    session: &mut Session,
    rows: &mut Rows,
    kind: SctpKind,
    socket: Option<SctpSocket>,
) {
    let Some(socket) = socket else {
        return session.complain(match kind {
            SctpKind::Endpoint => b"warning, got bogus sctp eps line.\n",
            SctpKind::Association => b"warning, got bogus sctp assoc line.\n",
        });
    };
    if session.is_json() {
        let inode = match socket.raw_inode {
            Inode(0) => Known::Unknown(Reason::NoHolder),
            inode => Known::Known(inode),
        };
        let owner = rows.owners.owner(inode);
        return session.push_json("sctp", &Sctp::new(&socket, owner, session.json_netns()));
    }
    let extras = rows.extras(socket.raw_uid, socket.raw_inode);
    let mut text = Vec::new();
    let mut host = |out: &mut Vec<u8>, addr| write_host(session, rows, out, addr);
    write_sctp(&mut text, &socket, &mut host, &extras);
    session.out.lines(|out| out.extend_from_slice(&text));
}

/// Any numeric option makes the hosts of this table numeric, -N included.
fn write_host(session: &Session, rows: &mut Rows, out: &mut Vec<u8>, addr: IpAddr) {
    let numeric = session.options.numeric;
    let all_numeric = numeric.hosts || numeric.ports || numeric.users || session.options.symbolic;
    match addr {
        _ if all_numeric => write_address(out, addr),
        IpAddr::V4(v4) if v4.is_unspecified() => write_address(out, addr),
        IpAddr::V6(v6) if v6.is_unspecified() => out.extend_from_slice(b"[::]"),
        IpAddr::V4(_) | IpAddr::V6(_) => match rows.names.host(addr).map(without_mapped_prefix) {
            Some(name) => out.extend_from_slice(&session.shown(name)),
            None => write_address(out, addr),
        },
    }
}
