//! What the decision needs of this machine: the sockets on the port, what their holders set, addresses
//! and settings.

use std::net::IpAddr;

use plumb_analyze::bind::{AddressSettings, Protocol, Rival, Vrf};
use plumb_collect::port_settings::PortSettings;
use plumb_collect::snapshot::{self, Request, Scope};
use plumb_collect::socket_options::{SharingOptions, read_sharing_options};
use plumb_collect::{links, netns, routing};
use plumb_model::diag::inet::AF_INET;
use plumb_model::link::Link;
use plumb_model::snapshot::{Kind, Snapshot, Socket};
use plumb_model::socket::SocketState;
use plumb_model::{Known, NetnsId, Reason};
use plumb_wire::netlink::inet_request::encode_local_port_program;

/// Of so many sockets at most the holders are asked; listeners first.
const MOST_ASKED: usize = 256;
/// The timer of a stub (`DiagTimer::code`).
const STUB_TIMER: u32 = 3;

/// The sockets on a port, in all namespaces that can be read, and where we would bind.
#[derive(Debug)]
pub struct Sockets {
    /// All of them.
    pub snapshot: Snapshot,
    /// The namespace that counts.
    pub here: NetnsId,
    /// What the holders of each have set, by place.
    options: Vec<Option<SharingOptions>>,
}

/// Reads the sockets on a port; 0 is all ports, in our namespace alone.
pub fn sockets(protocol: Protocol, port: u16) -> Sockets {
    let all = snapshot::read(&Request {
        scope: if port == 0 { Scope::Own } else { Scope::All },
        kinds: vec![match protocol {
            Protocol::Tcp => Kind::Tcp,
            Protocol::Udp => Kind::Udp,
        }],
        program: (port != 0).then(|| encode_local_port_program(port)),
        ..Request::default()
    });
    let here = netns::own().map_or(NetnsId(0), |netns| netns.id);
    let options = options(&all, here);
    Sockets {
        snapshot: all,
        here,
        options,
    }
}

/// Borrows a descriptor of a holder of each socket in our namespace.
fn options(snapshot: &Snapshot, here: NetnsId) -> Vec<Option<SharingOptions>> {
    let mut order: Vec<usize> = (0..snapshot.sockets.len()).collect();
    order.retain(|&place| snapshot.sockets.get(place).is_some_and(|s| s.netns == here));
    order.sort_by_key(|&place| !snapshot.sockets.get(place).is_some_and(Socket::is_listener));
    let mut options = vec![None; snapshot.sockets.len()];
    for place in order.into_iter().take(MOST_ASKED) {
        if let Some(slot) = options.get_mut(place) {
            *slot = options_of(snapshot, place);
        }
    }
    options
}

fn options_of(snapshot: &Snapshot, place: usize) -> Option<SharingOptions> {
    let holdings = snapshot.owners.of(place).ok()?;
    holdings.iter().find_map(|&holding| {
        let process = snapshot.owners.process(holding)?;
        read_sharing_options(process.pid, holding.how.fd()?).ok()
    })
}

impl Sockets {
    /// Gives the places of the sockets on a port in our namespace, in the order of the dump.
    pub fn on_port(&self, port: u16) -> impl Iterator<Item = usize> {
        let here = self.here;
        let on_port =
            move |socket: &Socket| socket.netns == here && socket.local.port() == Some(port);
        let all = self.snapshot.sockets.iter().enumerate();
        all.filter_map(move |(place, socket)| on_port(socket).then_some(place))
    }

    /// Gives the places of the sockets on a port in other namespaces.
    pub fn elsewhere(&self, port: u16) -> Vec<usize> {
        let all = self.snapshot.sockets.iter().enumerate();
        all.filter(|(_, socket)| socket.netns != self.here && socket.local.port() == Some(port))
            .map(|(place, _)| place)
            .collect()
    }

    /// Gives what the analysis wants to know of the sockets on a port.
    pub fn rivals(&self, port: u16) -> Vec<Rival> {
        self.on_port(port)
            .filter_map(|place| self.rival(place))
            .collect()
    }

    /// Gives what the analysis wants to know of one socket.
    pub fn rival(&self, place: usize) -> Option<Rival> {
        let socket = self.snapshot.sockets.get(place)?;
        let ip = socket.local.inet()?.ip();
        let options = self.options.get(place).copied().flatten();
        let unseen = Known::Unknown(Reason::NotInSource);
        let flag = |of: fn(SharingOptions) -> bool| match options {
            Some(options) => Known::Known(of(options)),
            None => unseen,
        };
        Some(Rival {
            place,
            ip,
            device: socket.interface,
            state: socket.state,
            is_stub: socket.timer.code == STUB_TIMER,
            uid: socket.uid,
            reuse_addr: flag(|options| options.reuse_addr),
            reuse_port: flag(|options| options.reuse_port),
            v6only: v6only(socket, ip, options),
        })
    }
}

/// sock_diag tells IPV6_V6ONLY of listeners and of sockets without connection alone.
fn v6only(socket: &Socket, ip: IpAddr, options: Option<SharingOptions>) -> Known<bool> {
    let told = [SocketState::LISTEN, SocketState::CLOSE].contains(&socket.state);
    match (ip, options.and_then(|options| options.v6only)) {
        (IpAddr::V4(_), _) => Known::Known(false),
        (_, Some(only)) => Known::Known(only),
        (_, None) if told => Known::Known(socket.v6only),
        (_, None) => Known::Unknown(Reason::NotInSource),
    }
}

/// Reads addresses and settings; what could not be read goes to `reasons`.
pub fn address_settings(ports: &PortSettings, reasons: &mut Vec<String>) -> AddressSettings {
    let mut tell = |what: &str, error: &dyn std::fmt::Display| {
        reasons.push(format!("{what} could not be read: {error}"));
    };
    let addresses = routing::dump_addresses().unwrap_or_else(|error| {
        tell("addresses of interfaces", &error);
        Vec::new()
    });
    let mut routes = routing::dump_routes(AF_INET).unwrap_or_else(|error| {
        tell("routes", &error);
        Vec::new()
    });
    let links = links::read_links().unwrap_or_else(|error| {
        tell("interfaces", &error);
        Vec::new()
    });
    let vrfs = vrfs(&links);
    let tables: Vec<u32> = vrfs.iter().filter_map(|vrf| vrf.table).collect();
    routes.retain(|route| route.table == routing::LOCAL_TABLE || tables.contains(&route.table));
    AddressSettings {
        unprivileged_start: ports.unprivileged_start,
        nonlocal_v4: ports.nonlocal_v4,
        nonlocal_v6: ports.nonlocal_v6,
        addresses,
        routes,
        interfaces: links.iter().map(|link| link.base.index).collect(),
        vrfs,
        tcp_l3mdev_accept: ports.tcp_l3mdev_accept,
    }
}

/// Gives the VRFs among the interfaces, each with what belongs to it.
fn vrfs(links: &[Link]) -> Vec<Vrf> {
    let is_vrf = |link: &&Link| link.kind.as_deref() == Some(b"vrf");
    let members = |device| {
        let belongs = links.iter().filter(|link| link.base.master == Some(device));
        belongs.map(|link| link.base.index).collect()
    };
    links
        .iter()
        .filter(is_vrf)
        .map(|link| Vrf {
            device: link.base.index,
            table: link.vrf_table,
            members: members(link.base.index),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use plumb_model::{Known, Reason, rtnl};

    use super::*;

    #[test]
    fn a_vrf_and_what_belongs_to_it_are_known_and_a_bridge_is_none() {
        let link = |index, kind: Option<&[u8]>, master| Link {
            base: rtnl::Link {
                index,
                name: b"x".to_vec(),
                flags: 0,
                hardware: 1,
                mtu: None,
                master,
                lower: None,
                operational_state: None,
            },
            tx_queue_len: Known::Unknown(Reason::NotInSource),
            address: None,
            kind: kind.map(<[u8]>::to_vec),
            vrf_table: kind.filter(|kind| kind == b"vrf").map(|_| 1010),
            carrier_changes: Known::Unknown(Reason::NotInSource),
            qdisc: None,
            statistics: Known::Unknown(Reason::NotInSource),
        };
        let links = [
            link(1, None, None),
            link(2, Some(b"vrf"), None),
            link(3, Some(b"veth"), Some(2)),
            link(4, Some(b"bridge"), None),
            link(5, Some(b"veth"), Some(4)),
        ];
        let expected = Vrf {
            device: 2,
            table: Some(1010),
            members: vec![3],
        };
        assert_eq!(vrfs(&links), [expected]);
    }
}
