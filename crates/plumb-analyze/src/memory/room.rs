//! How much room the buffers of a socket have left, and who decides how large they are.

use plumb_model::buffers::{BufferLocks, BufferSettings};
use plumb_model::diag::inet::SkMemInfo;
use plumb_model::id::NetnsId;
use plumb_model::snapshot::{Kind, Snapshot};
use plumb_model::{Known, Reason};

/// A buffer, or a protocol, is near its limit from so many hundredths of it on.
pub const NEAR_PERCENT: u64 = 90;

/// Says whether something is near its limit; no limit is none that is near.
pub fn is_near(used: u64, limit: u64) -> bool {
    limit > 0 && u128::from(used) * 100 >= u128::from(limit) * u128::from(NEAR_PERCENT)
}

/// What of a socket has a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Buffer {
    /// What was received and not read.
    Receive,
    /// What is to be sent or acknowledged.
    Send,
    /// Options and ancillary data.
    Options,
}

impl Buffer {
    /// Gives the stable machine word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Receive => "receive",
            Self::Send => "send",
            Self::Options => "options",
        }
    }
}

/// Who decides how large a buffer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SetBy {
    /// The program, once and for all (`SO_RCVBUF`, `SO_SNDBUF`).
    Program,
    /// The kernel, as the connection goes.
    Kernel,
    /// Nobody: it is as large as sockets are at first.
    Nobody,
}

impl SetBy {
    /// Gives the stable machine word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Program => "program",
            Self::Kernel => "kernel",
            Self::Nobody => "nobody",
        }
    }
}

/// One buffer and its limit, in bytes of kernel memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// What is in it.
    pub used_bytes: u64,
    /// What may be in it now.
    pub limit_bytes: Known<u64>,
    /// Who decides about the limit.
    pub set_by: Known<SetBy>,
    /// What the limit may become at most: by itself where the kernel decides, else at the program's request.
    pub most_bytes: Known<u64>,
}

impl Room {
    /// Says whether the limit is all it may become.
    pub fn is_largest(&self) -> bool {
        let known = self.limit_bytes.ok().zip(self.most_bytes.ok());
        known.is_some_and(|(limit, most)| limit >= most)
    }

    /// Says whether it is near its limit.
    pub fn is_near(&self) -> bool {
        let limit = self.limit_bytes.ok().unwrap_or(0);
        is_near(self.used_bytes, limit)
    }
}

/// Gives the rooms of a socket. What a UNIX socket has not read is in its peer's send buffer, so it has no limit
/// to receive.
pub fn rooms(
    kind: Kind,
    memory: &SkMemInfo,
    settings: Option<BufferSettings>,
    locks: Known<BufferLocks>,
) -> [(Buffer, Room); 3] {
    let [rmem, rcvbuf, wmem, sndbuf, _, queued, option, ..] = memory.words.map(u64::from);
    let setting = |of: fn(BufferSettings) -> Known<u64>| {
        settings.map_or(Known::Unknown(Reason::NotInSource), of)
    };
    let is_tcp = kind == Kind::Tcp;
    let grows = settings.is_none_or(|it| it.tcp_receive_grows.ok() != Some(false));
    let receive_set_by = locks.map(|locks| set_by(locks.receive, is_tcp && grows));
    let send_set_by = locks.map(|locks| set_by(locks.send, is_tcp));
    // The kernel doubles what a program asks for, because of its own overhead.
    let doubled = |bytes: u64| bytes.saturating_mul(2);
    let receive_most = match receive_set_by {
        Known::Known(SetBy::Kernel) => setting(|it| it.tcp_receive_bytes.map(|[_, _, most]| most)),
        _ => setting(|it| it.receive_max_bytes).map(doubled),
    };
    let send_most = match send_set_by {
        Known::Known(SetBy::Kernel) => setting(|it| it.tcp_send_bytes.map(|[_, _, most]| most)),
        _ => setting(|it| it.send_max_bytes).map(doubled),
    };
    let receive_limit = if kind.is_unix() {
        Known::Unknown(Reason::NotSupported)
    } else {
        Known::Known(rcvbuf)
    };
    let option_limit = setting(|it| it.option_max_bytes);
    [
        (
            Buffer::Receive,
            room(rmem, receive_limit, receive_set_by, receive_most),
        ),
        (
            Buffer::Send,
            room(
                queued.max(wmem),
                Known::Known(sndbuf),
                send_set_by,
                send_most,
            ),
        ),
        (
            Buffer::Options,
            room(
                option,
                option_limit,
                Known::Known(SetBy::Nobody),
                option_limit,
            ),
        ),
    ]
}

fn room(
    used_bytes: u64,
    limit_bytes: Known<u64>,
    set_by: Known<SetBy>,
    most_bytes: Known<u64>,
) -> Room {
    Room {
        used_bytes,
        limit_bytes,
        set_by,
        most_bytes,
    }
}

fn set_by(is_locked: bool, grows: bool) -> SetBy {
    match (is_locked, grows) {
        (true, _) => SetBy::Program,
        (false, true) => SetBy::Kernel,
        (false, false) => SetBy::Nobody,
    }
}

/// Gives the settings that hold in a namespace. Some are the host's and shown in its first namespace alone, on older
/// kernels more of them: those are taken from whichever shows them.
pub fn settings(snapshot: &Snapshot, netns: NetnsId) -> Option<BufferSettings> {
    let of = |id| {
        let mut namespaces = snapshot.namespaces.iter();
        namespaces.find(|it| it.id == id)?.buffers
    };
    let mut settings = of(netns)?;
    let others = snapshot.namespaces.iter().filter_map(|it| it.buffers);
    for other in others {
        take(&mut settings.receive_max_bytes, other.receive_max_bytes);
        take(&mut settings.send_max_bytes, other.send_max_bytes);
        take(&mut settings.option_max_bytes, other.option_max_bytes);
        take(&mut settings.tcp_memory, other.tcp_memory);
        take(&mut settings.udp_memory, other.udp_memory);
    }
    Some(settings)
}

/// Takes what is known there where it is not known here.
fn take<T: Copy>(here: &mut Known<T>, there: Known<T>) {
    if here.ok().is_none() && there.ok().is_some() {
        *here = there;
    }
}

#[cfg(test)]
mod tests {
    use plumb_model::memory::MemoryLimits;
    use plumb_model::snapshot::Namespace;

    use super::*;

    const LIMITS: MemoryLimits = MemoryLimits {
        low_bytes: 1,
        pressure_bytes: 2,
        high_bytes: 3,
    };
    const UNKNOWN: Known<u64> = Known::Unknown(Reason::NotInSource);

    fn of_host() -> BufferSettings {
        BufferSettings {
            receive_max_bytes: Known::Known(500),
            send_max_bytes: Known::Known(400),
            option_max_bytes: Known::Known(100),
            tcp_receive_bytes: Known::Known([1, 2, 6000]),
            tcp_send_bytes: Known::Known([1, 2, 4000]),
            tcp_receive_grows: Known::Known(true),
            tcp_memory: Known::Known(LIMITS),
            udp_memory: Known::Unknown(Reason::NotInSource),
        }
    }

    fn memory(words: [u32; 9]) -> SkMemInfo {
        SkMemInfo {
            words,
            sent_bytes: 36,
        }
    }

    fn of(kind: Kind, words: [u32; 9], locks: Known<BufferLocks>) -> [Room; 3] {
        rooms(kind, &memory(words), Some(of_host()), locks).map(|(_, room)| room)
    }

    #[test]
    fn a_buffer_is_near_from_nine_tenths_on() {
        let cases = [
            (90, 100, true),
            (89, 100, false),
            (5, 0, false),
            (0, 0, false),
        ];
        for (used, limit, near) in cases {
            assert_eq!(is_near(used, limit), near, "{used} of {limit}");
        }
        assert!(is_near(u64::MAX, u64::MAX));
    }

    #[test]
    fn what_a_program_set_may_grow_at_its_request_alone() {
        let locks = BufferLocks {
            receive: true,
            send: false,
        };
        let [receive, send, options] = of(
            Kind::Tcp,
            [950, 1000, 0, 900, 0, 100, 99, 0, 0],
            Known::Known(locks),
        );
        assert_eq!(receive.set_by, Known::Known(SetBy::Program));
        assert_eq!(receive.most_bytes, Known::Known(1000));
        assert_eq!(send.set_by, Known::Known(SetBy::Kernel));
        assert_eq!(send.most_bytes, Known::Known(4000));
        assert!(receive.is_largest() && !send.is_largest());
        let near = [&receive, &send, &options].map(Room::is_near);
        assert_eq!(near, [true, false, true]);
    }

    #[test]
    fn only_tcp_grows_by_itself() {
        let free = Known::Known(BufferLocks::default());
        let [receive, send, _] = of(Kind::Udp, [0; 9], free);
        assert_eq!(receive.set_by, Known::Known(SetBy::Nobody));
        assert_eq!(send.most_bytes, Known::Known(800));
        let mut fixed = of_host();
        fixed.tcp_receive_grows = Known::Known(false);
        let [(_, receive), (_, send), _] = rooms(Kind::Tcp, &memory([0; 9]), Some(fixed), free);
        assert_eq!(receive.set_by, Known::Known(SetBy::Nobody));
        assert_eq!(send.set_by, Known::Known(SetBy::Kernel));
    }

    #[test]
    fn who_set_it_is_unknown_where_nobody_may_ask() {
        let unknown = Known::Unknown(Reason::PermissionDenied);
        let [receive, ..] = of(Kind::Tcp, [0; 9], unknown);
        assert_eq!(receive.set_by, Known::Unknown(Reason::PermissionDenied));
        assert_eq!(receive.limit_bytes, Known::Known(0));
    }

    #[test]
    fn a_unix_socket_has_no_limit_to_receive() {
        let free = Known::Known(BufferLocks::default());
        let [receive, send, _] = of(Kind::UnixStream, [0, 100, 95, 100, 0, 0, 0, 0, 0], free);
        assert_eq!(receive.limit_bytes.ok(), None);
        assert!(send.is_near() && !receive.is_near());
    }

    #[test]
    fn what_is_the_host_s_is_taken_from_where_it_is_shown() {
        let mut inner = of_host();
        inner.receive_max_bytes = UNKNOWN;
        inner.tcp_memory = Known::Unknown(Reason::NotInSource);
        inner.tcp_send_bytes = Known::Known([7, 7, 7]);
        let namespace = |id, buffers| Namespace {
            id: NetnsId(id),
            name: None,
            is_own: id == 1,
            interfaces: Vec::new(),
            buffers: Some(buffers),
        };
        let snapshot = Snapshot {
            namespaces: vec![namespace(1, of_host()), namespace(2, inner)],
            ..Snapshot::default()
        };
        let found = settings(&snapshot, NetnsId(2)).expect("it was read");
        assert_eq!(found.receive_max_bytes, Known::Known(500));
        assert_eq!(found.tcp_memory, Known::Known(LIMITS));
        assert_eq!(found.tcp_send_bytes, Known::Known([7, 7, 7]));
        assert_eq!(settings(&snapshot, NetnsId(3)), None);
    }
}
