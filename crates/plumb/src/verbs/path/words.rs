//! The way in sentences: what this host does, how the way ends, what is strange about it.

use std::net::IpAddr;

use plumb_analyze::path::{End, Impostor, Strange, Word};
use plumb_collect::probe::Method;

use super::local::{Local, table_name};
use super::mtu::PathMtu;
use super::trace::{Measured, Plan};

/// Says what this host would do, for people.
pub fn local(local: &Local, destination: &str) -> Vec<String> {
    let mut lines = vec![format!("to {destination}: {}", route(local))];
    if let Some(rule) = &local.rule {
        let priority = local.rule_priority.unwrap_or(0);
        let table = local.table.map_or_else(|| String::from("-"), table_name);
        let network = local.network.as_deref().unwrap_or("-");
        lines.push(format!(
            "  rule {priority}: {rule}; table {table}, route {network}"
        ));
    } else if let Some(table) = local.table {
        lines.push(format!("  table {}", table_name(table)));
    }
    if let Some(unknown) = &local.rule_unknown {
        lines.push(format!("  which rule decides is not known: {unknown}"));
    }
    if let Some(next_hop) = local.next_hop {
        lines.push(format!("  next hop {next_hop}: {}", neighbour(local)));
    }
    if let Some(mtu) = local.mtu() {
        let learned = match (local.route_mtu, local.route_expires_s) {
            (Some(_), Some(seconds)) => format!(" (learned, for another {seconds} s)"),
            (Some(_), None) => String::from(" (of the route)"),
            (None, _) => String::new(),
        };
        lines.push(format!("  MTU {mtu}{learned}"));
    }
    lines
}

fn route(local: &Local) -> String {
    if let (Some(errno), Some(source)) = (&local.errno, local.foreign_source) {
        return format!("no way ({errno}): no interface of this host has the source {source}");
    }
    if let Some(errno) = &local.errno {
        return match local.kind.as_deref() {
            Some(kind @ ("unreachable" | "prohibit" | "blackhole")) => {
                format!("no way ({errno}): a route of type {kind} says so")
            }
            _ if local.loopback_down => format!(
                "no way ({errno}): lo is down, without which this host does not reach itself (ip link set lo up)"
            ),
            _ => format!("no way ({errno}): no table has a route"),
        };
    }
    let mut text = match (local.kind.as_deref(), local.gateway) {
        (Some("local"), _) => String::from("this host itself"),
        (_, Some(gateway)) => format!("via {gateway}"),
        (Some("unicast"), None) => String::from("on the link"),
        (Some(kind), None) => kind.to_owned(),
        (None, None) => String::from("a way"),
    };
    if let Some(interface) = &local.interface {
        text = format!("{text}, interface {interface}");
        if local.interface_up == Some(false) {
            text.push_str(" (DOWN)");
        }
    }
    if let Some(source) = local.source {
        text = format!("{text}, source {source}");
    }
    text
}

fn neighbour(local: &Local) -> String {
    match (&local.neighbour_state, &local.neighbour_address) {
        (Some(state), Some(address)) => format!("{state}, {address}"),
        (Some(state), None) => format!("{state}: nobody answers for it on the link"),
        (None, _) => String::from("not in the neighbour table"),
    }
}

/// Gives the stable word of how the way ends.
pub fn end_word(end: End) -> &'static str {
    match end {
        End::Reached { .. } => "reached",
        End::Stopped { .. } => "stopped",
        End::Loop { .. } => "loop",
        End::Silent { .. } => "silent",
    }
}

/// Says how the way ends.
pub fn end(end: End, plan: &Plan) -> String {
    let method = plan.method;
    match end {
        End::Reached { ttl, word } => format!(
            "reached in {ttl} {}{}",
            hops(ttl),
            at_port(word, plan).unwrap_or_default()
        ),
        End::Stopped {
            router_ttl,
            from,
            word,
            ..
        } => format!("stops at hop {router_ttl}: {from} says {}", word.text()),
        End::Loop { ttl, period } => format!(
            "goes in a circle of {period} routers from hop {ttl} on: their routes point at each other"
        ),
        End::Silent { ttl: 0 } => format!("nobody answers {}", probes(method)),
        End::Silent { ttl } => format!(
            "nobody behind hop {ttl} answers {}: it is dropped there, or answers are",
            probes(method)
        ),
    }
}

/// Says where somebody refuses in the destination's name.
pub fn refuses(by: Impostor, word: Word) -> String {
    format!(
        "stops at {}: a firewall there answers in its name ({}){}",
        place(by),
        word.text(),
        others(by)
    )
}

/// Says where somebody accepts in the destination's name, or may refuse in it.
pub fn answers(by: Impostor, port: u16) -> String {
    if by.goes_on_to.is_none() {
        return format!(
            "the refusal came over no more hops than answers of {}: a firewall there may answer in its name",
            place(by)
        );
    }
    format!(
        "port {port} is answered at {} in its name, as a proxy does{}",
        place(by),
        others(by)
    )
}

fn others(by: Impostor) -> String {
    by.goes_on_to
        .map(|to| format!("; other packets go on to {to}"))
        .unwrap_or_default()
}

fn place(by: Impostor) -> String {
    let Impostor {
        first_ttl,
        last_ttl,
        from,
        ..
    } = by;
    let hop = if first_ttl == last_ttl {
        format!("hop {first_ttl}")
    } else {
        format!("hop {first_ttl} or {last_ttl}")
    };
    match from {
        Some(from) => format!("{hop} ({from})"),
        None => hop,
    }
}

/// Says what the destination makes of a port that was asked for.
fn at_port(word: Word, plan: &Plan) -> Option<String> {
    let port = Some(plan.destination.port()).filter(|&port| port != 0)?;
    let says = match (plan.method, word) {
        (Method::Tcp, Word::Reply) => "accepts connections",
        (Method::Tcp, _) => "refuses connections",
        (Method::Udp, Word::Reply) => "answers",
        (Method::Udp, _) => "is nobody's",
        (Method::Ping | Method::RawIcmp, _) => return None,
    };
    Some(format!("; port {port} {says}"))
}

/// Says that this host itself refused to send, in an ICMP error of its own.
pub fn refused_here(word: Word) -> String {
    format!(
        "nothing leaves this host: it says {} itself, as a rule of its own firewall does",
        word.text()
    )
}

/// Says how far somebody let us look.
pub fn interrupted(hops: &[Measured]) -> String {
    let asked = hops.last().map_or(0, |measured| measured.hop.ttl);
    format!("interrupted: what lies behind hop {asked} was not asked")
}

/// Says that somebody behind the last hop that may be asked was not asked.
pub fn cut(hops: &[Measured]) -> String {
    let asked = hops.last().map_or(0, |measured| measured.hop.ttl);
    format!("hop {asked} passes probes on, and none further was asked (-m {asked})")
}

fn hops(count: u8) -> &'static str {
    if count == 1 { "hop" } else { "hops" }
}

fn probes(method: Method) -> &'static str {
    match method {
        Method::Ping | Method::RawIcmp => "ICMP echo (--tcp to a port, or --udp, may get through)",
        Method::Udp => "UDP (--icmp, or --tcp to a port, may get through)",
        Method::Tcp => "TCP to this port",
    }
}

/// Gives the stable word of a method.
pub fn method(method: Method) -> &'static str {
    match method {
        Method::Ping | Method::RawIcmp => "icmp",
        Method::Udp => "udp",
        Method::Tcp => "tcp",
    }
}

/// Says what the largest packet is.
pub fn mtu(found: &PathMtu) -> String {
    let bytes = found.bytes;
    match (found.black_hole, found.behind_ttl, found.said_by) {
        (true, Some(ttl), _) => format!(
            "MTU BLACK HOLE: packets of more than {bytes} bytes vanish behind hop {ttl} without a word; \
             lower the MTU or clamp the MSS, or let ICMP through there"
        ),
        (true, None, _) => format!(
            "MTU BLACK HOLE: packets of more than {bytes} bytes vanish without a word; lower the MTU or clamp \
             the MSS, or let ICMP through"
        ),
        (false, _, Some(from)) => format!("path MTU {bytes}, as {from} says"),
        (false, _, None) => format!("path MTU {bytes}"),
    }
}

/// Gives the stable word and the sentence of something strange.
pub fn strange(what: Strange) -> (&'static str, String) {
    match what {
        Strange::SomeStop { ttl, from, word } => (
            "some-stop",
            format!(
                "some probes go no further than {from}, which says {} at hop {ttl}, while others do: one of several \
                 ways is closed, or was for a while",
                word.text()
            ),
        ),
        Strange::Translated { ttl, last } => {
            let hops = if ttl == last {
                format!("hop {ttl} answers")
            } else {
                format!("hops {ttl} to {last} answer")
            };
            (
                "address-translated",
                format!(
                    "{hops} with the destination's own address: somebody there translates it (DNAT, a load balancer), and \
                     what answers at last is behind it"
                ),
            )
        }
        Strange::SameTwice { ttl, from } => (
            "same-router-twice",
            format!(
                "{from} answers for hop {ttl} and the next: a router before it does not count down, it hides \
                 others, or one of several ways is longer by a hop"
            ),
        ),
        Strange::LongerWayBack { ttl, there, back } => (
            "longer-way-back",
            format!(
                "hop {ttl} answers over about {back} hops where {there} lie on the way there: a router on the way \
                 is hidden (it may write TTLs anew), or the way back is another"
            ),
        ),
    }
}

/// So many other addresses of a name are told.
const MOST_OTHERS: usize = 4;

/// Says which addresses a name has besides; `None` where it has no more.
pub fn other_addresses(others: &[IpAddr]) -> Option<String> {
    let shown: Vec<String> = others
        .iter()
        .take(MOST_OTHERS)
        .map(IpAddr::to_string)
        .collect();
    let dots = if others.len() > MOST_OTHERS {
        ", ..."
    } else {
        ""
    };
    (!shown.is_empty()).then(|| {
        format!(
            "the name has other addresses, whose ways may be others: {}{dots}",
            shown.join(", ")
        )
    })
}

/// Compares the first hop with the routing table, as one does by hand.
pub fn first_hop(first: Option<IpAddr>, gateway: Option<IpAddr>) -> Option<String> {
    let (first, gateway) = (first?, gateway?);
    (first != gateway).then(|| {
        format!(
            "the first hop answers as {first}, the route says {gateway}: another of its addresses, or somebody \
             in between"
        )
    })
}
