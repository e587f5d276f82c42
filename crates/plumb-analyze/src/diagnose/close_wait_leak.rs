//! `close-wait-leak`: the peer has closed, our process does not.
//!
//! A socket is in CLOSE_WAIT from the peer's FIN until our `close()`. `tcpi_last_ack_recv` tells how long
//! ago the last segment came, which is the FIN unless we sent since: the least age. A process that is
//! only slow has a few, young ones; one that forgets has many, or old ones. The processes of a server that forks
//! forget a few each, and who owns a socket is not always known: what no process is convicted of is counted
//! by its end, too. What waits in an accept queue nobody could close yet.

mod kept;

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;

use plumb_model::attribution::Process;
use plumb_model::finding::{Confidence, Finding, Severity, Subject};
use plumb_model::id::Cookie;
use plumb_model::snapshot::{Snapshot, Socket};
use plumb_model::socket::SocketState;
use plumb_model::{NetnsId, Reason};

use self::kept::{Kept, is_served};
use super::{Case, evidence, sockets, subject};

/// The id of the finding.
pub const ID: &str = "close-wait-leak";

/// Whose connections they are, as far as an end tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    /// A server's, at this local end.
    At(SocketAddr),
    /// A client's, to this destination.
    To(SocketAddr),
}

/// An end in its namespace, and the name of the program where it is known.
type Place = (NetnsId, End, Option<Vec<u8>>);

/// A CLOSE_WAIT socket of a sample.
struct Waiting<'s> {
    socket: &'s Socket,
    /// Place of its first holder among the processes.
    process: Option<u32>,
    pid: Option<u32>,
    comm: Option<&'s [u8]>,
}

/// Looks for processes, and for ends, that keep connections their peers have closed.
pub fn check(case: &Case<'_>) -> Vec<Finding> {
    let (before, after) = (&case.span.before.snapshot, &case.span.after.snapshot);
    let earlier: HashMap<Cookie, &Socket> = waiting(before)
        .filter_map(|held| Some((held.socket.cookie.ok()?, held.socket)))
        .collect();
    let same = |socket: &Socket| earlier.get(&socket.cookie.ok()?).copied();
    let kept = waiting(after)
        .filter(|held| !same(held.socket).is_some_and(|before| is_served(held.socket, before)));
    let kept: Vec<Waiting<'_>> = kept.collect();

    let mut by_process: BTreeMap<u32, Kept> = BTreeMap::new();
    for held in &kept {
        if let Some(process) = held.process {
            let group = by_process.entry(process).or_default();
            group.add(held.socket, same(held.socket), case.focus.is_command);
        }
    }
    for held in waiting(before) {
        let alike = |(process, _): &(&u32, &mut Kept)| {
            pid(after, **process).is_some_and(|pid| held.pid == Some(pid))
        };
        if let Some((_, group)) = by_process.iter_mut().find(alike) {
            group.earlier += 1;
        }
    }
    by_process.retain(|_, group| group.is_leak());
    let mut findings: Vec<Finding> = by_process
        .iter()
        .filter_map(|(process, group)| of_process(case, *process, group))
        .collect();

    let is_told = |held: &Waiting<'_>| held.process.is_some_and(|it| by_process.contains_key(&it));
    let ends = Ends::of(case, &kept);
    let mut by_end: BTreeMap<Place, Kept> = BTreeMap::new();
    for held in kept.iter().filter(|held| !is_told(held)) {
        if let Some(place) = ends.place(held) {
            let group = by_end.entry(place).or_default();
            group.add(held.socket, same(held.socket), case.focus.is_command);
            if let Some(process) = held.process {
                *group.processes.entry(process).or_default() += 1;
            }
        }
    }
    for held in waiting(before) {
        if let Some(group) = ends.place(&held).and_then(|place| by_end.get_mut(&place)) {
            group.earlier += 1;
        }
    }
    let leaks = by_end.into_iter().filter(|(_, group)| group.is_leak());
    findings.extend(leaks.filter_map(|((_, end, comm), group)| at_end(case, end, comm, &group)));
    findings
}

/// Gives the sockets in CLOSE_WAIT that somebody holds.
fn waiting(snapshot: &Snapshot) -> impl Iterator<Item = Waiting<'_>> {
    sockets::tcp_of(snapshot, SocketState::CLOSE_WAIT).filter_map(|(place, socket)| {
        let held = snapshot.owners.of(place);
        if held.reason() == Some(Reason::NotAccepted) {
            return None;
        }
        let first = held.ok().and_then(|held| held.first());
        let process = first.and_then(|first| snapshot.owners.process(*first));
        Some(Waiting {
            socket,
            process: first.map(|first| first.process),
            pid: process.map(|process| process.pid.0),
            comm: process.map(|process| process.comm.as_slice()),
        })
    })
}

fn process(snapshot: &Snapshot, place: u32) -> Option<&Process> {
    let processes = &snapshot.owners.processes;
    processes.get(usize::try_from(place).ok()?)
}

fn pid(snapshot: &Snapshot, place: u32) -> Option<u32> {
    Some(process(snapshot, place)?.pid.0)
}

/// The local ends that belong to servers.
struct Ends {
    served: BTreeMap<(NetnsId, SocketAddr), usize>,
}

impl Ends {
    /// Finds them: somebody listens there, or several connections share them.
    fn of(case: &Case<'_>, kept: &[Waiting<'_>]) -> Self {
        let mut served: BTreeMap<_, usize> = BTreeMap::new();
        for Waiting { socket, .. } in kept {
            if let Some(local) = socket.local.inet().map(sockets::plain) {
                *served.entry((socket.netns, local)).or_default() += 1;
            }
        }
        let servers = sockets::Servers::of(case.span.after);
        served.retain(|(_, local), count| *count > 1 || servers.serve(*local));
        Self { served }
    }

    fn place(&self, held: &Waiting<'_>) -> Option<Place> {
        let socket = held.socket;
        let local = sockets::plain(socket.local.inet()?);
        let end = if self.served.contains_key(&(socket.netns, local)) {
            End::At(local)
        } else {
            End::To(sockets::plain(socket.peer.inet()?))
        };
        Some((socket.netns, end, held.comm.map(<[u8]>::to_vec)))
    }
}

fn of_process(case: &Case<'_>, place: u32, kept: &Kept) -> Option<Finding> {
    let process = process(&case.span.after.snapshot, place)?;
    let mut subject = subject::of_process(process);
    // All on one local port: a server's, and that is worth naming.
    if let [(local, _)] = kept.local.iter().collect::<Vec<_>>().as_slice() {
        subject.local = Some((*local).clone());
    }
    let name = subject.process.clone().unwrap_or_default();
    let pid = process.pid.0;
    let summary = format!(
        "{name} (pid {pid}) keeps {} open whose peers have closed",
        evidence::connections(kept.all)
    );
    let hint = format!("see the code that made and forgot them: plumb leaks -p {pid}");
    Some(finding(subject, summary, kept, hint))
}

/// Tells of connections that several processes, or unknown ones, keep at one end. `None` where none of them was
/// asked about.
fn at_end(case: &Case<'_>, end: End, comm: Option<Vec<u8>>, kept: &Kept) -> Option<Finding> {
    let after = &case.span.after.snapshot;
    let holders: Vec<&Process> = kept
        .processes
        .keys()
        .filter_map(|place| process(after, *place))
        .collect();
    let focus = &case.focus.pids;
    let asked = holders
        .iter()
        .find(|process| focus.contains(&process.pid.0));
    let parent = common_parent(case, &holders);
    let told = asked.copied().or(parent);
    let is_asked = focus.is_empty() || told.is_some_and(|it| focus.contains(&it.pid.0));
    if !holders.is_empty() && !is_asked {
        return None;
    }
    let name = comm.map(|comm| String::from_utf8_lossy(&comm).into_owned());
    let (kind, local, peer, words) = match end {
        End::At(local) => ("listener", Some(local), None, format!("at {local}")),
        End::To(peer) => ("destination", None, Some(peer), format!("to {peer}")),
    };
    let subject = Subject {
        kind,
        local: local.map(|local| local.to_string()),
        peer: peer.map(|peer| peer.to_string()),
        protocol: Some("tcp"),
        pid: told.map(|process| process.pid),
        process: name.clone(),
        ..Subject::default()
    };
    let who = match (name, holders.len()) {
        (Some(name), 1) => name,
        (Some(name), count) => format!("{count} processes of {name}"),
        (None, _) => "somebody".to_owned(),
    };
    let summary = format!(
        "{who} keeps {} {words} open whose peers have closed",
        evidence::connections(kept.all)
    );
    let pid = told.map_or_else(|| "PID".to_owned(), |process| process.pid.0.to_string());
    let hint = format!("see the code that made and forgot them: plumb leaks -p {pid}");
    Some(finding(subject, summary, kept, hint))
}

/// Gives the process that forked all of them, or the one there is.
fn common_parent<'s>(case: &Case<'s>, holders: &[&'s Process]) -> Option<&'s Process> {
    let (first, others) = holders.split_first()?;
    if others.is_empty() {
        return Some(first);
    }
    let parent = first.parent.ok()?;
    if others.iter().any(|other| other.parent.ok() != Some(parent)) {
        return None;
    }
    let mut processes = case.span.after.snapshot.owners.processes.iter();
    processes.find(|process| process.pid == parent)
}

fn finding(subject: Subject, summary: String, kept: &Kept, hint: String) -> Finding {
    Finding {
        kind: ID,
        severity: Severity::Warning,
        summary,
        subject,
        evidence: kept.evidence(),
        hints: vec![hint, "close() a socket when recv() returns 0".to_owned()],
        confidence: if kept.is_certain() {
            Confidence::Certain
        } else {
            Confidence::Possible
        },
    }
}
