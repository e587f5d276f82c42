//! What counters tell of packets that came for somebody who waits for them and that were thrown away: whoever is not
//! heard for such a reason is not kept away by the firewall.

use super::{Case, evidence};

/// Says whether listeners had no room for some that came.
pub(super) fn has_no_room(case: &Case<'_>) -> bool {
    let full = ["ListenOverflows", "ListenDrops", "TCPReqQFullDrop"];
    full.iter()
        .any(|name| evidence::grown(case.span, "TcpExt", name).is_some())
}

/// Says whether some that came were damaged, or from a sender that should come another way.
pub(super) fn is_bad(case: &Case<'_>) -> bool {
    let counted = [("TcpExt", "IPReversePathFilter"), ("Tcp", "InCsumErrors")];
    counted
        .iter()
        .any(|(group, name)| evidence::grown(case.span, group, name).is_some())
}
