//! Sets of socket states, and their names in filters.

use plumb_present::ss::view::Release;

/// A set of states, by the bits of the TCP state numbers; bit 0 is "unknown".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct States(pub u32);

const fn state(number: u32) -> u32 {
    1 << number
}

/// The bit of that state.
pub(super) const ESTABLISHED: u32 = state(1);
const SYN_SENT: u32 = state(2);
const SYN_RECV: u32 = state(3);
const TIME_WAIT: u32 = state(6);
/// The bit of that state.
pub(super) const CLOSE: u32 = state(7);
/// The bit of that state.
pub(super) const LISTEN: u32 = state(10);
const BOUND_INACTIVE: u32 = state(13);

impl States {
    /// Unconnected or waiting for connections: -l.
    pub const LISTENING: Self = Self(LISTEN | CLOSE);
    /// Bound and nothing else: -B, since 6.8.
    pub const BOUND_INACTIVE: Self = Self(BOUND_INACTIVE);

    /// Every state of a release.
    pub fn all(release: Release) -> Self {
        let count = if release.since(6, 8) { 14 } else { 12 };
        Self((1 << count) - 1)
    }

    /// The default of connections: neither listening, nor closed, nor a mini-socket.
    pub fn connections(release: Release) -> Self {
        Self(Self::all(release).0 & !(LISTEN | CLOSE | TIME_WAIT | SYN_RECV))
    }

    /// Says whether a state number is in the set.
    pub fn contains(self, number: u8) -> bool {
        1_u32
            .checked_shl(u32::from(number))
            .is_some_and(|bit| self.0 & bit != 0)
    }

    /// Says whether exactly one state is in the set.
    pub fn is_single(self) -> bool {
        self.0.is_power_of_two()
    }

    /// Reads a name of the state part of a filter; names do not depend on case.
    pub fn parse(name: &[u8], release: Release) -> Option<Self> {
        let all = Self::all(release).0;
        let connected = all & !(CLOSE | LISTEN);
        let name = name.to_ascii_lowercase();
        Some(Self(match name.as_slice() {
            b"unknown" => state(0),
            b"established" => ESTABLISHED,
            b"syn-sent" => SYN_SENT,
            b"syn-recv" | b"syn-rcv" => SYN_RECV,
            b"fin-wait-1" => state(4),
            b"fin-wait-2" => state(5),
            b"time-wait" => TIME_WAIT,
            b"close" | b"closed" | b"unconnected" => CLOSE,
            b"close-wait" => state(8),
            b"last-ack" => state(9),
            b"listening" => LISTEN,
            b"closing" => state(11),
            b"bound-inactive" if release.since(6, 8) => BOUND_INACTIVE,
            b"all" => all,
            b"connected" => connected,
            b"synchronized" => connected & !SYN_SENT,
            b"bucket" => SYN_RECV | TIME_WAIT,
            b"big" => all & !(SYN_RECV | TIME_WAIT),
            _ => return None,
        }))
    }
}
