//! Making subjects: sockets, processes and places as findings name them.

use plumb_model::attribution::Process;
use plumb_model::finding::Subject;
use plumb_model::sample::Sample;
use plumb_model::snapshot::{End, Snapshot, Socket};

use super::{fd_limit, sockets};

/// Names a socket and the process that uses it.
pub(super) fn of_socket(snapshot: &Snapshot, place: usize, kind: &'static str) -> Subject {
    let Some(socket) = snapshot.sockets.get(place) else {
        return Subject::default();
    };
    let mut subject = of_ends(socket, kind);
    if let Some(process) = user_of(snapshot, place) {
        name_process(&mut subject, process);
    }
    subject
}

/// Names the other end of a connection. Of our own end, which is any port where we are the client, no more than a port
/// that is served is told: it is what those ask about who have its clients' trouble.
pub(super) fn of_other_end(sample: &Sample, place: usize) -> Subject {
    let subject = of_socket(&sample.snapshot, place, "destination");
    let socket = sample.snapshot.sockets.get(place);
    let own = socket.and_then(|socket| socket.local.inet());
    let is_served =
        own.is_some_and(|own| sockets::server_of(sample, sockets::plain(own)).is_some());
    Subject {
        local: subject.local.filter(|_| is_served),
        ..subject
    }
}

/// Gives of those who hold a socket the one that uses it: the first, unless he handed it on to a child. A child that
/// inherited a descriptor has it under the same number; one that was given it, as a service gets its sockets from an
/// activator, has it where it expects it.
fn user_of(snapshot: &Snapshot, place: usize) -> Option<&Process> {
    let holdings = snapshot.owners.of(place).ok()?;
    let first = holdings.first()?;
    let giver = snapshot.owners.process(*first)?;
    let fds = holdings.iter().filter(|held| held.process == first.process);
    let fds: Vec<Option<i32>> = fds.map(|held| held.how.fd()).collect();
    let given = holdings.iter().filter(|held| !fds.contains(&held.how.fd()));
    let mut children = given.filter_map(|held| snapshot.owners.process(*held));
    children
        .find(|process| process.parent.ok() == Some(giver.pid))
        .or(Some(giver))
}

/// Gives those who use a socket: whoever holds it, but the first where he handed it on.
pub(super) fn users_of(snapshot: &Snapshot, place: usize) -> Vec<&Process> {
    let holdings = snapshot.owners.of(place).ok().unwrap_or_default();
    let first = holdings
        .first()
        .and_then(|held| snapshot.owners.process(*held));
    let user = user_of(snapshot, place);
    let handed_on = first.map(|first| first.pid) != user.map(|user| user.pid);
    let giver = first.filter(|_| handed_on).map(|first| first.pid);
    let mut users = snapshot.owners.processes_of(place);
    users.retain(|process| Some(process.pid) != giver);
    users
}

/// Names a listener, and of those who hold it the one that cannot accept because it has no descriptor left;
/// else the first.
pub(super) fn of_listener(sample: &Sample, place: usize) -> Subject {
    let mut subject = of_socket(&sample.snapshot, place, "listener");
    let holders = sample.snapshot.owners.processes_of(place);
    let full = holders.into_iter().find(|process| {
        let mut used = sample.descriptors.iter();
        used.find(|used| used.pid == process.pid)
            .is_some_and(fd_limit::is_near)
    });
    if let Some(process) = full {
        name_process(&mut subject, process);
    }
    subject
}

/// Says how to find out why a process does not do something.
pub(super) fn see_instead(subject: &Subject, of: &str) -> String {
    match subject.pid {
        Some(pid) => format!(
            "see what it does instead of {of}: plumb trace -p {} --stacks",
            pid.0
        ),
        None => format!("see what the process does instead of {of}"),
    }
}

/// Names the ends of a socket; a listener has no other one.
fn of_ends(socket: &Socket, kind: &'static str) -> Subject {
    Subject {
        kind,
        local: text(&socket.local),
        // A socket that is not connected has no other end.
        peer: text(&socket.peer).filter(|_| {
            !socket.is_listener() && (socket.peer.inet().is_none() || socket.peer.port().is_some())
        }),
        protocol: Some(socket.kind.word()),
        ..Subject::default()
    }
}

/// Names a process.
pub(super) fn of_process(process: &Process) -> Subject {
    let mut subject = Subject {
        kind: "process",
        ..Subject::default()
    };
    name_process(&mut subject, process);
    subject
}

fn name_process(subject: &mut Subject, process: &Process) {
    subject.pid = Some(process.pid);
    subject.process = Some(String::from_utf8_lossy(&process.comm).into_owned());
}

/// Writes an end; `None` for one that is none.
pub(super) fn text(end: &End) -> Option<String> {
    match end {
        End::Inet(end) => {
            Some(std::net::SocketAddr::new(end.ip().to_canonical(), end.port()).to_string())
        }
        End::Unix { .. } => end.unix_name().map(unix_text),
        _ => None,
    }
}

/// Writes the name of a UNIX socket; NULs of an abstract one are `@`.
pub(super) fn unix_text(name: &[u8]) -> String {
    String::from_utf8_lossy(name).replace('\0', "@")
}

#[cfg(test)]
mod tests {
    use plumb_model::socket::SocketState;

    use super::*;
    use crate::counters::concerned::tests::socket;

    #[test]
    fn our_own_end_is_told_where_we_serve_it() {
        let connection = || socket(SocketState::ESTABLISHED, 80, (0, 0), [0; 9]);
        let mut sample = Sample::default();
        sample.snapshot.sockets = vec![connection()];
        assert_eq!(of_other_end(&sample, 0).local, None);
        let listener = socket(SocketState::LISTEN, 80, (0, 128), [0; 9]);
        sample.snapshot.sockets.push(listener);
        let local = of_other_end(&sample, 0).local;
        assert_eq!(local.as_deref(), Some("127.0.0.1:80"));
    }
}
