//! Absence as a value: what the kernel may not have told, and why.
//!
//! A number that could not be read is `Unknown` with its reason, never zero and never an empty
//! string. Presenters decide how a reason looks; nothing below them does.

/// A value the kernel told us, or the reason why it did not.
///
/// ```
/// use plumb_model::{Known, Reason};
///
/// let owner: Known<u32> = Known::Unknown(Reason::TimeWait);
/// assert_eq!(owner.ok(), None);
/// assert_eq!(owner.reason().map(Reason::word), Some("time-wait"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Known<T> {
    /// The value as read.
    Known(T),
    /// Nothing was read, for this reason.
    Unknown(Reason),
}

impl<T> Known<T> {
    /// Gives the value as an `Option`, for callers to whom the reason does not matter.
    pub fn ok(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown(_) => None,
        }
    }

    /// Makes another value of it; a reason stays one.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Known<U> {
        match self {
            Self::Known(value) => Known::Known(make(value)),
            Self::Unknown(reason) => Known::Unknown(reason),
        }
    }

    /// Gives the reason when the value is unknown.
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Self::Known(_) => None,
            Self::Unknown(reason) => Some(*reason),
        }
    }
}

/// Why a value is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// A TIME_WAIT mini-socket: the kernel dropped its owner, inode and uid.
    TimeWait,
    /// A connection request that no `accept()` has turned into a socket yet.
    ConnectionRequest,
    /// The socket exists but no process holds a descriptor for it (kernel socket, or in flight).
    NoHolder,
    /// The kernel itself made it and holds it.
    KernelOwned,
    /// It closed while it still had to say goodbye: its program has let go of it.
    Orphan,
    /// It lies in a message between UNIX sockets that nobody has received yet (SCM_RIGHTS).
    InFlight,
    /// It waits in the queue of a listener that has not accepted it.
    NotAccepted,
    /// Its holder may be in a pid namespace that this `/proc` does not show.
    OtherPidNamespace,
    /// `/proc` is mounted with hidepid and hides other users' processes.
    Hidepid,
    /// Something is mounted over the folder of its process in `/proc`.
    Covered,
    /// The network namespace could not be entered.
    NamespaceNotEntered,
    /// Another user's process may hold it, and this user may not look.
    PermissionDenied,
    /// The process ended between two reads.
    ProcessEnded,
    /// The data source used does not carry this field.
    NotInSource,
    /// The file holds no symbols: it was stripped, and no separate file with them was found.
    NoSymbols,
    /// This kernel has no such file or field.
    NotSupported,
    /// The link is one of software: no hardware gives it a speed.
    VirtualLink,
    /// The link has no carrier, so its speed is not agreed upon.
    NoCarrier,
}

impl Reason {
    /// All reasons.
    pub const ALL: [Self; 16] = [
        Self::TimeWait,
        Self::ConnectionRequest,
        Self::NoHolder,
        Self::KernelOwned,
        Self::Orphan,
        Self::InFlight,
        Self::NotAccepted,
        Self::OtherPidNamespace,
        Self::Hidepid,
        Self::Covered,
        Self::NamespaceNotEntered,
        Self::PermissionDenied,
        Self::ProcessEnded,
        Self::NotInSource,
        Self::NoSymbols,
        Self::NotSupported,
    ];

    /// Gives the stable machine word of the reason (used in JSON).
    pub fn word(self) -> &'static str {
        match self {
            Self::TimeWait => "time-wait",
            Self::ConnectionRequest => "connection-request",
            Self::NoHolder => "no-holder",
            Self::KernelOwned => "kernel-owned",
            Self::Orphan => "orphan",
            Self::InFlight => "in-flight",
            Self::NotAccepted => "not-accepted",
            Self::OtherPidNamespace => "other-pid-namespace",
            Self::Hidepid => "hidepid",
            Self::Covered => "covered",
            Self::NamespaceNotEntered => "namespace-not-entered",
            Self::PermissionDenied => "permission-denied",
            Self::ProcessEnded => "process-ended",
            Self::NotInSource => "not-in-source",
            Self::NoSymbols => "no-symbols",
            Self::NotSupported => "not-supported",
            Self::VirtualLink => "virtual-link",
            Self::NoCarrier => "no-carrier",
        }
    }
}
