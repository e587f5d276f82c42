//! The member `summary` of the document (-s): how many sockets there are, as the kernel counts them.

use plumb_model::socket_totals::{InUse, SocketTotals};
use serde::Serialize;

/// The counts; `null` where the kernel did not tell.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// Sockets of any family.
    sockets: Option<i32>,
    /// TCP sockets.
    tcp: TcpCounts,
    /// IPv4 sockets of this namespace.
    ipv4: Counts,
    /// IPv6 sockets of this namespace.
    ipv6: Counts,
}

/// TCP sockets of both IP versions.
#[derive(Debug, Clone, Serialize)]
struct TcpCounts {
    /// In any state, on the whole host.
    allocated: Option<i32>,
    /// Connected.
    established: Option<i32>,
    /// Without a process.
    orphans: Option<i32>,
    /// In TIME_WAIT.
    time_wait: Option<i32>,
}

/// Sockets in use of one IP version.
#[derive(Debug, Clone, Serialize)]
struct Counts {
    raw: Option<i32>,
    udp: Option<i32>,
    tcp: Option<i32>,
    /// Incomplete packets.
    frag: Option<i32>,
}

impl Counts {
    fn new(of: &InUse) -> Self {
        Self {
            raw: of.raw,
            udp: of.udp,
            tcp: of.tcp,
            frag: of.frag,
        }
    }
}

impl Summary {
    /// Builds the member.
    pub fn new(totals: &SocketTotals) -> Self {
        Self {
            sockets: totals.sockets,
            tcp: TcpCounts {
                allocated: totals.tcp_allocated,
                established: totals.tcp_established,
                orphans: totals.tcp_orphaned,
                time_wait: totals.tcp_time_wait,
            },
            ipv4: Counts::new(&totals.ipv4),
            ipv6: Counts::new(&totals.ipv6),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_did_not_tell_is_null() {
        let totals = SocketTotals {
            sockets: Some(57),
            tcp_time_wait: Some(0),
            ipv4: InUse {
                udp: Some(4),
                ..InUse::default()
            },
            ..SocketTotals::default()
        };
        assert_eq!(
            serde_json::json!(Summary::new(&totals)),
            serde_json::json!({
                "sockets": 57,
                "tcp": {"allocated": null, "established": null, "orphans": null, "time_wait": 0},
                "ipv4": {"raw": null, "udp": 4, "tcp": null, "frag": null},
                "ipv6": {"raw": null, "udp": null, "tcp": null, "frag": null},
            })
        );
    }
}
