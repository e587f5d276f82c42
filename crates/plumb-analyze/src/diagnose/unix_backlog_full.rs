//! `unix-backlog-full`: a UNIX listener does not accept, its queue is full.
//!
//! `connect()` waits, or fails with EAGAIN, while more connections wait than `listen()` allowed (`unix_recvq_full`): with
//! a backlog of 0 one connection fills the queue. sock_diag gives both numbers as recv-q and send-q. A queue that is
//! full in both samples, unless of clients that are others each time, or for which somebody waits since long, is not emptied
//! in time; one that had room when it was looked at and still sent several away was full in between.

use std::collections::HashSet;

use plumb_model::finding::{Confidence, Evidence, Finding, Severity};
use plumb_model::notice::UnixClient;
use plumb_model::snapshot::{End, Socket};
use plumb_model::socket::SocketState;

use super::{Case, evidence, sockets, subject};

/// The id of the finding.
pub const ID: &str = "unix-backlog-full";
/// Who waits so long is not served soon, microseconds.
const LONG_US: u64 = 500_000;
/// So many who were sent away are no chance.
const SEVERAL: u64 = 3;
/// So many clients are told of.
const CLIENTS: usize = 3;

/// Looks for UNIX listeners without room.
pub fn check(case: &Case<'_>) -> Vec<Finding> {
    let sockets = case.span.after.snapshot.sockets.iter().enumerate();
    let listeners = sockets.filter(|(_, socket)| socket.kind.is_unix() && socket.is_listener());
    listeners
        .filter_map(|(place, socket)| judge(case, place, socket))
        .collect()
}

fn is_full(socket: &Socket) -> bool {
    match (socket.recv_q.ok(), socket.send_q.ok()) {
        (Some(waiting), Some(limit)) => waiting > limit,
        _ => false,
    }
}

/// Says whether a queue that was full twice is emptied between: its clients are here, and none of them waited before. Who is
/// not accepted yet has a peer without an inode; one who was while the sample was taken may not be seen any more, and those of
/// other network namespaces never are. A queue for one is full whenever anybody comes, so it moves unless somebody is seen
/// to stay.
fn moves(case: &Case<'_>, listener: &Socket) -> bool {
    let is_pending = |socket: &&Socket| {
        let peer = match socket.peer {
            End::Unix { inode, .. } => inode.0,
            _ => return false,
        };
        socket.kind == listener.kind && socket.state == SocketState::ESTABLISHED && peer == 0
    };
    let now = || case.span.after.snapshot.sockets.iter().filter(is_pending);
    let before = case.span.before.snapshot.sockets.iter().filter(is_pending);
    let before: HashSet<_> = before.filter_map(|socket| socket.cookie.ok()).collect();
    let stay = now().any(|socket| {
        socket
            .cookie
            .ok()
            .is_none_or(|cookie| before.contains(&cookie))
    });
    let there = u64::try_from(now().count()).unwrap_or(u64::MAX);
    let are_here =
        !before.is_empty() || listener.recv_q.ok().is_some_and(|waiting| there >= waiting);
    let is_for_one = listener.send_q.ok() == Some(0);
    !stay && (are_here || is_for_one)
}

fn judge(case: &Case<'_>, place: usize, socket: &Socket) -> Option<Finding> {
    let clients: Vec<&UnixClient> = case
        .notices
        .unix_clients
        .iter()
        .filter(|client| socket.local.unix_name() == Some(client.listener.as_slice()))
        .collect();
    let waits_long = |client: &&UnixClient| client.waited_us.is_some_and(|us| us >= LONG_US);
    let was_full = || sockets::same(case.span.before, socket).is_some_and(is_full);
    let stays = || was_full() && !moves(case, socket) || clients.iter().any(waits_long);
    let is_full = is_full(socket);
    let refused: u64 = clients.iter().map(|client| client.refused).sum();
    let is_asked = || {
        let mut sent_away = clients.iter().filter(|client| client.refused > 0);
        sent_away.any(|client| case.focus.is_asked(client.pid))
    };
    if !(is_full && stays()) && refused < SEVERAL && !(refused > 0 && is_asked()) {
        return None;
    }
    let subject = subject::of_listener(case.span.after, place);
    let who = subject.process.as_deref().unwrap_or("the process");
    let local = subject.local.as_deref().unwrap_or_default();
    let queue = if is_full {
        "is full"
    } else {
        "was full again and again"
    };
    let summary =
        format!("{who} does not accept connections to {local} in time: its queue {queue}");
    Some(Finding {
        kind: ID,
        severity: if is_full || refused >= SEVERAL {
            Severity::Critical
        } else {
            Severity::Warning
        },
        summary,
        evidence: facts(socket, &clients),
        hints: vec![
            subject::see_instead(&subject, "accepting"),
            "give listen() a larger backlog, up to net.core.somaxconn".to_owned(),
        ],
        subject,
        confidence: Confidence::Certain,
    })
}

fn facts(socket: &Socket, clients: &[&UnixClient]) -> Vec<Evidence> {
    let (waiting, limit) = (socket.recv_q.ok(), socket.send_q.ok());
    let (waiting, limit) = (waiting.unwrap_or(0), limit.unwrap_or(0));
    let queue = format!(
        "{waiting} of {} places are taken: a backlog of {limit} has one more",
        limit.saturating_add(1)
    );
    let who = |client: &UnixClient| {
        let name = String::from_utf8_lossy(&client.comm);
        format!("{name} (process {})", client.pid.0)
    };
    let told = |words: Vec<String>, source| {
        let more = match words.len().saturating_sub(CLIENTS) {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        let first: Vec<&str> = words.iter().take(CLIENTS).map(String::as_str).collect();
        let text = format!("{}{more}", first.join(", "));
        (!words.is_empty()).then(|| evidence::fact(source, text))
    };
    let sent_away = clients.iter().filter(|client| client.refused > 0);
    let sent_away = sent_away.map(|client| format!("{} {} times", who(client), client.refused));
    let waits = clients.iter().filter_map(|client| {
        let ms = client.waited_us? / 1000;
        Some(format!("{} for {ms} ms or longer", who(client)))
    });
    std::iter::once(evidence::fact("sock_diag unix recv-q/send-q", queue))
        .chain(told(waits.collect(), "connect() waits, /proc/PID/syscall"))
        .chain(told(sent_away.collect(), "connect() returned EAGAIN"))
        .collect()
}

#[cfg(test)]
mod tests;
