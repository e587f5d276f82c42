//! What protocols have on the whole host against their limits, and how large buffers may become in each namespace.

use plumb_analyze::memory::{is_near, settings};
use plumb_collect::memory::read_protocol;
use plumb_model::memory::{MemoryLimits, MemoryProtocol};
use plumb_model::snapshot::Snapshot;
use plumb_model::socket::IpVersion;
use plumb_present::report::value;
use serde_json::{Value, json};

/// Members of the envelope.
pub type Members = Vec<(&'static str, Value)>;

/// One protocol.
struct Protocol {
    name: &'static str,
    /// The setting that limits it.
    setting: &'static str,
    /// Why it matters to be near.
    why: &'static str,
    bytes: Option<u64>,
    limits: Option<MemoryLimits>,
}

impl Protocol {
    fn read(
        name: &'static str,
        protocol: MemoryProtocol,
        setting: &'static str,
        why: &'static str,
        limits: Option<MemoryLimits>,
    ) -> Self {
        let memory = read_protocol(protocol, IpVersion::V4);
        Self {
            name,
            setting,
            why,
            bytes: memory.memory_bytes.ok(),
            limits,
        }
    }

    /// Near the second number: that is where the kernel begins to save.
    fn is_near(&self) -> Option<bool> {
        Some(is_near(self.bytes?, self.limits?.pressure_bytes))
    }

    fn what_to_do(&self) -> String {
        format!(
            "Find who has it in the table above, or raise net.ipv4.{}",
            self.setting
        )
    }

    fn lines(&self) -> Vec<String> {
        let upper = self.name.to_uppercase();
        let Some(bytes) = self.bytes else {
            return Vec::new();
        };
        let has = format!("{upper} has {} on this host", value::bytes(bytes));
        let Some(limits) = self.limits else {
            return vec![format!(
                "{has}; its limits ({}) are shown in the host's own network namespace alone",
                self.setting
            )];
        };
        let mut lines = vec![format!(
            "{has}; above {} it saves, above {} it gets no more ({})",
            value::bytes(limits.pressure_bytes),
            value::bytes(limits.high_bytes),
            self.setting
        )];
        if self.is_near() == Some(true) {
            let why = self.why;
            lines.push(format!("{upper} is near: {why}. {}", self.what_to_do()));
        }
        lines
    }

    fn json(&self) -> Value {
        let near = self.is_near();
        let limit = |of: fn(MemoryLimits) -> u64| self.limits.map(of);
        json!({
            "protocol": self.name,
            "bytes": self.bytes,
            "low_bytes": limit(|it| it.low_bytes),
            "pressure_bytes": limit(|it| it.pressure_bytes),
            "high_bytes": limit(|it| it.high_bytes),
            "is_near": near,
            "why": (near == Some(true)).then_some(self.why),
            "what_to_do": (near == Some(true)).then(|| self.what_to_do()),
        })
    }
}

/// Gives what holds for all sockets, as lines and as members.
pub fn read(snapshot: &Snapshot) -> (Vec<String>, Members) {
    let host = snapshot.namespaces.first();
    let settings = host.and_then(|own| settings(snapshot, own.id));
    let protocols = [
        Protocol::read(
            "tcp",
            MemoryProtocol::Tcp,
            "tcp_mem",
            "all connections get less room, then none",
            settings.and_then(|it| it.tcp_memory.ok()),
        ),
        Protocol::read(
            "udp",
            MemoryProtocol::Udp,
            "udp_mem",
            "datagrams of all sockets are dropped soon (UdpMemErrors)",
            settings.and_then(|it| it.udp_memory.ok()),
        ),
    ];
    // UDP is told of where it has something.
    let told = protocols
        .iter()
        .filter(|it| it.name == "tcp" || it.bytes.is_some_and(|bytes| bytes > 0));
    let lines = told.flat_map(Protocol::lines).collect();
    let [tcp, _] = &protocols;
    let limit = |of: fn(MemoryLimits) -> u64| tcp.limits.map(of);
    let members = vec![
        ("tcp_bytes", json!(tcp.bytes)),
        ("tcp_pressure_bytes", json!(limit(|it| it.pressure_bytes))),
        ("tcp_high_bytes", json!(limit(|it| it.high_bytes))),
        ("protocols", protocols.iter().map(Protocol::json).collect()),
        ("namespaces", namespaces(snapshot)),
    ];
    (lines, members)
}

fn namespaces(snapshot: &Snapshot) -> Value {
    let of = |namespace: &plumb_model::snapshot::Namespace| {
        let settings = settings(snapshot, namespace.id)?;
        let name = namespace.name.as_deref().map(String::from_utf8_lossy);
        Some(json!({
            "netns": namespace.id.0,
            "name": name,
            "receive_max_bytes": settings.receive_max_bytes.ok(),
            "send_max_bytes": settings.send_max_bytes.ok(),
            "option_max_bytes": settings.option_max_bytes.ok(),
            "tcp_receive_bytes": settings.tcp_receive_bytes.ok(),
            "tcp_send_bytes": settings.tcp_send_bytes.ok(),
            "tcp_receive_grows": settings.tcp_receive_grows.ok(),
        }))
    };
    snapshot.namespaces.iter().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(bytes: Option<u64>, limits: Option<MemoryLimits>) -> Protocol {
        Protocol {
            name: "tcp",
            setting: "tcp_mem",
            why: "it will save",
            bytes,
            limits,
        }
    }

    const LIMITS: MemoryLimits = MemoryLimits {
        low_bytes: 500,
        pressure_bytes: 1000,
        high_bytes: 2000,
    };

    #[test]
    fn a_protocol_near_its_pressure_is_told_of_with_what_to_do() {
        let near = tcp(Some(901), Some(LIMITS));
        let lines = near.lines();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(
            lines[1].contains("it will save. Find who has it"),
            "{lines:?}"
        );
        assert_eq!(near.json()["is_near"], true);
        let far = tcp(Some(899), Some(LIMITS));
        assert_eq!((far.lines().len(), &far.json()["why"]), (1, &Value::Null));
    }

    #[test]
    fn limits_that_are_not_shown_here_are_said_to_be_elsewhere() {
        let hidden = tcp(Some(5000), None);
        assert!(hidden.lines()[0].contains("own network namespace alone"));
        assert_eq!(hidden.json()["is_near"], Value::Null);
        assert!(tcp(None, None).lines().is_empty());
    }
}
