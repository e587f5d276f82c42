//! JSON rows of socket memory (array `memory`): `kind` is `protocol` or `holder`.

use plumb_model::memory::{MemoryHolder, MemoryLimits, ProtocolMemory};
use plumb_model::{Known, Reason};
use serde::Serialize;

/// What one half of a protocol holds.
#[derive(Debug, Clone, Serialize)]
pub struct ProtocolRow {
    kind: &'static str,
    /// `tcp`, `tcp6`, `udp`, …, `frag`, `frag6`.
    protocol: &'static str,
    sockets: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sockets_unknown: Option<&'static str>,
    orphans: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    orphans_unknown: Option<&'static str>,
    time_wait: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_wait_unknown: Option<&'static str>,
    allocated: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allocated_unknown: Option<&'static str>,
    memory_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_bytes_unknown: Option<&'static str>,
    limits: Option<Limits>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limits_unknown: Option<&'static str>,
    /// Where the memory stands between the limits.
    level: Option<&'static str>,
    /// Whether the kernel says that the protocol is under pressure.
    pressed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pressed_unknown: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    netns: Option<super::Netns>,
}

/// Limits of a protocol's memory.
#[derive(Debug, Clone, Serialize)]
#[expect(clippy::struct_field_names, reason = "JSON keys carry their unit")]
pub struct Limits {
    low_bytes: u64,
    pressure_bytes: u64,
    high_bytes: u64,
}

impl ProtocolRow {
    /// Builds the row; `label` and `level` are the words of the text table.
    pub fn new(
        memory: &ProtocolMemory,
        label: &'static str,
        level: Option<&'static str>,
        netns: Option<super::Netns>,
    ) -> Self {
        Self {
            kind: "protocol",
            protocol: label,
            sockets: memory.in_use.ok(),
            sockets_unknown: word(&memory.in_use),
            orphans: memory.orphans.ok(),
            orphans_unknown: word(&memory.orphans),
            time_wait: memory.time_wait.ok(),
            time_wait_unknown: word(&memory.time_wait),
            allocated: memory.allocated.ok(),
            allocated_unknown: word(&memory.allocated),
            memory_bytes: memory.memory_bytes.ok(),
            memory_bytes_unknown: word(&memory.memory_bytes),
            limits: memory.limits.ok().map(Limits::new),
            limits_unknown: word(&memory.limits),
            level,
            pressed: memory.pressed.ok(),
            pressed_unknown: word(&memory.pressed),
            netns,
        }
    }
}

impl Limits {
    fn new(limits: MemoryLimits) -> Self {
        Self {
            low_bytes: limits.low_bytes,
            pressure_bytes: limits.pressure_bytes,
            high_bytes: limits.high_bytes,
        }
    }
}

/// The sockets of one process, or all those without one for the same reason.
#[derive(Debug, Clone, Serialize)]
pub struct HolderRow {
    kind: &'static str,
    process: Option<super::sockets::Process>,
    #[serde(skip_serializing_if = "Option::is_none")]
    process_unknown: Option<&'static str>,
    sockets: u64,
    total_bytes: u64,
    rx_bytes: u64,
    tx_bytes: u64,
    reserve_bytes: u64,
    option_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    netns: Option<super::Netns>,
}

impl HolderRow {
    /// Builds the row.
    pub fn new(holder: &MemoryHolder, netns: Option<super::Netns>) -> Self {
        let process = match &holder.owner {
            Known::Known(owner) => Some(super::sockets::Process {
                pid: owner.pid.0,
                argv0: super::text(&owner.argv0),
            }),
            Known::Unknown(_) => None,
        };
        Self {
            kind: "holder",
            process,
            process_unknown: word(&holder.owner),
            sockets: holder.sockets,
            total_bytes: holder.total_bytes(),
            rx_bytes: holder.rx_bytes,
            tx_bytes: holder.tx_bytes,
            reserve_bytes: holder.reserve_bytes,
            option_bytes: holder.option_bytes,
            netns,
        }
    }
}

fn word<T>(known: &Known<T>) -> Option<&'static str> {
    known.reason().map(Reason::word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_that_could_not_be_looked_for_says_so() {
        let holder = MemoryHolder {
            owner: Known::Unknown(Reason::PermissionDenied),
            sockets: 2,
            rx_bytes: 1,
            tx_bytes: 2,
            reserve_bytes: 3,
            option_bytes: 4,
        };
        assert_eq!(
            serde_json::json!(HolderRow::new(&holder, None)),
            serde_json::json!({
                "kind": "holder", "process": null, "process_unknown": "permission-denied",
                "sockets": 2, "total_bytes": 10, "rx_bytes": 1, "tx_bytes": 2,
                "reserve_bytes": 3, "option_bytes": 4,
            })
        );
    }
}
