//! What this host itself would do with a packet: rule, table, route, source, next hop, neighbour, MTU.

use std::net::{IpAddr, SocketAddr};

use plumb_analyze::path::{Packet, decide_route};
use plumb_collect::routing;
use plumb_model::diag::inet::{AF_INET, AF_INET6};
use plumb_model::rtnl::{Dscp, Link, Neighbour, Route, RouteType, Rule};
use plumb_present::json;
use plumb_wire::netlink::rtnetlink::route::RouteQuestion;
use serde::Serialize;

use crate::errno;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    /// Whereto.
    pub destination: SocketAddr,
    /// The source asked for.
    pub source: Option<IpAddr>,
    /// Index of the interface asked for, 0 for none.
    pub device: u32,
    /// IP protocol of the packet.
    pub protocol: u8,
    /// Its type of service.
    pub tos: u8,
}

/// The answer.
#[derive(Debug, Clone, Serialize, Default)]
pub struct Local {
    /// The rule that decides, as `ip rule` writes it.
    pub rule: Option<String>,
    /// Its priority.
    pub rule_priority: Option<u32>,
    /// Why the rule is not known: another before it asks for what cannot be told from here.
    pub rule_unknown: Option<String>,
    /// The table.
    pub table: Option<u32>,
    /// What the route does, as `unicast`, `local`, `unreachable`.
    pub kind: Option<String>,
    /// The route's network, as `10.0.0.0/8` or `default`.
    pub network: Option<String>,
    /// Why there is no way: the name of the error.
    pub errno: Option<String>,
    /// The interface.
    pub interface: Option<String>,
    /// Whether it is up and has a carrier.
    pub interface_up: Option<bool>,
    /// The router; none where the destination is on the link.
    pub gateway: Option<IpAddr>,
    /// The source address.
    pub source: Option<IpAddr>,
    /// Largest packet of the interface, bytes.
    pub link_mtu: Option<u32>,
    /// Largest packet that the route allows or the kernel has learned, bytes.
    pub route_mtu: Option<u32>,
    /// Seconds until what it has learned is forgotten.
    pub route_expires_s: Option<u32>,
    /// Whose link layer address is needed; none where none is.
    pub next_hop: Option<IpAddr>,
    /// What is known of it, as `REACHABLE`; none where nothing is.
    pub neighbour_state: Option<String>,
    /// The link layer address.
    pub neighbour_address: Option<String>,
    /// The routers of the table's entry, where it has several and the flow decides.
    #[serde(skip)]
    pub gateways: Vec<IpAddr>,
    /// Index of the interface.
    #[serde(skip)]
    pub interface_index: u32,
    /// It is this host itself that is asked for, and its loopback interface is down.
    #[serde(skip)]
    pub loopback_down: bool,
    /// The source asked for, where no interface has it.
    #[serde(skip)]
    pub foreign_source: Option<IpAddr>,
}

/// Asks the kernel; what could not be read goes to `reasons`.
pub fn ask(question: &Question, reasons: &mut Vec<String>) -> Local {
    let family = if question.destination.is_ipv6() {
        AF_INET6
    } else {
        AF_INET
    };
    let mut read = |what: &str, error: &dyn std::fmt::Display| {
        reasons.push(format!("{what} could not be read: {error}"));
    };
    let rules = routing::dump_rules(family).unwrap_or_else(|error| {
        read("routing rules", &error);
        Vec::new()
    });
    let routes = routing::dump_routes(family).unwrap_or_else(|error| {
        read("routes", &error);
        Vec::new()
    });
    let links = routing::dump_links().unwrap_or_else(|error| {
        read("interfaces", &error);
        Vec::new()
    });
    let mut local = Local::default();
    local.decide(question, &rules, &routes, &links);
    let asked = RouteQuestion {
        source: question.source,
        interface: scope(question),
        uid: Some(rustix::process::geteuid().as_raw()),
        // Without one the kernel takes UDP for granted.
        transport: Some((question.protocol, question.destination.port())),
        tos: question.tos,
        ..RouteQuestion::new(question.destination.ip())
    };
    match routing::ask_route(&asked) {
        Ok(route) => {
            local.take(&route, question, &links);
            // Older kernels do not know this question, or answer it as the other.
            let entry = routing::ask_route(&RouteQuestion {
                entry: true,
                ..asked
            });
            let same = |entry: &Route| !entry.is_learned && local.table == Some(entry.table);
            if let Some(entry) = entry.ok().filter(same) {
                local.take_entry(&entry);
            }
        }
        Err(error) => {
            local.loopback_down = question.destination.ip().is_loopback()
                && links.iter().any(|link| link.name == b"lo" && !link.is_up());
            local.foreign_source = question.source.filter(|source| !is_ours(*source));
            local.errno = Some(
                errno::name(error)
                    .map_or_else(|| format!("errno {}", error.raw_os_error()), str::to_owned),
            );
        }
    }
    local.look_at_neighbour();
    local
}

/// Says whether an interface has this address; yes where that cannot be told.
fn is_ours(ip: IpAddr) -> bool {
    let addresses = routing::dump_addresses();
    addresses.map_or(true, |all| all.iter().any(|address| address.ip == ip))
}

/// The interface named by option or in the address.
fn scope(question: &Question) -> Option<u32> {
    let scope = match question.destination {
        SocketAddr::V6(address) => address.scope_id(),
        SocketAddr::V4(_) => 0,
    };
    [question.device, scope]
        .into_iter()
        .find(|&index| index != 0)
}

impl Local {
    /// Says whether the packet leaves or is for this host.
    pub fn has_way(&self) -> bool {
        self.errno.is_none()
    }

    /// Gives the word for a destination that is more than one host's, if it is.
    pub fn is_of_many(&self) -> Option<&'static str> {
        match self.kind.as_deref() {
            Some("broadcast") => Some("broadcast"),
            Some("multicast") => Some("multicast"),
            _ => None,
        }
    }

    /// Says whether an answer is this host's own, to a packet for another.
    pub fn is_own(&self, from: IpAddr) -> bool {
        self.source == Some(from) && self.kind.as_deref() != Some("local")
    }

    /// Says why nothing leaves this host, where that is known: stable word and sentence.
    pub fn leaves_not(&self) -> Option<(&'static str, String)> {
        let interface = self.interface.as_deref().unwrap_or("-");
        if self.interface_up == Some(false) {
            let text = format!("nothing leaves this host: {interface} is down or has no carrier");
            return Some(("interface-down", text));
        }
        let state = self.neighbour_state.as_deref();
        let next_hop = self.next_hop?;
        matches!(state, Some("INCOMPLETE" | "FAILED")).then(|| {
            let text = format!(
                "nothing leaves this host: nobody on the link of {interface} answers for {next_hop}"
            );
            ("next-hop-silent", text)
        })
    }

    /// Gives the largest packet that this host would send, bytes.
    pub fn mtu(&self) -> Option<u32> {
        self.route_mtu.or(self.link_mtu)
    }

    /// Gives the largest packet to try: what the kernel has learned of the way may be old, and is not what the way takes.
    pub fn mtu_to_try(&self) -> Option<u32> {
        let fixed = self.route_mtu.filter(|_| self.route_expires_s.is_none());
        fixed.or(self.link_mtu)
    }

    /// Finds the rule and the entry of its table, which the kernel does not tell.
    fn decide(&mut self, question: &Question, rules: &[Rule], routes: &[Route], links: &[Link]) {
        let index = scope(question);
        let link = links.iter().find(|link| Some(link.index) == index);
        let packet = Packet {
            destination: question.destination.ip(),
            source: question.source,
            interface: link.map(|link| (link.name.as_slice(), link.index)),
            mark: 0,
            uid: rustix::process::geteuid().as_raw(),
            protocol: question.protocol,
            port: question.destination.port(),
            tos: question.tos,
        };
        let decided = match decide_route(rules, routes, &packet) {
            Ok(Some(decided)) => decided,
            Ok(None) => return,
            Err(undecided) => {
                let (rule, test) = (undecided.rule, undecided.test);
                self.rule_unknown = Some(format!(
                    "rule {} ({}) asks for {test}, which cannot be told from here",
                    rule.priority,
                    rule_text(rule)
                ));
                return;
            }
        };
        self.rule = Some(rule_text(decided.rule));
        self.rule_priority = Some(decided.rule.priority);
        let Some(route) = decided.route else {
            self.kind = decided.rule.action.word().map(str::to_owned);
            return;
        };
        self.table = Some(route.table);
        self.kind = Some(kind_text(route.kind));
        self.take_entry(route);
    }

    /// Takes what only the entry of a table tells.
    fn take_entry(&mut self, entry: &Route) {
        let hops = entry.next_hops.iter();
        self.gateways = hops.filter_map(|hop| hop.gateway).collect();
        self.network = Some(match entry.destination {
            Some(ip) => format!("{ip}/{}", entry.prefix_len),
            None => String::from("default"),
        });
    }

    /// Takes the kernel's answer, which has the last word.
    fn take(&mut self, route: &Route, question: &Question, links: &[Link]) {
        let kind = kind_text(route.kind);
        // Where nobody added a rule, the local table is a part of the main one and called by its name.
        let same_table =
            self.table == Some(route.table) || self.table == Some(routing::LOCAL_TABLE);
        if !same_table || self.kind.as_deref() != Some(&kind) {
            self.rule = None;
            self.rule_priority = None;
            self.network = None;
            self.table = Some(route.table).filter(|&table| table != 0);
            let by_device = route.gateway.is_none() && scope(question).is_some();
            let why = if by_device && route.kind == RouteType::UNICAST {
                "no table has a route by that interface, so the kernel takes the destination for one on its link"
            } else {
                "the kernel's route is another than the one that the rules lead to"
            };
            self.rule_unknown.get_or_insert_with(|| why.to_owned());
        }
        self.kind = Some(kind);
        self.gateway = route.gateway;
        self.source = route.source.or(question.source);
        self.route_mtu = route.mtu;
        self.route_expires_s = route.expires_s.filter(|&seconds| seconds > 0);
        let link = links
            .iter()
            .find(|link| Some(link.index) == route.interface);
        if let Some(link) = link {
            self.interface = Some(json::text(&link.name));
            self.interface_index = link.index;
            self.interface_up = Some(link.is_up() && link.has_carrier());
            self.link_mtu = link.mtu;
            let needed = route.kind == RouteType::UNICAST && !link.needs_no_neighbour();
            self.next_hop = needed.then(|| route.gateway.unwrap_or(question.destination.ip()));
        }
    }

    /// Looks the next hop up in the neighbour table, now.
    pub fn look_at_neighbour(&mut self) {
        let Some(next_hop) = self.next_hop else {
            return;
        };
        let family = if next_hop.is_ipv6() {
            AF_INET6
        } else {
            AF_INET
        };
        let all = routing::dump_neighbours(family).unwrap_or_default();
        let is_it = |neighbour: &&Neighbour| {
            neighbour.ip == next_hop && neighbour.interface == self.interface_index
        };
        if let Some(found) = all.iter().find(is_it) {
            self.neighbour_state = found.state_word().map(str::to_owned);
            self.neighbour_address = found.link_address.as_deref().map(hex);
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.join(":")
}

fn kind_text(kind: RouteType) -> String {
    kind.word()
        .map_or_else(|| format!("type {}", kind.0), str::to_owned)
}

/// Gives the name that a table has everywhere.
pub fn table_name(table: u32) -> String {
    match table {
        253 => String::from("default"),
        254 => String::from("main"),
        255 => String::from("local"),
        other => other.to_string(),
    }
}

/// Writes a rule as `ip rule` does, as far as it can be written in a line.
fn rule_text(rule: &Rule) -> String {
    let mut words = Vec::new();
    if rule.inverted {
        words.push(String::from("not"));
    }
    words.push(match rule.source {
        Some(prefix) => format!("from {}/{}", prefix.ip, prefix.len),
        None => String::from("from all"),
    });
    if let Some(prefix) = rule.destination {
        words.push(format!("to {}/{}", prefix.ip, prefix.len));
    }
    if rule.tos != 0 {
        words.push(format!("tos {:#04x}", rule.tos));
    }
    if let Some(dscp) = rule.dscp {
        words.push(if dscp.mask == Dscp::ALL_BITS {
            format!("dscp {:#04x}", dscp.value)
        } else {
            format!("dscp {:#04x}/{:#04x}", dscp.value, dscp.mask)
        });
    }
    if let Some((mark, mask)) = rule.mark {
        words.push(format!("fwmark {mark:#x}/{mask:#x}"));
    }
    for (word, name) in [("iif", &rule.incoming), ("oif", &rule.outgoing)] {
        words.extend(
            name.as_ref()
                .map(|name| format!("{word} {}", json::text(name))),
        );
    }
    words.extend(
        rule.users
            .map(|(first, last)| format!("uidrange {first}-{last}")),
    );
    words.extend(rule.protocol.map(|protocol| format!("ipproto {protocol}")));
    words.extend(
        rule.destination_ports
            .map(|(a, b)| format!("dport {a}-{b}")),
    );
    let action = rule.action.word().unwrap_or("action unknown");
    words.push(match action {
        "lookup" if rule.l3mdev => String::from("lookup [l3mdev-table]"),
        "lookup" => format!("lookup {}", table_name(rule.table)),
        "goto" => format!("goto {}", rule.target.unwrap_or(0)),
        other => other.to_owned(),
    });
    words.join(" ")
}
