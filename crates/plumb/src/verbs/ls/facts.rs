//! What a filter may ask of a row, before its holders are known and after.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use plumb_filter::{Attribute, End, Fact, Family, Owner, Owners, Row as FilterRow, Side, Texts};
use plumb_model::attribution::{Container, Pod, Process};
use plumb_model::snapshot::{End as SocketEnd, Namespace, Socket};
use plumb_model::{Known, Reason};

use super::columns::OWN;
use super::endpoint::unix_name;
use super::row::Row;
use crate::facts;
use crate::verbs::unseen::is_certain;

/// A socket as far as a filter looks at it.
pub struct Facts<'s> {
    socket: &'s Socket,
    namespace: Option<&'s Namespace>,
    /// The whole row, once holders were looked for.
    row: Option<Row<'s>>,
    ephemeral_ports: RangeInclusive<i64>,
    local: Place<'s>,
    peer: Place<'s>,
}

/// One end, in the terms the filter compares.
struct Place<'s> {
    address: Address,
    port: i64,
    name: Option<Cow<'s, [u8]>>,
}

enum Address {
    None,
    Four([u8; 4]),
    Sixteen([u8; 16]),
}

impl<'s> Facts<'s> {
    /// Looks at a socket whose holders are not known yet.
    pub fn early(
        socket: &'s Socket,
        namespace: &'s Namespace,
        ports: &RangeInclusive<i64>,
    ) -> Self {
        Self::new(socket, Some(namespace), None, ports)
    }

    /// Looks at a whole row.
    pub fn whole(row: Row<'s>, ports: &RangeInclusive<i64>) -> Self {
        Self::new(row.socket, row.namespace(), Some(row), ports)
    }

    fn new(
        socket: &'s Socket,
        namespace: Option<&'s Namespace>,
        row: Option<Row<'s>>,
        ports: &RangeInclusive<i64>,
    ) -> Self {
        Self {
            socket,
            namespace,
            row,
            ephemeral_ports: ports.clone(),
            local: Place::of(&socket.local, socket.interface),
            peer: Place::of(&socket.peer, 0),
        }
    }

    fn queue(&self, fact: Fact) -> Known<u64> {
        let socket = self.socket;
        match fact {
            Fact::SendQ => socket.send_q,
            Fact::Unread if socket.is_listener() => Known::Unknown(Reason::NotInSource),
            _ => socket.recv_q,
        }
    }

    /// The texts of every process that holds it.
    fn of_processes(
        &self,
        texts: impl Fn(&'s Process, &mut Vec<Cow<'s, [u8]>>) -> bool,
    ) -> Texts<'s> {
        let Some(row) = self.row else {
            return Texts::default();
        };
        let mut found = Vec::new();
        let mut complete = self.owners_are_complete();
        for process in row.processes() {
            complete &= texts(process, &mut found);
        }
        Texts { found, complete }
    }

    /// Whether it can have no holders beyond those that are known.
    fn owners_are_complete(&self) -> bool {
        let Some(row) = self.row else { return false };
        row.owner_unknown().is_none_or(is_certain) && !row.view.snapshot.owners.is_empty()
    }

    fn peer_texts(&self, attribute: Attribute) -> Texts<'s> {
        let Some(row) = self.row.filter(|row| !row.view.snapshot.peers.is_empty()) else {
            return Texts::default();
        };
        let Some(peer) = row.peer() else {
            // Its other end is not on this host, or has none.
            return Texts::all(Vec::new());
        };
        let text = |process: &'s Process| -> Cow<'s, [u8]> {
            match attribute {
                Attribute::PeerPid => process.pid.0.to_string().into_bytes().into(),
                _ => process.comm.as_slice().into(),
            }
        };
        Texts {
            found: peer.processes().into_iter().map(text).collect(),
            complete: peer.owner_unknown().is_none_or(is_certain),
        }
    }

    fn netns_names(&self) -> Texts<'s> {
        let Some(namespace) = self.namespace else {
            return Texts::default();
        };
        let own = namespace.is_own.then_some(OWN.as_bytes());
        let names = own.into_iter().chain(namespace.name.as_deref());
        Texts::all(names.map(Cow::Borrowed).collect())
    }

    fn interface_name(&self) -> Texts<'s> {
        if self.socket.interface == 0 {
            return Texts::all(Vec::new());
        }
        match self.row.and_then(|row| row.interface()) {
            Some(name) => Texts::all(vec![name.into()]),
            None => Texts::default(),
        }
    }

    fn related(&self) -> Texts<'s> {
        let Some(row) = self.row.filter(|row| !row.view.snapshot.owners.is_empty()) else {
            return Texts::default();
        };
        let name = row
            .related()
            .map(|process| Cow::Borrowed(process.comm.as_slice()));
        Texts::all(name.into_iter().collect())
    }

    fn owner_unknown(&self) -> Texts<'s> {
        let Some(row) = self.row.filter(|row| !row.view.snapshot.owners.is_empty()) else {
            return Texts::default();
        };
        facts::all(row.owner_unknown().map(Reason::word))
    }
}

/// Says whether what was asked might have been known if we could look; a listener has no round trip time, and
/// nobody misses it.
pub fn could_be_known(row: &Row<'_>) -> bool {
    row.owner_unknown()
        .is_some_and(|reason| !is_certain(reason))
}

impl<'s> Place<'s> {
    fn of(end: &'s SocketEnd, interface: u32) -> Self {
        let word = |word: u32| Address::Four(word.to_ne_bytes());
        let (address, port, name) = match end {
            SocketEnd::None => (Address::None, 0, None),
            SocketEnd::Inet(end) => {
                let address = match end.ip() {
                    std::net::IpAddr::V4(ip) => Address::Four(ip.octets()),
                    std::net::IpAddr::V6(ip) => Address::Sixteen(ip.octets()),
                };
                (address, i64::from(end.port()), None)
            }
            SocketEnd::Unix { name, inode } => {
                let name = name
                    .as_deref()
                    .map(|name| Cow::Owned(unix_name(name).into_bytes()));
                let port = i64::try_from(inode.0).unwrap_or(i64::MAX);
                (Address::None, port, name)
            }
            SocketEnd::Packet { protocol } => {
                (word(u32::from(*protocol)), i64::from(interface), None)
            }
            SocketEnd::Netlink { protocol, port_id } => {
                (Address::Four(protocol.to_ne_bytes()), *port_id, None)
            }
            SocketEnd::Vsock { cid, port } => (word(*cid), i64::from(*port), None),
        };
        Self {
            address,
            port,
            name,
        }
    }
}

impl FilterRow for Facts<'_> {
    fn family(&self) -> Family {
        match &self.socket.local {
            SocketEnd::Inet(end) if end.is_ipv4() => Family::Inet,
            SocketEnd::Inet(_) | SocketEnd::None => Family::Inet6,
            SocketEnd::Unix { .. } => Family::Unix,
            SocketEnd::Packet { .. } => Family::Link,
            SocketEnd::Netlink { .. } => Family::Netlink,
            SocketEnd::Vsock { .. } => Family::Vsock,
        }
    }

    fn end(&self, side: Side) -> End<'_> {
        let place = match side {
            Side::Local => &self.local,
            Side::Peer => &self.peer,
        };
        End {
            address: match &place.address {
                Address::None => &[],
                Address::Four(bytes) => bytes,
                Address::Sixteen(bytes) => bytes,
            },
            port: place.port,
            name: place.name.as_deref(),
        }
    }

    fn device(&self) -> u32 {
        self.socket.interface
    }

    fn mark(&self) -> u32 {
        self.socket.mark.ok().unwrap_or(0)
    }

    fn cgroup(&self) -> u64 {
        self.socket.cgroup.ok().unwrap_or(0)
    }

    fn ephemeral_ports(&self) -> RangeInclusive<i64> {
        self.ephemeral_ports.clone()
    }

    fn state(&self) -> Known<u8> {
        let state = u8::try_from(self.socket.state.0);
        state.map_or(Known::Unknown(Reason::NotSupported), Known::Known)
    }

    fn number(&self, fact: Fact) -> Known<u64> {
        let socket = self.socket;
        match fact {
            Fact::RecvQ | Fact::SendQ | Fact::Unread => self.queue(fact),
            Fact::Inode => socket.inode.map(|inode| inode.0),
            Fact::Cookie => socket.cookie.map(|cookie| cookie.0),
            Fact::Uid => socket.uid.map(|uid| uid.0.into()),
            Fact::Netns => Known::Known(socket.netns.0),
            _ => super::number(socket, fact),
        }
    }

    fn texts(&self, attribute: Attribute) -> Texts<'_> {
        match attribute {
            Attribute::Kind => facts::all(facts::kind_words(self.socket.kind).iter().copied()),
            Attribute::Timer => facts::all([facts::timer_word(self.socket.timer)]),
            Attribute::Netns => self.netns_names(),
            Attribute::Interface => self.interface_name(),
            Attribute::OwnerUnknown => self.owner_unknown(),
            Attribute::Related => self.related(),
            Attribute::PeerProcess | Attribute::PeerPid => self.peer_texts(attribute),
            Attribute::Exe => self.of_processes(|process, found| match &process.exe {
                Known::Known(exe) => {
                    found.push(exe.path.as_slice().into());
                    true
                }
                Known::Unknown(_) => false,
            }),
            Attribute::Cmdline => self.of_processes(|process, found| match &process.cmdline {
                Known::Known(line) => {
                    found.push(spaced(line).into());
                    true
                }
                Known::Unknown(_) => false,
            }),
            Attribute::Unit => self.of_workloads(|process, found| {
                found.extend(process.workload.unit.as_deref().map(Cow::Borrowed));
            }),
            Attribute::Container => self.of_workloads(|process, found| {
                found.extend(process.workload.container.iter().flat_map(container_texts));
            }),
            Attribute::Pod => self.of_workloads(|process, found| {
                found.extend(process.workload.pod.iter().flat_map(pod_texts));
            }),
            _ => Texts::default(),
        }
    }

    fn owners(&self) -> Owners<'_> {
        let holdings = self.row.and_then(|row| row.holdings().ok());
        let owner = |holding: &plumb_model::attribution::Holding| {
            let process = self.row?.process(*holding)?;
            Some(Owner {
                pid: process.pid.0,
                comm: &process.comm,
                fd: holding.how.fd(),
            })
        };
        Owners {
            found: holdings
                .unwrap_or_default()
                .iter()
                .filter_map(owner)
                .collect(),
            complete: self.owners_are_complete(),
        }
    }
}

impl<'s> Facts<'s> {
    /// The texts of what the holders' cgroups say, which is nothing where a cgroup is not known.
    fn of_workloads(&self, texts: impl Fn(&'s Process, &mut Vec<Cow<'s, [u8]>>)) -> Texts<'s> {
        self.of_processes(|process, found| {
            texts(process, found);
            process.cgroup.reason().is_none()
        })
    }
}

/// Gives what a container is called.
pub fn container_texts(container: &Container) -> impl Iterator<Item = Cow<'_, [u8]>> {
    let texts = [Some(container.id.as_slice()), container.name.as_deref()];
    texts.into_iter().flatten().map(Cow::Borrowed)
}

/// Gives what a pod is called.
pub fn pod_texts(pod: &Pod) -> impl Iterator<Item = Cow<'_, [u8]>> {
    let texts = [Some(pod.uid.as_slice()), pod.name.as_deref()];
    texts.into_iter().flatten().map(Cow::Borrowed)
}

/// A command line with blanks between its arguments.
pub fn spaced(cmdline: &[u8]) -> Vec<u8> {
    let line = cmdline.strip_suffix(b"\0").unwrap_or(cmdline);
    line.iter()
        .map(|&byte| if byte == 0 { b' ' } else { byte })
        .collect()
}
