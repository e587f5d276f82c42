//! The rows of each family, with the names found for their numbers.
//!
//! Names appear as in the tables: of ports and users without -n, of hosts with -r. Every function does
//! nothing when the form is not JSON.

use std::net::IpAddr;

use plumb_model::btf::Storage;
use plumb_model::diag::inet::{DiagEndpoint, InetDiag, Protocol};
use plumb_model::diag::netlink::NetlinkDiag;
use plumb_model::diag::packet::PacketDiag;
use plumb_model::diag::tipc::TipcDiag;
use plumb_model::diag::unix::UnixDiag;
use plumb_model::diag::vsock::VsockDiag;
use plumb_model::diag::xdp::XdpDiag;
use plumb_model::holder::Holder;
use plumb_model::{Known, Uid};
use plumb_present::json;
use plumb_present::json::diag::inet::{InetRow, Names as InetNames};
use plumb_present::json::diag::netlink::NetlinkRow;
use plumb_present::json::diag::packet::PacketRow;
use plumb_present::json::diag::tipc::TipcRow;
use plumb_present::json::diag::unix::UnixRow;
use plumb_present::json::diag::vsock::VsockRow;
use plumb_present::json::diag::xdp::XdpRow;
use plumb_present::json::diag::{Company, Holders};
use plumb_present::json::sockets::EndNames;
use plumb_present::ss::ethertype::ethertype_name;
use plumb_present::ss::lookup::{Lookup as _, PortKind};
use plumb_present::ss::view::View;
use serde::Serialize;

use super::Json;
use crate::output::Output;
use crate::ss::lookup::Names;
use crate::ss::session::Session;

/// Pushes the row of an Internet socket; `table` is the one that was asked for.
pub fn inet(session: &mut Session, table: Protocol, row: &InetDiag<'_>) {
    if !session.inet_rows.complaints.is_empty() {
        let complaints = std::mem::take(&mut session.inet_rows.complaints);
        session.complain(&complaints);
    }
    let Some(storages) = &row.extensions.bpf_storages else {
        return push_inet(session, table, row, &[]);
    };
    let mut maps = std::mem::take(&mut session.bpf_maps);
    push_inet(session, table, row, &maps.typed(storages));
    session.bpf_maps = maps;
}

fn push_inet(session: &mut Session, table: Protocol, row: &InetDiag<'_>, storages: &[Storage<'_>]) {
    let kind = session.inet_rows.port_kind;
    let creation = session.creation_members(row);
    let Some(mut writer) = Writer::of(session) else {
        return;
    };
    let local = writer.end(&row.local, row.family, kind);
    let peer = writer.end(&row.peer, row.family, kind);
    let user = row.known_uid().ok().and_then(|uid| writer.user(uid));
    let interface = writer.interface(row.known_interface().ok());
    let cgroup = row
        .extensions
        .cgroup_id
        .and_then(|id| writer.names.cgroup_path(id).map(json::text));
    let names = InetNames {
        local: borrowed(&local),
        peer: borrowed(&peer),
        user: user.as_deref(),
        interface: interface.as_deref(),
        cgroup: cgroup.as_deref(),
    };
    let admin = writer.json.admin;
    writer.push(row.inode, |company, rows| {
        rows.push(&InetRow {
            storages,
            table,
            socket: row,
            names,
            admin,
            company: Company {
                creation: creation.as_ref(),
                ..company
            },
        });
    });
}

/// Pushes the row of a UNIX socket.
pub fn unix(session: &mut Session, row: &UnixDiag<'_>) {
    let Some(writer) = Writer::of(session) else {
        return;
    };
    writer.push(row.inode.into(), |company, rows| {
        rows.push(&UnixRow {
            socket: row,
            company,
        });
    });
}

/// Pushes the row of a packet socket.
pub fn packet(session: &mut Session, row: &PacketDiag<'_>) {
    let Some(mut writer) = Writer::of(session) else {
        return;
    };
    let interface = writer.interface(row.interface);
    let user = row.uid.and_then(|uid| writer.user(Uid(uid)));
    let protocol = match row.protocol {
        PacketDiag::ALL => Some("all"),
        other => ethertype_name(other),
    };
    let protocol = protocol.filter(|_| !writer.view.numeric);
    writer.push(row.inode.into(), |company, rows| {
        rows.push(&PacketRow {
            socket: row,
            protocol,
            interface: interface.as_deref(),
            user: user.as_deref(),
            company,
        });
    });
}

/// Pushes the row of a netlink socket.
pub fn netlink(session: &mut Session, row: &NetlinkDiag<'_>) {
    let Some(mut writer) = Writer::of(session) else {
        return;
    };
    let protocol = writer.netlink_protocol(row.protocol);
    let pid = u32::try_from(row.port_id).ok().filter(|&pid| pid != 0);
    let comm = pid
        .filter(|_| !writer.view.numeric)
        .and_then(|pid| writer.names.process_name(pid).map(json::text));
    let context = pid
        .filter(|_| writer.view.contexts)
        .map(|pid| json::text(writer.names.process_context(pid)));
    let inode = row.inode.unwrap_or(0);
    writer.push(inode.into(), |company, rows| {
        rows.push(&NetlinkRow {
            socket: row,
            protocol: protocol.as_deref(),
            comm: comm.as_deref(),
            context: context.as_deref(),
            company,
        });
    });
}

/// Pushes the row of a vsock socket.
pub fn vsock(session: &mut Session, row: &VsockDiag) {
    let Some(writer) = Writer::of(session) else {
        return;
    };
    writer.push(row.inode.into(), |company, rows| {
        rows.push(&VsockRow {
            socket: row,
            company,
        });
    });
}

/// Pushes the row of a TIPC socket.
pub fn tipc(session: &mut Session, row: &TipcDiag<'_>) {
    let Some(mut writer) = Writer::of(session) else {
        return;
    };
    let user = row.uid.and_then(|uid| writer.user(Uid(uid)));
    writer.push(row.inode.unwrap_or(0).into(), |company, rows| {
        rows.push(&TipcRow {
            socket: row,
            user: user.as_deref(),
            company,
        });
    });
}

/// Pushes the row of an XDP socket.
pub fn xdp(session: &mut Session, row: &XdpDiag<'_>) {
    let Some(mut writer) = Writer::of(session) else {
        return;
    };
    let interface = writer.interface(row.binding.map(|binding| binding.interface));
    let user = row.uid.and_then(|uid| writer.user(Uid(uid)));
    writer.push(row.inode.into(), |company, rows| {
        rows.push(&XdpRow {
            socket: row,
            interface: interface.as_deref(),
            user: user.as_deref(),
            company,
        });
    });
}

/// The parts of a session that a row needs.
struct Writer<'s> {
    json: &'s mut Json,
    out: &'s mut Output,
    names: &'s mut Names,
    view: &'s View,
    threads: bool,
}

impl<'s> Writer<'s> {
    fn of(session: &'s mut Session) -> Option<Self> {
        Some(Self {
            json: session.json.as_mut()?,
            out: &mut session.out,
            names: &mut session.names,
            view: &session.options.view,
            threads: session.options.threads,
        })
    }

    /// Calls `write` with the company of a row and the rows it goes to.
    fn push(self, inode: u64, write: impl FnOnce(Company<'_>, &mut Rows<'_>)) {
        let Self {
            json,
            out,
            names,
            threads,
            ..
        } = self;
        if !names.complaints.is_empty() {
            let complaints = std::mem::take(&mut names.complaints);
            out.complain(&complaints);
            json.incomplete(&complaints);
        }
        let found = names.all_holders(inode);
        let found: Option<Known<&[Holder<'_>]>> = found.as_ref().map(|found| match found {
            Known::Known(holders) => Known::Known(holders.as_slice()),
            Known::Unknown(reason) => Known::Unknown(*reason),
        });
        let netns = json.netns.take();
        let company = Company {
            holders: found.map(|found| Holders { found, threads }),
            creation: None,
            netns: netns.as_ref(),
        };
        write(
            company,
            &mut Rows {
                json: &mut *json,
                out,
            },
        );
        json.netns = netns;
    }

    /// Gives the names of one end: host and service.
    fn end(
        &mut self,
        end: &DiagEndpoint,
        family: u8,
        kind: PortKind,
    ) -> (Option<String>, Option<String>) {
        let host = self.host(end.ip(family));
        let service = match end.port {
            0 => None,
            _ if self.view.numeric => None,
            port => self.names.port(kind, port).map(json::text),
        };
        (host, service)
    }

    fn host(&mut self, addr: IpAddr) -> Option<String> {
        if !self.view.resolve || addr.is_unspecified() {
            return None;
        }
        self.names.host(addr).map(json::text)
    }

    fn user(&mut self, uid: Uid) -> Option<String> {
        if self.view.numeric {
            return None;
        }
        self.names.user(uid).map(json::text)
    }

    fn interface(&mut self, index: Option<u32>) -> Option<String> {
        let index = index.filter(|&index| index != 0)?;
        Some(json::text(self.names.interface(index)))
    }

    fn netlink_protocol(&mut self, protocol: i32) -> Option<String> {
        if self.view.numeric {
            return None;
        }
        let protocol = u32::try_from(protocol).ok()?;
        self.names.netlink_protocol(protocol).map(json::text)
    }
}

/// Where a row goes.
struct Rows<'a> {
    json: &'a mut Json,
    out: &'a mut Output,
}

impl Rows<'_> {
    fn push(&mut self, row: &impl Serialize) {
        self.json.push(self.out, row);
    }
}

fn borrowed((host, service): &(Option<String>, Option<String>)) -> EndNames<'_> {
    EndNames {
        host: host.as_deref(),
        service: service.as_deref(),
    }
}
