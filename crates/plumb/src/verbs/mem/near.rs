//! Buffers that are near their limit: why that matters, and what to do.

use std::collections::BTreeMap;

use plumb_analyze::memory::{Buffer, Room, SetBy, rooms, settings};
use plumb_collect::buffers::read_locks;
use plumb_model::buffers::BufferLocks;
use plumb_model::snapshot::{Kind, Snapshot};
use plumb_model::{Known, Reason};
use plumb_present::report::value;
use rustix::io::Errno;
use serde::Serialize;

use crate::verbs::wanted::Places;

/// Sockets that are asked who set their buffers, those near a limit first: each costs a few calls.
const MOST_ASKED: usize = 16_384;
/// Lines about buffers that are near; JSON has all.
const MOST_LINES: usize = 6;

/// One socket and the room in its buffers.
pub struct Sized {
    /// Where it is in the reading.
    pub place: usize,
    /// Its buffers.
    pub rooms: [(Buffer, Room); 3],
}

impl Sized {
    /// Gives those that are near their limit.
    pub fn near(&self) -> impl Iterator<Item = (Buffer, &Room)> {
        let rooms = self.rooms.iter().filter(|(_, room)| room.is_near());
        rooms.map(|(buffer, room)| (*buffer, room))
    }

    /// Gives one of them.
    pub fn room(&self, wanted: Buffer) -> Option<&Room> {
        let mut rooms = self.rooms.iter();
        rooms.find_map(|(buffer, room)| (*buffer == wanted).then_some(room))
    }
}

/// Finds the room in the buffers of the sockets that are wanted. Who set them is asked of those near their limit
/// and, if `ask_all`, of the others; says of how many it was not.
pub fn look(snapshot: &Snapshot, places: &Places, ask_all: bool) -> (Vec<Sized>, usize) {
    let unasked = Known::Unknown(Reason::NotInSource);
    let wanted = (0..snapshot.sockets.len()).filter(|place| places.wants(*place));
    let mut sized: Vec<Sized> = wanted
        .filter_map(|place| of(snapshot, place, unasked))
        .collect();
    let is_near = |sized: &Sized| sized.near().next().is_some();
    let mut order: Vec<usize> = (0..sized.len()).collect();
    order.sort_by_key(|at| !sized.get(*at).is_some_and(is_near));
    order.retain(|at| ask_all || sized.get(*at).is_some_and(is_near));
    let not_asked = order.len().saturating_sub(MOST_ASKED);
    for at in order.into_iter().take(MOST_ASKED) {
        let Some(slot) = sized.get_mut(at) else {
            continue;
        };
        let told = of(snapshot, slot.place, locks(snapshot, slot.place));
        *slot = told.unwrap_or(Sized { ..*slot });
    }
    (sized, not_asked)
}

fn of(snapshot: &Snapshot, place: usize, locks: Known<BufferLocks>) -> Option<Sized> {
    let socket = snapshot.sockets.get(place)?;
    let memory = socket.memory.as_ref()?;
    let settings = settings(snapshot, socket.netns);
    Some(Sized {
        place,
        rooms: rooms(socket.kind, memory, settings, locks),
    })
}

/// Asks a socket, through whoever holds it, which of its buffers were set.
fn locks(snapshot: &Snapshot, place: usize) -> Known<BufferLocks> {
    let holdings = match snapshot.owners.of(place) {
        Known::Known(holdings) => holdings,
        Known::Unknown(reason) => return Known::Unknown(reason),
    };
    let mut answer = Known::Unknown(Reason::NoHolder);
    for &holding in holdings {
        let process = snapshot.owners.process(holding);
        let Some((process, fd)) = process.zip(holding.how.fd()) else {
            continue;
        };
        answer = match read_locks(process.pid, fd) {
            Ok(locks) => return Known::Known(locks),
            Err(Errno::PERM | Errno::ACCESS) => Known::Unknown(Reason::PermissionDenied),
            Err(Errno::SRCH | Errno::BADF) => Known::Unknown(Reason::ProcessEnded),
            Err(_) => Known::Unknown(Reason::NotSupported),
        };
    }
    answer
}

/// Buffers of one sort that are near their limit.
#[derive(Debug, Serialize)]
pub struct Near {
    kind: &'static str,
    buffer: &'static str,
    /// `program`, `kernel`, `nobody`; `null`: not known.
    set_by: Option<&'static str>,
    most_bytes: Option<u64>,
    sockets: u64,
    why: &'static str,
    what_to_do: String,
}

impl Near {
    fn new(kind: Kind, buffer: Buffer, room: &Room) -> Self {
        let set_by = room.set_by.ok();
        let most_bytes = room.most_bytes.ok();
        Self {
            kind: kind.word(),
            buffer: buffer.word(),
            set_by: set_by.map(SetBy::word),
            most_bytes,
            sockets: 0,
            why: why(kind, buffer),
            what_to_do: what_to_do(kind, buffer, room),
        }
    }

    /// Says it in a line.
    fn line(&self) -> String {
        let Self {
            kind,
            buffer,
            sockets,
            why,
            what_to_do,
            ..
        } = self;
        let (sockets, is) = match sockets {
            1 => (format!("1 {kind} socket"), "is near its limit"),
            count => (format!("{count} {kind} sockets"), "are near their limit"),
        };
        let doing = match *buffer {
            "options" => "for options".to_owned(),
            doing => format!("to {doing}"),
        };
        format!("{sockets} {is} {doing}: {why}. {what_to_do}")
    }
}

/// Gives the buffers that are near, by sort; most sockets first.
pub fn sorts(snapshot: &Snapshot, sized: &[Sized]) -> Vec<Near> {
    let mut sorts: BTreeMap<_, Near> = BTreeMap::new();
    for one in sized {
        let Some(socket) = snapshot.sockets.get(one.place) else {
            continue;
        };
        for (buffer, room) in one.near() {
            let key = (socket.kind, buffer, room.set_by.ok(), room.most_bytes.ok());
            let near = sorts.entry(key);
            near.or_insert_with(|| Near::new(socket.kind, buffer, room))
                .sockets += 1;
        }
    }
    let mut sorts: Vec<Near> = sorts.into_values().collect();
    sorts.sort_by_key(|near| std::cmp::Reverse(near.sockets));
    sorts
}

/// Says what is near, for people.
pub fn lines(sorts: &[Near]) -> Vec<String> {
    let mut lines: Vec<String> = sorts.iter().take(MOST_LINES).map(Near::line).collect();
    let more = sorts.len().saturating_sub(MOST_LINES);
    lines.extend((more > 0).then(|| format!("and {more} more such lines with -o json")));
    lines
}

fn why(kind: Kind, buffer: Buffer) -> &'static str {
    match (buffer, kind) {
        (Buffer::Receive, Kind::Tcp) => "when it is full, the other end is told to stop",
        (Buffer::Receive, _) => "what comes when it is full is dropped",
        (Buffer::Send, Kind::Tcp) => {
            "the other end, or the way there, does not take it; when it is full, send() waits or fails with EAGAIN"
        }
        (Buffer::Send, kind) if kind.is_unix() => {
            "the program at the other end does not read; when it is full, send() waits or fails with EAGAIN"
        }
        (Buffer::Send, _) => "when it is full, send() waits or fails with EAGAIN",
        (Buffer::Options, _) => "when it is full, options and ancillary data fail with ENOBUFS",
    }
}

fn what_to_do(kind: Kind, buffer: Buffer, room: &Room) -> String {
    let up_to = room.most_bytes.ok().map_or(String::new(), |most| {
        format!(" up to {}", value::bytes(most))
    });
    match (buffer, kind, room.set_by.ok()) {
        (Buffer::Receive, Kind::Tcp, Some(SetBy::Kernel)) if room.is_largest() => {
            "Read faster: it is as large as net.ipv4.tcp_rmem lets it be".to_owned()
        }
        (Buffer::Send, Kind::Tcp, Some(SetBy::Kernel)) if room.is_largest() => {
            "Look at the other end (plumb diagnose): it is as large as net.ipv4.tcp_wmem lets it be".to_owned()
        }
        (Buffer::Receive, Kind::Tcp, Some(SetBy::Program)) => {
            "Read faster; or do not set SO_RCVBUF, so that the kernel lets it grow (net.ipv4.tcp_rmem)".to_owned()
        }
        (Buffer::Receive, Kind::Tcp, Some(SetBy::Kernel)) => {
            format!("Read faster: it grows{up_to} (net.ipv4.tcp_rmem), but only for who reads")
        }
        (Buffer::Receive, Kind::Tcp, None) => "Read faster".to_owned(),
        (Buffer::Receive, ..) => {
            format!("Read faster, or set SO_RCVBUF,{up_to} (net.core.rmem_max)")
        }
        (Buffer::Send, Kind::Tcp, Some(SetBy::Program)) => {
            "Look at the other end (plumb diagnose); or do not set SO_SNDBUF, so that the kernel lets it grow \
             (net.ipv4.tcp_wmem)"
                .to_owned()
        }
        (Buffer::Send, Kind::Tcp, Some(SetBy::Kernel)) => format!(
            "Look at the other end (plumb diagnose): it grows{up_to} (net.ipv4.tcp_wmem), but only as that takes more"
        ),
        (Buffer::Send, Kind::Tcp, _) => "Look at the other end (plumb diagnose)".to_owned(),
        (Buffer::Send, kind, _) if kind.is_unix() => format!(
            "Let the other program read faster, or set SO_SNDBUF,{up_to} (net.core.wmem_max)"
        ),
        (Buffer::Send, ..) => {
            format!("Send more slowly, or set SO_SNDBUF,{up_to} (net.core.wmem_max)")
        }
        (Buffer::Options, ..) => "Raise net.core.optmem_max".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(kind: Kind, buffer: Buffer, set_by: Known<SetBy>) -> String {
        let room = Room {
            used_bytes: 95,
            limit_bytes: Known::Known(100),
            set_by,
            most_bytes: Known::Known(6 << 20),
        };
        let mut near = Near::new(kind, buffer, &room);
        near.sockets = 2;
        near.line()
    }

    #[test]
    fn what_is_near_says_why_it_matters_and_what_to_do() {
        let line = near(Kind::Tcp, Buffer::Receive, Known::Known(SetBy::Kernel));
        assert_eq!(
            line,
            "2 tcp sockets are near their limit to receive: when it is full, the other end is told to stop. \
             Read faster: it grows up to 6.0 MiB (net.ipv4.tcp_rmem), but only for who reads"
        );
        let full = Room {
            limit_bytes: Known::Known(100),
            most_bytes: Known::Known(100),
            used_bytes: 95,
            set_by: Known::Known(SetBy::Kernel),
        };
        let line = Near::new(Kind::Tcp, Buffer::Send, &full).line();
        assert!(line.ends_with("as net.ipv4.tcp_wmem lets it be"), "{line}");
        let line = near(Kind::Tcp, Buffer::Send, Known::Known(SetBy::Program));
        assert!(line.contains("do not set SO_SNDBUF"), "{line}");
        let line = near(Kind::Udp, Buffer::Receive, Known::Known(SetBy::Nobody));
        assert!(line.contains("dropped") && line.contains("up to 6.0 MiB (net.core.rmem_max)"));
        let line = near(Kind::UnixStream, Buffer::Send, Known::Known(SetBy::Nobody));
        assert!(line.contains("the other program read faster"), "{line}");
        let unknown = Known::Unknown(Reason::PermissionDenied);
        let line = near(Kind::Tcp, Buffer::Receive, unknown);
        assert!(line.ends_with("Read faster"), "{line}");
        let line = near(Kind::Tcp, Buffer::Options, Known::Known(SetBy::Nobody));
        assert!(
            line.contains("for options") && line.contains("optmem_max"),
            "{line}"
        );
    }
}
