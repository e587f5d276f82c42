//! Whether two local addresses stand for the same packets: `inet_rcv_saddr_equal`, and the buckets by
//! address that TCP looks into since 6.1 when one address is bound.

use std::net::{IpAddr, Ipv4Addr};

use super::likely::Likely;
use super::{Attempt, Overlap, Protocol, Rival};

/// The IPv4 address that an IPv6 socket of one IPv6 address has inside the kernel (`LOOPBACK4_IPV6`).
/// As long as it is not IPV6_V6ONLY it is in the way of IPv4 sockets by it.
const IPV4_OF_IPV6: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 6);

/// An address as the kernel compares it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bound {
    ip: IpAddr,
    /// `sk_rcv_saddr`.
    v4: Ipv4Addr,
}

impl Bound {
    fn new(ip: IpAddr) -> Self {
        let v4 = match ip {
            IpAddr::V4(ip) => ip,
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv4Addr::UNSPECIFIED,
            IpAddr::V6(ip) => ip.to_ipv4_mapped().unwrap_or(IPV4_OF_IPV6),
        };
        Self { ip, v4 }
    }

    fn is_any6(self) -> bool {
        self.ip.is_ipv6() && self.ip.is_unspecified()
    }

    /// An IPv4 address, in an IPv4 socket or mapped in an IPv6 one.
    fn is_v4(self) -> bool {
        match self.ip {
            IpAddr::V4(_) => true,
            IpAddr::V6(ip) => ip.to_ipv4_mapped().is_some(),
        }
    }
}

/// Says whether a bound socket of one IPv6 address takes no IPv4, which `bind` sees to.
pub(super) fn v6only(attempt: &Attempt) -> bool {
    let bound = Bound::new(attempt.ip);
    attempt.ip.is_ipv6() && (attempt.v6only || (!bound.is_any6() && !bound.is_v4()))
}

/// Says whether the attempt and a socket overlap, and how.
pub(super) fn overlap(attempt: &Attempt, rival: &Rival) -> (Likely, Overlap) {
    let (ours, theirs) = (Bound::new(attempt.ip), Bound::new(rival.ip));
    let only = v6only(attempt);
    let by_bucket = attempt.protocol == Protocol::Tcp && !ours.v4.is_unspecified();
    let answer = if by_bucket {
        in_buckets(ours, theirs, rival.v6only())
    } else if ours.ip.is_ipv6() {
        equal6(ours, theirs, only, rival.v6only())
    } else {
        equal4(ours.v4, theirs.v4, rival.v6only())
    };
    (answer, how(ours, theirs))
}

/// `ipv4_rcv_saddr_equal` with wildcards on both sides.
fn equal4(ours: Ipv4Addr, theirs: Ipv4Addr, theirs_v6only: Likely) -> Likely {
    let same = ours == theirs || ours.is_unspecified() || theirs.is_unspecified();
    !theirs_v6only & Likely::from(same)
}

/// `ipv6_rcv_saddr_equal` with wildcards on both sides.
fn equal6(ours: Bound, theirs: Bound, v6only: bool, theirs_v6only: Likely) -> Likely {
    if ours.is_v4() && theirs.is_v4() {
        return equal4(ours.v4, theirs.v4, theirs_v6only);
    }
    if ours.is_any6() && theirs.is_any6() {
        return Likely::Yes;
    }
    let theirs_takes_all =
        Likely::from(theirs.is_any6()) & !(theirs_v6only & Likely::from(ours.is_v4()));
    let ours_takes_all = ours.is_any6() && !(v6only && theirs.is_v4());
    theirs_takes_all | Likely::from(ours_takes_all) | Likely::from(ours.ip == theirs.ip)
}

/// `inet_bhash2_addr_any_conflict` and `inet_bhash2_conflict`: the bucket of the address itself, and the
/// buckets of all addresses.
fn in_buckets(ours: Bound, theirs: Bound, theirs_v6only: Likely) -> Likely {
    let same = if ours.is_v4() {
        theirs.is_v4() && ours.v4 == theirs.v4
    } else {
        ours.ip == theirs.ip
    };
    let all = theirs.is_any6() || (theirs.is_v4() && theirs.v4.is_unspecified() && ours.is_v4());
    let refused = theirs_v6only & Likely::from(ours.is_v4());
    Likely::from(same || all) & !refused
}

fn how(ours: Bound, theirs: Bound) -> Overlap {
    let any =
        |bound: Bound| bound.ip.is_unspecified() || (bound.is_v4() && bound.v4.is_unspecified());
    if ours.ip == theirs.ip {
        Overlap::Same
    } else if ours.is_v4() != theirs.is_v4() {
        Overlap::DualStack
    } else if any(theirs) {
        Overlap::TheirWildcard
    } else if any(ours) {
        Overlap::OurWildcard
    } else {
        Overlap::Same
    }
}
