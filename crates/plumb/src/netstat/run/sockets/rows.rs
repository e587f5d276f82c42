//! Turns sockets into rows: which of them are shown, with which texts.
//!
//! One `Rows` serves a whole listing. It owns the scratch buffers, so that a row costs no
//! allocation, and asks the name services only for what a column will show.

use std::borrow::Cow;
use std::net::IpAddr;

use plumb_collect::names::{Names, ServiceKind};
use plumb_model::socket::{Endpoint, InetProtocol, InetSocket, IpVersion};
use plumb_model::unix::UnixSocket;
use plumb_model::{Inode, NetnsId, Port, Uid};
use plumb_present::json;
use plumb_present::json::sockets::{Company, EndNames, InetRow, UnixRow};
use plumb_present::netstat::address::{Width, without_mapped_prefix, write_address, write_port};
use plumb_present::netstat::inet::{
    Columns, EndpointText, Extras, Shown, UserText, write_extras, write_fixed, write_timer,
};
use plumb_present::netstat::unix;
use plumb_present::sanitize;

use super::creations::subject;
use super::owner_texts::{OwnerTexts, known};
use crate::creations::Creations;
use crate::netstat::options::{Numeric, Options, SocketFilter};

/// Texts of one row, reused for the next.
#[derive(Default)]
struct Scratch {
    local_addr: Vec<u8>,
    local_port: Vec<u8>,
    peer_addr: Vec<u8>,
    peer_port: Vec<u8>,
    program: Vec<u8>,
}

/// The writer of a listing's rows.
pub struct Rows {
    /// The optional columns.
    pub columns: Columns,
    /// Owners of the listed sockets.
    pub owners: OwnerTexts,
    /// Names looked up so far.
    pub names: Names,
    /// With --stack: which code made the sockets.
    pub creations: Option<Creations>,
    filter: SocketFilter,
    numeric: Numeric,
    width: Width,
    terminal: bool,
    scratch: Scratch,
}

impl Rows {
    /// Prepares for a listing; `terminal` says whether outside text must be made safe.
    pub fn new(options: &Options, names: Names, terminal: bool) -> Self {
        Self {
            columns: Columns {
                extend: options.extend > 0,
                programs: options.programs,
                contexts: options.contexts,
                timers: options.timers,
            },
            owners: OwnerTexts::new(terminal),
            names,
            creations: options.stack.then(Creations::look),
            filter: options.filter,
            numeric: options.numeric,
            width: if options.wide {
                Width::Wide
            } else {
                Width::Column
            },
            terminal,
            scratch: Scratch::default(),
        }
    }

    /// Says what the title announces.
    pub fn shown(&self) -> Shown {
        match self.filter {
            SocketFilter::Connected => Shown::Connected,
            SocketFilter::Listening => Shown::Servers,
            SocketFilter::All => Shown::Both,
        }
    }

    /// Says whether rows wait for name services, so that each is worth showing at once.
    pub fn is_slow(&self) -> bool {
        !self.numeric.hosts
    }

    /// Looks up the host names that the rows of these sockets will show, if they show any.
    pub fn prefetch_names<'s>(
        &mut self,
        sockets: impl Iterator<Item = (InetProtocol, &'s InetSocket)>,
    ) {
        if !self.is_slow() {
            return;
        }
        let mut addrs = Vec::new();
        for (protocol, socket) in sockets {
            if self.shows(protocol, socket) {
                addrs.extend([socket.local.addr, socket.peer.addr]);
            }
        }
        self.names
            .prefetch_hosts(addrs.into_iter().filter(|addr| !addr.is_unspecified()));
    }

    /// Says whether a socket is a row. TCP goes by the peer's port, the others by its address.
    pub fn shows(&self, protocol: InetProtocol, socket: &InetSocket) -> bool {
        let unconnected = match protocol {
            InetProtocol::Tcp => socket.peer.port == Port(0),
            InetProtocol::Udp | InetProtocol::UdpLite | InetProtocol::Raw => {
                socket.peer.addr.is_unspecified()
            }
        };
        match self.filter {
            SocketFilter::All => true,
            SocketFilter::Listening => unconnected,
            SocketFilter::Connected => !unconnected,
        }
    }

    /// Says whether a UNIX socket is a row.
    pub fn shows_unix(&self, socket: &UnixSocket) -> bool {
        match self.filter {
            SocketFilter::All => true,
            SocketFilter::Listening => socket.is_listening(),
            SocketFilter::Connected => !socket.is_listening(),
        }
    }

    /// Appends the row of an Internet socket.
    pub fn write_inet(
        &mut self,
        out: &mut Vec<u8>,
        table: (InetProtocol, IpVersion),
        socket: &InetSocket,
    ) {
        let kind = service_kind(table.0);
        let mut scratch = std::mem::take(&mut self.scratch);
        self.endpoint(
            &socket.local,
            kind,
            &mut scratch.local_addr,
            &mut scratch.local_port,
        );
        self.endpoint(
            &socket.peer,
            kind,
            &mut scratch.peer_addr,
            &mut scratch.peer_port,
        );
        let local = EndpointText {
            addr: &scratch.local_addr,
            port: &scratch.local_port,
        };
        let peer = EndpointText {
            addr: &scratch.peer_addr,
            port: &scratch.peer_port,
        };
        write_fixed(out, table, socket, (local, peer), self.width);
        self.write_extras(out, socket.raw_uid, socket.raw_inode, &mut scratch.program);
        if self.columns.timers {
            write_timer(out, table.0, &socket.timer);
        }
        out.push(b'\n');
        self.scratch = scratch;
    }

    /// Appends the optional columns of a row, the timer excepted.
    fn write_extras(&mut self, out: &mut Vec<u8>, uid: Uid, inode: Inode, program: &mut Vec<u8>) {
        if self.columns == Columns::default() {
            return;
        }
        program.clear();
        self.owners.write_program(program, inode);
        let name = if self.columns.extend && !self.numeric.users {
            self.names.user(uid)
        } else {
            None
        };
        let name = name.map(|name| safe(name, self.terminal));
        let extras = Extras {
            user: match &name {
                Some(name) => UserText::Name(name),
                None => UserText::Number(uid.0.cast_signed()),
            },
            inode,
            program,
            context: &self.owners.context(inode),
        };
        write_extras(out, self.columns, &extras);
    }

    /// Gives the bytes of the optional columns for a table that writes its own rows (SCTP).
    pub fn extras(&mut self, uid: Uid, inode: Inode) -> Vec<u8> {
        let mut out = Vec::new();
        let mut program = Vec::new();
        self.write_extras(&mut out, uid, inode, &mut program);
        if self.columns.timers {
            // SCTP has no timer text, only the blank before it.
            out.push(b' ');
        }
        out
    }

    /// Appends the row of a UNIX socket.
    pub fn write_unix(&mut self, out: &mut Vec<u8>, socket: &UnixSocket) {
        let inode = socket.inode.unwrap_or(Inode(0));
        let mut program = std::mem::take(&mut self.scratch.program);
        program.clear();
        self.owners.write_program(&mut program, inode);
        let extras = Extras {
            user: UserText::Number(0),
            inode,
            program: &program,
            context: &self.owners.context(inode),
        };
        unix::write_row(
            out,
            socket,
            &safe(&socket.path, self.terminal),
            self.columns,
            &extras,
        );
        self.scratch.program = program;
    }

    /// Builds the JSON row of an Internet socket and hands it to `push`.
    pub fn json_inet(
        &mut self,
        table: (InetProtocol, IpVersion),
        socket: &InetSocket,
        netns: Option<json::Netns>,
        push: impl FnOnce(&InetRow<'_>),
    ) {
        let kind = service_kind(table.0);
        let local = self.end_names(&socket.local, kind);
        let peer = self.end_names(&socket.peer, kind);
        let uid = socket.uid().ok().filter(|_| !self.numeric.users);
        let user = uid.and_then(|uid| self.names.user(uid).map(json::text));
        let netns_id = netns.as_ref().map(|netns| NetnsId(netns.inode));
        let creations = self.creations.as_mut();
        let creation = creations.map(|of| of.members(subject(table.0, socket), netns_id));
        let company = Company {
            local: borrowed(&local),
            peer: borrowed(&peer),
            user: user.as_deref(),
            owner: self.owners.owner(socket.inode()),
            creation,
            netns,
        };
        push(&InetRow::new(table, socket, company));
    }

    /// Builds the JSON row of a UNIX socket.
    pub fn json_unix(&self, socket: &UnixSocket, netns: Option<json::Netns>) -> UnixRow {
        let owner = self.owners.owner(known(socket.inode.unwrap_or(Inode(0))));
        UnixRow::new(socket, owner, netns)
    }

    /// Puts the two texts of an endpoint into the buffers.
    fn endpoint(
        &mut self,
        end: &Endpoint,
        kind: ServiceKind,
        addr: &mut Vec<u8>,
        port: &mut Vec<u8>,
    ) {
        addr.clear();
        port.clear();
        if self.numeric.hosts {
            write_address(addr, end.addr);
        } else {
            self.host_text(end.addr, addr);
        }
        let terminal = self.terminal;
        match self.service(end.port, kind) {
            Some(name) if terminal => port.extend_from_slice(&sanitize::for_terminal(name)),
            Some(name) => port.extend_from_slice(name),
            None => write_port(port, end.port),
        }
    }

    fn service(&mut self, port: Port, kind: ServiceKind) -> Option<&[u8]> {
        match port.0 & 0xffff {
            0 => None,
            _ if self.numeric.ports => None,
            number => self.names.service(kind, number),
        }
    }

    fn host_text(&mut self, addr: IpAddr, text: &mut Vec<u8>) {
        match addr {
            IpAddr::V6(v6) if v6.is_unspecified() => return text.extend_from_slice(b"[::]"),
            IpAddr::V4(v4) if v4.is_unspecified() => return text.extend_from_slice(b"0.0.0.0"),
            IpAddr::V4(_) | IpAddr::V6(_) => {}
        }
        let terminal = self.terminal;
        match self.names.host(addr).map(without_mapped_prefix) {
            Some(name) if terminal => text.extend_from_slice(&sanitize::for_terminal(name)),
            Some(name) => text.extend_from_slice(name),
            None => write_address(text, addr),
        }
    }

    /// Looks up the names of an endpoint for JSON: (host, service).
    fn end_names(&mut self, end: &Endpoint, kind: ServiceKind) -> (Option<String>, Option<String>) {
        let host = if self.numeric.hosts || end.addr.is_unspecified() {
            None
        } else {
            self.names.host(end.addr).map(json::text)
        };
        (host, self.service(end.port, kind).map(json::text))
    }
}

/// Makes outside text safe for a terminal, where one will show it.
fn safe(text: &[u8], terminal: bool) -> Cow<'_, [u8]> {
    if terminal {
        sanitize::for_terminal(text)
    } else {
        Cow::Borrowed(text)
    }
}

fn borrowed((host, service): &(Option<String>, Option<String>)) -> EndNames<'_> {
    EndNames {
        host: host.as_deref(),
        service: service.as_deref(),
    }
}

fn service_kind(protocol: InetProtocol) -> ServiceKind {
    match protocol {
        InetProtocol::Tcp => ServiceKind::Tcp,
        InetProtocol::Udp | InetProtocol::UdpLite => ServiceKind::Udp,
        InetProtocol::Raw => ServiceKind::Raw,
    }
}
