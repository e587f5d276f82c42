//! Can this address and port be bound, and if not: because of which rule and of whom?
//!
//! Written from how Linux decides (`__inet_bind`, `__inet6_bind`, `inet_csk_get_port`, `udp_lib_get_port`
//! of 6.18): first the address, then the privilege, then the others. Values in, a decision out; the
//! caller reads the sockets, proves the answer by a real bind, and finds words for it.
//! What the kernel does not tell of other sockets (SO_REUSEADDR, SO_REUSEPORT, often IPV6_V6ONLY) may
//! be unknown; where the answer hangs on it, the answer is [`Answer::Unsure`], never a guess.

mod address;
mod decide;
mod likely;
mod overlap;
mod tcp;
mod udp;
mod vrf;

pub use address::AddressSettings;
pub use decide::{any_port, decide};
pub use vrf::Vrf;

use std::net::IpAddr;

use plumb_model::socket::SocketState;
use plumb_model::{Known, Uid};

use likely::Likely;

/// What would be bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// With which protocol.
    pub protocol: Protocol,
    /// The address; an IPv6 one stands for an IPv6 socket.
    pub ip: IpAddr,
    /// The interface named in the address (`%eth0`), 0 for none.
    pub scope_id: u32,
    /// The port; not 0, for which there is [`any_port`].
    pub port: u16,
    /// SO_REUSEADDR.
    pub reuse_addr: bool,
    /// SO_REUSEPORT.
    pub reuse_port: bool,
    /// IPV6_V6ONLY.
    pub v6only: bool,
    /// SO_BINDTODEVICE: index of the interface, 0 for none.
    pub device: u32,
    /// Whose socket it is.
    pub uid: Uid,
    /// Whether its maker has CAP_NET_BIND_SERVICE in the namespace.
    pub privileged: Known<bool>,
}

/// The protocols whose binds are decided here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// A socket on the same port in the same namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rival {
    /// Where the caller finds it again.
    pub place: usize,
    /// Its local address, IPv4-mapped ones unchanged: they tell an IPv6 socket.
    pub ip: IpAddr,
    /// Index of the interface it is bound to, 0 for none.
    pub device: u32,
    /// Its state.
    pub state: SocketState,
    /// A socket of which the kernel keeps a stub: TIME_WAIT, and FIN_WAIT2 without a holder.
    pub is_stub: bool,
    /// Whose it is.
    pub uid: Known<Uid>,
    /// SO_REUSEADDR.
    pub reuse_addr: Known<bool>,
    /// SO_REUSEPORT.
    pub reuse_port: Known<bool>,
    /// IPV6_V6ONLY, which a socket bound to one IPv6 address has always.
    pub v6only: Known<bool>,
}

/// What the kernel would say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Answer {
    /// It would bind.
    Yes,
    /// It would refuse.
    No,
    /// That hangs on what cannot be seen.
    Unsure,
}

/// The rule that decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    /// Nobody is in the way.
    Free,
    /// The others and this one all have SO_REUSEADDR and none of them listens, or it is UDP.
    SharedByReuseAddr,
    /// The others and this one all have SO_REUSEPORT and one user.
    SharedByReusePort,
    /// No address of this host (EADDRNOTAVAIL).
    AddressNotLocal,
    /// An IPv6 address that is still being checked for duplicates (EADDRNOTAVAIL).
    AddressTentative,
    /// An IPv6 address that another host has (EADDRNOTAVAIL).
    AddressDuplicate,
    /// An address of another interface than the one named (EADDRNOTAVAIL).
    AddressOnOtherInterface,
    /// A link-local address without its interface (EINVAL).
    ScopeMissing,
    /// There is no such interface (ENODEV).
    NoSuchInterface,
    /// An IPv4-mapped address and IPV6_V6ONLY (EINVAL).
    MappedAndV6Only,
    /// A multicast address and TCP over IPv6 (EINVAL).
    MulticastStream,
    /// A port that needs CAP_NET_BIND_SERVICE (EACCES).
    PrivilegedPort,
    /// Another socket is in the way (EADDRINUSE).
    InUse,
    /// No port of the range is free (EADDRINUSE).
    RangeExhausted,
    /// An address of an interface in a VRF that the socket is not bound to, or outside of the one it is bound to
    /// (EADDRNOTAVAIL).
    AddressInOtherVrf,
    /// The table of the VRF is not known.
    Vrf,
}

/// Why a socket is in the way, or is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Overlap {
    /// The same address.
    Same,
    /// Its address is all addresses.
    TheirWildcard,
    /// Ours is all addresses.
    OurWildcard,
    /// An IPv6 socket that takes IPv4 as well, and an IPv4 one.
    DualStack,
}

/// The kernel's errors that a bind ends in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BindError {
    /// `EADDRINUSE`.
    AddressInUse,
    /// `EADDRNOTAVAIL`.
    AddressNotAvailable,
    /// `EACCES`.
    AccessDenied,
    /// `EINVAL`.
    Invalid,
    /// `ENODEV`.
    NoDevice,
}

/// A decision and what it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What the kernel would say.
    pub answer: Answer,
    /// By which rule; with [`Answer::Unsure`] the one that would refuse.
    pub rule: Rule,
    /// Those who are surely in the way.
    pub blockers: Vec<(usize, Overlap)>,
    /// Those of whom that cannot be told.
    pub unsure: Vec<(usize, Overlap)>,
    /// Those who have the same address and let us in.
    pub shares: Vec<(usize, Overlap)>,
}

impl Rule {
    /// Gives the stable machine word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::SharedByReuseAddr => "shared-by-reuseaddr",
            Self::SharedByReusePort => "shared-by-reuseport",
            Self::AddressNotLocal => "address-not-local",
            Self::AddressTentative => "address-tentative",
            Self::AddressDuplicate => "address-duplicate",
            Self::AddressOnOtherInterface => "address-on-other-interface",
            Self::ScopeMissing => "scope-missing",
            Self::NoSuchInterface => "no-such-interface",
            Self::MappedAndV6Only => "mapped-and-v6only",
            Self::MulticastStream => "multicast-stream",
            Self::PrivilegedPort => "privileged-port",
            Self::InUse => "in-use",
            Self::RangeExhausted => "range-exhausted",
            Self::AddressInOtherVrf => "address-in-other-vrf",
            Self::Vrf => "vrf",
        }
    }

    /// Gives the error of a bind that this rule refuses; `None` for rules that let in.
    pub fn error(self) -> Option<BindError> {
        Some(match self {
            Self::Free | Self::SharedByReuseAddr | Self::SharedByReusePort | Self::Vrf => {
                return None;
            }
            Self::AddressNotLocal
            | Self::AddressTentative
            | Self::AddressDuplicate
            | Self::AddressOnOtherInterface
            | Self::AddressInOtherVrf => BindError::AddressNotAvailable,
            Self::ScopeMissing | Self::MappedAndV6Only | Self::MulticastStream => {
                BindError::Invalid
            }
            Self::NoSuchInterface => BindError::NoDevice,
            Self::PrivilegedPort => BindError::AccessDenied,
            Self::InUse | Self::RangeExhausted => BindError::AddressInUse,
        })
    }
}

impl Overlap {
    /// Gives the stable machine word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Same => "same-address",
            Self::TheirWildcard => "their-wildcard",
            Self::OurWildcard => "our-wildcard",
            Self::DualStack => "dual-stack",
        }
    }
}

impl BindError {
    /// Gives the name of the errno.
    pub fn name(self) -> &'static str {
        match self {
            Self::AddressInUse => "EADDRINUSE",
            Self::AddressNotAvailable => "EADDRNOTAVAIL",
            Self::AccessDenied => "EACCES",
            Self::Invalid => "EINVAL",
            Self::NoDevice => "ENODEV",
        }
    }
}

impl Rival {
    fn reuse_addr(&self) -> Likely {
        self.reuse_addr.into()
    }

    fn reuse_port(&self) -> Likely {
        self.reuse_port.into()
    }

    fn v6only(&self) -> Likely {
        self.v6only.into()
    }

    fn has_uid(&self, uid: Uid) -> Likely {
        self.uid.map(|theirs| theirs == uid).into()
    }
}
