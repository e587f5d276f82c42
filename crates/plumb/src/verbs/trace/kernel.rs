//! What the kernel did, as words: a state, a reset, a drop, an error.

use std::fmt::Write as _;

use plumb_bpf::recorder::Names;
use plumb_model::event::{Event, FullListener, FullQueue, StateChange, What};

use super::error_names;

/// Gives the machine word and the words for people; `None` for calls, and for what calls tell better.
pub fn words(event: &Event, names: &Names, calls: bool) -> Option<(&'static str, String)> {
    Some(match &event.what {
        What::State(change) => ("state", state(*change)),
        // The call itself stands in the timeline.
        What::Accepted { .. } | What::ConnectReturned { .. } if calls => return None,
        What::Accepted { fd } => ("accepted", format!("accepted as descriptor {fd}")),
        What::ConnectReturned { result: 0, .. } => {
            ("connect", String::from("connect() returned 0"))
        }
        What::ConnectReturned { result, .. } => {
            let name = error_names::name((-result).into());
            ("connect", format!("connect() failed: {name}"))
        }
        What::EndOfFile(_) => ("end-of-file", String::from("end-of-file read")),
        What::Retransmitted { .. } => ("retransmit", String::from("segment sent again")),
        What::ResetSent { reason } => {
            let name = reason.and_then(|reason| names.reset_reason(reason));
            let why = name.map(|name| format!(": {name}")).unwrap_or_default();
            ("reset-sent", format!("reset sent{why}"))
        }
        What::ResetReceived { state } => {
            let name = state.tcp_name().unwrap_or("?");
            ("reset-received", format!("reset received in {name}"))
        }
        What::Error { errno } => {
            let name = error_names::name((*errno).into());
            ("error", format!("error left at the socket: {name}"))
        }
        What::Dropped { reason, .. } => {
            let name = names.drop_reason(*reason).map(str::to_owned);
            (
                "drop",
                format!(
                    "packet dropped: {}",
                    name.unwrap_or_else(|| reason.to_string())
                ),
            )
        }
        What::QueueFull { reason } => {
            let name = reason.and_then(|reason| names.drop_reason(reason));
            let why = name.map(|name| format!(": {name}")).unwrap_or_default();
            ("queue-full", format!("receive queue full{why}"))
        }
        What::Made { protocol } => (
            "socket",
            format!("socket made: {}", protocol_name(*protocol)),
        ),
        What::Bound { protocol, chosen } => {
            let by = if *chosen {
                ", by the kernel's choice"
            } else {
                ""
            };
            ("bound", format!("bound: {}{by}", protocol_name(*protocol)))
        }
        What::Closed { protocol, by_exit } => {
            let why = if *by_exit { ", the process ends" } else { "" };
            (
                "closed",
                format!("closed: {}{why}", protocol_name(*protocol)),
            )
        }
        What::ListenerFull(full) => ("listener-full", full_listener(full)),
        What::Exec => ("exec", String::from("began another program")),
        What::Exit => ("exit", String::from("ended")),
        What::Call(_) => return None,
        _ => (
            "other",
            String::from("something this plumb has no word for"),
        ),
    })
}

/// The name of a protocol of sockets (`IPPROTO_*`).
fn protocol_name(protocol: u32) -> String {
    let name = match protocol {
        1 => "ICMP",
        6 => "TCP",
        17 => "UDP",
        58 => "ICMPv6",
        132 => "SCTP",
        136 => "UDP-Lite",
        255 => "raw IP",
        262 => "MPTCP",
        _ => return format!("protocol {protocol}"),
    };
    name.to_owned()
}

fn state(change: StateChange) -> String {
    let name = |state: plumb_model::socket::SocketState| state.tcp_name().unwrap_or("?");
    let mut text = format!("{} > {}", name(change.old), name(change.new));
    if change.errno != 0 {
        text.push_str(", ");
        text.push_str(&error_names::name(change.errno.into()));
    }
    if let Some(totals) = change.totals {
        let _ = write!(
            text,
            ", sent {} received {} unread {}",
            totals.sent_bytes, totals.received_bytes, totals.unread_bytes
        );
    }
    if change.by_exit {
        text.push_str(", the process ends");
    }
    text
}

fn full_listener(full: &FullListener) -> String {
    let queue = match full.queue {
        FullQueue::Accept => "accept queue full",
        FullQueue::Syn if full.dropped == 0 => "SYN queue full, SYN cookies are sent",
        FullQueue::Syn => "SYN queue full",
        FullQueue::Unknown => "listener had no room",
    };
    format!(
        "{queue}: dropped {}, {} wait for accept(), {} are being made, limit {}",
        full.dropped, full.accept_queue, full.syn_queue, full.limit
    )
}
