//! A queueing discipline as JSON.

use plumb_model::traffic::{Qdisc, QdiscStatistics};
use plumb_present::json;
use serde_json::{Value, json};

/// Writes one, with what it counted.
pub fn qdisc(qdisc: &Qdisc) -> Value {
    let statistics = qdisc.statistics.ok();
    let number = |of: fn(&QdiscStatistics) -> u64| statistics.as_ref().map(of);
    json!({
        "kind": json::text(&qdisc.kind),
        "handle": handle(qdisc.handle),
        "parent": match qdisc.parent {
            Qdisc::ROOT => "root".to_owned(),
            Qdisc::INGRESS => "ingress".to_owned(),
            parent => handle(parent),
        },
        "bytes": number(|of| of.bytes),
        "packets": number(|of| of.packets),
        "drops": number(|of| of.drops),
        "overlimits": number(|of| of.overlimits),
        "requeues": number(|of| of.requeues),
        "queue_packets": number(|of| of.queue_packets),
        "queue_bytes": number(|of| of.queue_bytes),
    })
}

/// Writes a handle as tc does: `1:`, `1:2`, in hexadecimal.
fn handle(handle: u32) -> String {
    match (handle >> 16, handle & 0xffff) {
        (major, 0) => format!("{major:x}:"),
        (major, minor) => format!("{major:x}:{minor:x}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_are_written_as_tc_does() {
        assert_eq!(handle(0x1_0000), "1:");
        assert_eq!(handle(0x8001_000a), "8001:a");
    }
}
