//! S: statistics of kernels old and new: all zero, all counting, unknown blocks, missing files.

use std::io;

use super::State;
use crate::frozen::counters::{NETSTAT, SCTP, SNMP, SNMP6, block, blocks, lines, names};
use crate::frozen::{ProcTree, known_counters};

pub(super) fn every_kernel() -> io::Result<Vec<State>> {
    let mut states = vec![as_captured()?];
    for (name, values) in [
        ("S counting", Values::Rising),
        ("S all one", Values::Same("1")),
        ("S largest", Values::Same("18446744073709551615")),
        ("S beyond", Values::Same("18446744073709551616")),
        ("S negative", Values::Same("-1")),
    ] {
        states.push(current_kernel(name, values)?);
    }
    states.push(old_kernel()?);
    states.push(unknown_blocks()?);
    states.push(known_counters_alone()?);
    Ok(states)
}

/// What every counter of a state is.
#[derive(Clone, Copy)]
enum Values {
    /// 1, 2, 3, …
    Rising,
    /// This text.
    Same(&'static str),
}

impl Values {
    fn source(self) -> impl FnMut(&str) -> String {
        let mut last = 0_u32;
        move |_| match self {
            Self::Rising => {
                last += 1;
                last.to_string()
            }
            Self::Same(text) => text.to_owned(),
        }
    }
}

fn as_captured() -> io::Result<State> {
    let tree = ProcTree::new()?;
    tree.file("net/snmp", SNMP)?;
    tree.file("net/netstat", NETSTAT)?;
    tree.file("net/snmp6", SNMP6)?;
    Ok(State::new("S all zero", tree))
}

fn rewrite(file: &str, values: Values) -> String {
    let mut value = values.source();
    let blocks = blocks(file);
    blocks
        .iter()
        .map(|(name, counters)| block(name, counters, &mut value))
        .collect()
}

fn current_kernel(name: &str, values: Values) -> io::Result<State> {
    const ICMP_MSG: [&str; 6] = [
        "InType0",
        "InType3",
        "InType8",
        "OutType0",
        "OutType3",
        "OutType69",
    ];
    let tree = ProcTree::new()?;
    let mut snmp = rewrite(SNMP, values);
    // After ICMP traffic there is one more block, behind Icmp.
    if let Some(at) = snmp.find("Tcp: ") {
        snmp.insert_str(at, &block("IcmpMsg", &ICMP_MSG, values.source()));
    }
    tree.file("net/snmp", snmp)?;
    tree.file("net/netstat", rewrite(NETSTAT, values))?;
    let mut six = names(SNMP6);
    if let Some(at) = six.iter().position(|name| name.starts_with("Udp6")) {
        six.splice(
            at..at,
            ["Icmp6InType134", "Icmp6OutType133", "Icmp6OutType143"],
        );
    }
    tree.file("net/snmp6", lines(&six, values.source()))?;
    tree.file("net/sctp/snmp", lines(SCTP, values.source()))?;
    Ok(State::new(name, tree))
}

/// The blocks and names of Linux 2.4: no `IpExt`, no `UdpLite`, no `net/netstat` at all.
fn old_kernel() -> io::Result<State> {
    let tree = ProcTree::new()?;
    let mut value = Values::Rising.source();
    let mut snmp = String::new();
    for (name, counters) in blocks(SNMP) {
        if name != "UdpLite" {
            snmp.push_str(&block(
                name,
                &counters[..counters.len().min(19)],
                &mut value,
            ));
        }
    }
    tree.file("net/snmp", snmp)?;
    let six: Vec<&str> = names(SNMP6)
        .into_iter()
        .filter(|name| !name.contains("Lite"))
        .collect();
    tree.file("net/snmp6", lines(&six, value))?;
    Ok(State::new("S old kernel", tree))
}

fn unknown_blocks() -> io::Result<State> {
    let tree = ProcTree::new()?;
    let mut value = Values::Rising.source();
    let mut text = block("New", &["Alpha", "InReceives"], &mut value);
    text.push_str(&rewrite(SNMP, Values::Rising));
    text.push_str(&block("TcpExt", &["Alpha", "DelayedACKs"], &mut value));
    text.push_str(&block("Last", &[], &mut value));
    tree.file("net/snmp", text)?;
    tree.file(
        "net/netstat",
        block("DccpExt", &["Beta"], &mut value) + &rewrite(NETSTAT, Values::Rising),
    )?;
    tree.file(
        "net/snmp6",
        lines(
            &[
                "Ip6InReceives",
                "NewInReceives",
                "Ip6New",
                "Udp6New",
                "Sctp6X",
                "Plain",
            ],
            value,
        ),
    )?;
    tree.file(
        "net/sctp/snmp",
        lines(&["SctpCurrEstab", "SctpNew"], Values::Rising.source()),
    )?;
    Ok(State::new("S unknown blocks", tree))
}

/// Everything netstat has words for, in its own order and backwards.
fn known_counters_alone() -> io::Result<State> {
    let tree = ProcTree::new()?;
    let mut backwards = known_counters::TCP_EXT.to_vec();
    backwards.reverse();
    let mut value = Values::Rising.source();
    let text = block("TcpExt", known_counters::TCP_EXT, &mut value)
        + &block("TcpExt", &backwards, &mut value);
    tree.file("net/snmp", rewrite(SNMP, Values::Rising))?;
    tree.file("net/netstat", text)?;
    tree.file("net/snmp6", SNMP6)?;
    Ok(State::new("S known counters", tree))
}
