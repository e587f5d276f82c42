//! A call as text: name, arguments, result.

use std::fmt::Write as _;

use plumb_bpf::recorder::calls::{self, Argument};
use plumb_model::event::{Call, Ends, Event};
use plumb_model::socket::SocketState;

use super::address::{self, quoted};
use super::{arguments, error_names};

/// Bytes of data shown; more are in JSON.
const DATA_BYTES: usize = 32;

/// Gives the name of a call.
pub fn name(call: &Call) -> String {
    calls::find(call.number).map_or_else(
        || format!("call_{}", call.number),
        |known| known.name.to_owned(),
    )
}

/// How sockets are written: the one behind a descriptor, and addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behind {
    /// Not at all: where it has fields of its own.
    Nothing,
    /// As `3[127.0.0.1:40000 > 127.0.0.1:80 CLOSE_WAIT]`; the state unless it is ESTABLISHED.
    Ours,
    /// As `strace -yy`: `3<TCP:[127.0.0.1:40000->127.0.0.1:80]>`.
    Strace,
}

/// Gives name and arguments, as `connect(3, 127.0.0.1:80)`.
pub fn invocation(event: &Event, call: &Call, behind: Behind) -> String {
    let known = calls::find(call.number).map_or(&[][..], |known| known.arguments);
    let mut parts = Vec::new();
    for (place, (argument, &value)) in known.iter().zip(&call.args).enumerate() {
        let mut text = match argument {
            // The address of sendto() stands behind its other arguments, and is often missing.
            Argument::Address if behind == Behind::Strace => Some(strace_address(call)),
            Argument::Address => address::text(&call.address),
            Argument::Data => Some(data(call)),
            Argument::Hidden => None,
            _ => Some(arguments::text(*argument, value, &call.args)),
        };
        if place == 0
            && *argument == Argument::Fd
            && let Some(text) = &mut text
        {
            text.push_str(&socket(event.ends.as_ref(), call.state, behind));
        }
        parts.extend(text);
    }
    format!("{}({})", name(call), parts.join(", "))
}

/// An address and its length as strace writes them, also where there is none.
fn strace_address(call: &Call) -> String {
    let told = calls::find(call.number).is_some_and(calls::Described::is_told_an_address);
    let none = if told { "NULL, NULL" } else { "NULL, 0" };
    address::as_strace(&call.address).unwrap_or_else(|| none.to_owned())
}

/// The ends of the socket behind a descriptor; nothing while it has none.
fn socket(ends: Option<&Ends>, state: Option<SocketState>, behind: Behind) -> String {
    let Some(ends) = ends.filter(|ends| ends.local.port() != 0) else {
        return String::new();
    };
    let has_peer = ends.peer.port() != 0;
    match behind {
        Behind::Nothing => String::new(),
        Behind::Strace => {
            let protocol = arguments::transport(ends.protocol);
            let peer = if has_peer {
                format!("->{}", ends.peer)
            } else {
                String::new()
            };
            let version = if ends.local.is_ipv6() { "v6" } else { "" };
            format!("<{protocol}{version}:[{}{peer}]>", ends.local)
        }
        Behind::Ours => {
            let mut text = format!("[{}", ends.local);
            if has_peer {
                let _ = write!(text, " > {}", ends.peer);
            }
            let state = state.filter(|&state| state != SocketState::ESTABLISHED);
            // Other protocols borrow two of TCP's states, which say nothing about them.
            if ends.protocol == arguments::IPPROTO_TCP
                && let Some(name) = state.and_then(SocketState::tcp_name)
            {
                let _ = write!(text, " {name}");
            }
            text + "]"
        }
    }
}

fn data(call: &Call) -> String {
    if call.payload.is_empty() {
        return String::from("\"\"");
    }
    let shown = call.payload.get(..DATA_BYTES).unwrap_or(&call.payload);
    let all = usize::try_from(call.result).unwrap_or(0);
    let more = if all > shown.len() { "..." } else { "" };
    format!("{}{more}", quoted(shown, true))
}

/// Gives the result, as `3` or `-1 ECONNREFUSED`.
pub fn result(call: &Call) -> String {
    match (call.end_ns, call.result) {
        (None, _) => String::from("?"),
        (_, error @ -4095..=-1) => format!("-1 {}", error_names::name(-error)),
        (_, value) => value.to_string(),
    }
}
