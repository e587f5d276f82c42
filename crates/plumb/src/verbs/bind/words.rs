//! The answer in sentences, and what to do.

use plumb_analyze::bind::{Attempt, Protocol, Rule};

use super::holders;
use super::row::{Held, Holder, Note, Row};

/// Says in one sentence why.
pub fn explain(row: &Row, rule: Rule, attempt: &Attempt) -> String {
    let what = format!("{} {}", row.protocol, row.endpoint);
    let verdict = match (row.can_bind, row.errno.as_deref()) {
        (Some(true), _) => format!("{what} can be bound"),
        (Some(false), Some(errno)) => format!("{what} cannot be bound ({errno})"),
        (Some(false), None) => format!("{what} cannot be bound"),
        (None, _) => format!("whether {what} can be bound is not known"),
    };
    format!("{verdict}: {}", because(row, rule, attempt))
}

fn because(row: &Row, rule: Rule, attempt: &Attempt) -> String {
    if row
        .tried
        .as_ref()
        .is_some_and(|tried| tried.agrees == Some(false))
    {
        return String::from(
            "the kernel says so, although the rules known to plumb say otherwise; a BPF program of the \
             cgroup, SELinux or Landlock may have decided",
        );
    }
    let first = row.blockers.first().or(row.undecided.first());
    match (row.can_bind, first) {
        (Some(true), Some(_)) => String::from(
            "the kernel lets it in beside those who have the port (their options cannot be seen)",
        ),
        (Some(true), None) => fine(rule, row),
        (_, Some(holder)) => in_the_way(holder, row, attempt),
        (None, None) if rule.error().is_none() => {
            String::from("nobody that can be seen is in the way")
        }
        (_, None) => refused(rule, attempt),
    }
}

fn fine(rule: Rule, row: &Row) -> String {
    match rule {
        Rule::AddressNotLocal => String::from(
            "no interface has the address, and the kernel refuses none: net.ipv4.ip_nonlocal_bind is on, or this network \
             namespace never had an IPv4 address",
        ),
        Rule::SharedByReuseAddr => format!(
            "SO_REUSEADDR is set here and by {}",
            row.shared_with.first().map_or_else(String::new, subject)
        ),
        Rule::SharedByReusePort => format!(
            "SO_REUSEPORT is set here and by {}, of the same user",
            row.shared_with.first().map_or_else(String::new, subject)
        ),
        _ => String::from("nobody is in the way"),
    }
}

fn refused(rule: Rule, attempt: &Attempt) -> String {
    let text = match rule {
        Rule::AddressNotLocal => "no interface of this network namespace has the address",
        Rule::AddressTentative => {
            "the address is tentative: duplicate address detection has not ended"
        }
        Rule::AddressDuplicate => "duplicate address detection found the address on another host",
        Rule::AddressOnOtherInterface => "the address belongs to another interface",
        Rule::ScopeMissing => "a link-local address needs its interface, as [fe80::1%eth0]:80",
        Rule::NoSuchInterface => "there is no such interface",
        Rule::MappedAndV6Only => "an IPv4-mapped address makes no sense with IPV6_V6ONLY",
        Rule::MulticastStream => "TCP over IPv6 takes no multicast address",
        Rule::PrivilegedPort => {
            return format!(
                "ports below net.ipv4.ip_unprivileged_port_start need CAP_NET_BIND_SERVICE, which user \
                 {} does not have",
                holders::user_name(attempt.uid).unwrap_or_else(|| attempt.uid.0.to_string())
            );
        }
        Rule::RangeExhausted => "no port of net.ipv4.ip_local_port_range is free",
        Rule::AddressInOtherVrf if attempt.device == 0 => {
            "the address belongs to a VRF, and a socket that is bound to no interface of it does not have it"
        }
        Rule::AddressInOtherVrf => {
            "the address is none of the VRF of the interface that the socket is bound to"
        }
        Rule::Vrf => "the kernel does not tell the table of the interface's VRF",
        Rule::Free | Rule::SharedByReuseAddr | Rule::SharedByReusePort | Rule::InUse => {
            "what is in the way could not be seen"
        }
    };
    text.to_owned()
}

fn in_the_way(holder: &Holder, row: &Row, attempt: &Attempt) -> String {
    let mut text = match holder.what {
        "listener" => format!("{} listens on {}", subject(holder), holder.local),
        "time-wait" => format!(
            "a connection {} to {} waits in TIME_WAIT{}",
            holder.local,
            holder.peer.as_deref().unwrap_or("-"),
            remaining(holder)
        ),
        "connection" | "orphan" => format!(
            "{} has a connection {} to {}{}",
            subject(holder),
            holder.local,
            holder.peer.as_deref().unwrap_or("-"),
            state(holder)
        ),
        "bound-not-listening" => format!(
            "{} has bound {} and does not listen",
            subject(holder),
            holder.local
        ),
        _ => format!("{} has bound {}", subject(holder), holder.local),
    };
    text.push_str(how(holder, attempt));
    text.push_str(&why_not_shared(
        holder,
        attempt,
        row.can_bind == Some(false),
    ));
    if row.blockers_total > 1 {
        let more = row.blockers_total - 1;
        let verb = if more == 1 { "is" } else { "are" };
        text = format!("{text}; {more} more {verb} in the way");
    }
    text
}

fn remaining(holder: &Holder) -> String {
    holder.remaining_ms.map_or_else(String::new, |ms| {
        format!(" for another {}.{} s", ms / 1000, ms % 1000 / 100)
    })
}

fn state(holder: &Holder) -> String {
    holder
        .state
        .map_or_else(String::new, |state| format!(" in {state}"))
}

fn how(holder: &Holder, attempt: &Attempt) -> &'static str {
    match holder.overlap {
        Some("dual-stack") if attempt.ip.is_ipv6() => {
            ", and a socket of [::] takes IPv4 as well unless IPV6_V6ONLY is set"
        }
        Some("their-wildcard") => ", which is every address",
        Some("our-wildcard") => ", and the address asked for includes it",
        Some("dual-stack") => ", an IPv6 socket that takes IPv4 as well",
        _ => "",
    }
}

/// Says why options that share do not share with this one.
fn why_not_shared(holder: &Holder, attempt: &Attempt, refused: bool) -> String {
    let mut why = Vec::new();
    if attempt.reuse_addr {
        if holder.what == "listener" {
            why.push(String::from("SO_REUSEADDR shares with no listener"));
        } else if holder.reuse_addr == Some(false) {
            why.push(String::from("it has no SO_REUSEADDR"));
        } else if holder.what == "time-wait" && refused {
            why.push(String::from("its socket had no SO_REUSEADDR"));
        }
    }
    if attempt.reuse_port {
        match (holder.reuse_port, holder.uid) {
            (Some(false), _) => why.push(String::from("it has no SO_REUSEPORT")),
            (Some(true), Some(uid)) if uid != attempt.uid.0 => {
                why.push(format!(
                    "its SO_REUSEPORT is user {uid}'s, not user {}'s",
                    attempt.uid.0
                ));
            }
            _ => {}
        }
    }
    if why.is_empty() {
        String::new()
    } else {
        format!(" ({})", why.join("; "))
    }
}

/// Names who has a socket.
fn subject(holder: &Holder) -> String {
    let Some(first) = holder.processes.first() else {
        let facts = [
            holder.owner_unknown.map(str::to_owned),
            holder
                .owner()
                .map(|owner| format!("the socket is {owner}'s")),
        ];
        let facts: Vec<String> = facts.into_iter().flatten().collect();
        return if facts.is_empty() {
            String::from("somebody unknown")
        } else {
            format!("somebody unknown ({})", facts.join("; "))
        };
    };
    let mut text = process(first);
    match holder.processes.len() {
        1 => {}
        2 => text.push_str(" and one more process"),
        more => text = format!("{text} and {} more processes", more - 1),
    }
    text
}

fn process(held: &Held) -> String {
    let mut parts = vec![format!("pid {}", held.pid)];
    parts.extend(held.fd.map(|fd| format!("fd {fd}")));
    parts.extend(held.unit.clone());
    parts.extend(
        held.container
            .as_ref()
            .map(|name| format!("container {name}")),
    );
    parts.extend(held.started.as_ref().map(|time| format!("since {time}")));
    format!("{} ({})", held.name, parts.join(", "))
}

/// Says what to do about it.
pub fn hints(row: &Row, rule: Rule, attempt: &Attempt) -> Vec<String> {
    let mut hints = Vec::new();
    if row.can_bind == Some(true) {
        return hints;
    }
    if let Some(first) = row.blockers.first().or(row.undecided.first()) {
        hints.extend(about_holder(first, attempt));
    }
    if !row.would_help.is_empty() {
        hints.push(format!(
            "it would work with {}",
            row.would_help.join(" or ")
        ));
    }
    match rule {
        Rule::PrivilegedPort => hints.extend([
            String::from("give the program the right: setcap cap_net_bind_service=+ep PROGRAM, or AmbientCapabilities=CAP_NET_BIND_SERVICE in its unit"),
            format!("or let everybody: sysctl net.ipv4.ip_unprivileged_port_start={}", attempt.port),
        ]),
        Rule::AddressNotLocal => hints.push(String::from(
            "see which addresses there are: ip addr; IP_FREEBIND or net.ipv4.ip_nonlocal_bind=1 bind one that is to come",
        )),
        Rule::AddressTentative => hints.push(String::from(
            "wait a second or two, or bind later: systemd's network-online.target does",
        )),
        Rule::AddressInOtherVrf => hints.push(String::from(
            "bind to the VRF's device (SO_BINDTODEVICE), or start the program in it: ip vrf exec NAME PROGRAM",
        )),
        Rule::RangeExhausted => hints.push(String::from("see who uses the range: plumb ports")),
        _ => {}
    }
    hints
}

fn about_holder(holder: &Holder, attempt: &Attempt) -> Vec<String> {
    let mut hints = Vec::new();
    if let Some(unit) = holder.processes.iter().find_map(|held| held.unit.as_ref()) {
        hints.push(format!("to free it: systemctl stop {unit}"));
    } else if let Some(held) = holder.processes.first() {
        hints.push(format!(
            "to free it: end process {} ({})",
            held.pid, held.name
        ));
    } else if let (Some("permission-denied"), Some(owner)) = (holder.owner_unknown, holder.owner())
    {
        let or_owner = match holder.uid {
            Some(0) => String::new(),
            _ => format!(" or {owner}"),
        };
        hints.push(format!("to see which process it is, ask as root{or_owner}"));
    }
    let pids: Vec<String> = holder
        .processes
        .iter()
        .map(|held| match held.parent_pid {
            Some(parent) if holder.processes.iter().any(|other| other.pid == parent) => {
                format!("{} (child of {parent})", held.pid)
            }
            _ => held.pid.to_string(),
        })
        .collect();
    if pids.len() > 1 {
        hints.push(format!(
            "it is free only when all who hold it have let go, heirs of the descriptor as well: {}",
            pids.join(", ")
        ));
    }
    match holder.what {
        "time-wait" if !attempt.reuse_addr => hints.push(String::from(
            "servers set SO_REUSEADDR before bind, so that TIME_WAIT of their last run is in nobody's way",
        )),
        "orphan" => hints.push(String::from(
            "its program has closed it; it goes when the peer has answered or net.ipv4.tcp_fin_timeout is over",
        )),
        _ => {}
    }
    hints
}

/// What the settings say about the port beside the answer.
pub fn notes(attempt: &Attempt, ports: &plumb_collect::port_settings::PortSettings) -> Vec<Note> {
    let mut notes = Vec::new();
    let port = attempt.port;
    let within = |(first, last): &(u16, u16)| (*first..=*last).contains(&port);
    let reserved = ports.reserved.clone().ok();
    let reserved = reserved.is_some_and(|ranges| ranges.iter().any(within));
    let range = ports.range.ok().filter(within);
    if reserved {
        notes.push(Note {
            id: "reserved",
            text: format!(
                "port {port} is in net.ipv4.ip_local_reserved_ports: the kernel gives it to no socket that \
                 asks for none; a bind that asks for it is not hindered"
            ),
        });
    } else if let (Some((first, last)), true) = (range, port != 0) {
        let what = match attempt.protocol {
            Protocol::Tcp => "an outgoing connection",
            Protocol::Udp => "a client's socket",
        };
        notes.push(Note {
            id: "ephemeral",
            text: format!(
                "port {port} is in net.ipv4.ip_local_port_range ({first} to {last}): {what} may have it when \
                 the server wants it; sysctl net.ipv4.ip_local_reserved_ports={port} keeps it free"
            ),
        });
    }
    notes
}
