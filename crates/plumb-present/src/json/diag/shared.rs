//! Values that rows of several families have: bits by name, bytes without a meaning, memory, sides
//! that were shut down, attributes nobody knows.

use plumb_model::diag::inet::{RawAttribute, SkMemInfo};
use plumb_model::socket::SocketState;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::fields::{Fields, Sent, object};

/// Bits by name, as an array of words; bits without a name are in the `…_code` beside it.
pub(super) struct Words {
    pub(super) bits: u32,
    /// Names from the lowest bit on.
    pub(super) names: &'static [&'static str],
}

impl Serialize for Words {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let named = (0_u32..).zip(self.names);
        serializer.collect_seq(
            named.filter_map(|(bit, name)| (self.bits >> bit & 1 == 1).then_some(name)),
        )
    }
}

/// Bytes nobody can read, two hexadecimal digits each.
pub(super) struct Hex<'a>(pub(super) &'a [u8]);

impl std::fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Serialize for Hex<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Which sides of a socket were shut down.
pub(super) struct Shutdown(pub(super) u8);

impl Serialize for Shutdown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        object(serializer, |fields| {
            fields.put("recv", self.0 & 1 != 0)?;
            fields.put("send", self.0 & 2 != 0)
        })
    }
}

/// Memory of a socket by the kernel's names (`SK_MEMINFO_*`).
pub(super) struct Memory(pub(super) SkMemInfo);

impl Serialize for Memory {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const KEYS: [&str; 9] = [
            "rmem_alloc_bytes",
            "rcvbuf_bytes",
            "wmem_alloc_bytes",
            "sndbuf_bytes",
            "fwd_alloc_bytes",
            "wmem_queued_bytes",
            "optmem_bytes",
            "backlog_bytes",
            "drops",
        ];
        let mut sent = Sent::new(self.0.sent_bytes);
        object(serializer, |fields| {
            KEYS.into_iter()
                .zip(self.0.words)
                .try_for_each(|(key, word)| fields.put(key, sent.next(word)))
        })
    }
}

/// Attributes of types this program does not know.
pub(super) struct Unknown<'a>(pub(super) &'a [RawAttribute<'a>]);

impl Unknown<'_> {
    /// Writes them, if there are any.
    pub(super) fn write<M: SerializeMap>(&self, fields: &mut Fields<M>) -> Result<(), M::Error> {
        fields.some("unknown_attributes", (!self.0.is_empty()).then_some(self))
    }
}

impl Serialize for Unknown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Raw))
    }
}

struct Raw<'a>(&'a RawAttribute<'a>);

impl Serialize for Raw<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        object(serializer, |fields| {
            fields.put("type", self.0.kind)?;
            fields.put("hex", Hex(self.0.payload))
        })
    }
}

/// Writes `family` and `protocol` of a family that is its own protocol.
pub(super) fn put_family<M: SerializeMap>(
    fields: &mut Fields<M>,
    family: &'static str,
) -> Result<(), M::Error> {
    fields.put("family", family)?;
    fields.put("protocol", family)
}

/// Writes `type` and `type_code`.
pub(super) fn put_type<M: SerializeMap>(
    fields: &mut Fields<M>,
    kind: Option<u32>,
) -> Result<(), M::Error> {
    fields.put("type", kind.and_then(type_name))?;
    fields.put("type_code", kind)
}

/// Gives the name of a socket type (`SOCK_*`).
fn type_name(kind: u32) -> Option<&'static str> {
    match kind {
        10 => Some("packet"),
        other => crate::json::sockets::type_name(other),
    }
}

/// Writes `state` and `state_code` of states numbered as for TCP.
pub(super) fn put_state<M: SerializeMap>(
    fields: &mut Fields<M>,
    state: Option<u32>,
) -> Result<(), M::Error> {
    fields.put(
        "state",
        state.and_then(|state| SocketState(state).tcp_name()),
    )?;
    fields.put("state_code", state)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_memory_has_nulls_and_bits_without_a_name_no_word() {
        let memory = SkMemInfo {
            words: [1, 2, 3, 4, 5, 6, 7, 0, 0],
            sent_bytes: 28,
        };
        let memory = serde_json::json!(Memory(memory));
        assert_eq!(memory["optmem_bytes"], 7);
        assert_eq!(memory["backlog_bytes"], serde_json::Value::Null);
        let words = Words {
            bits: 0b1_0010,
            names: &["a", "b"],
        };
        assert_eq!(serde_json::json!(words), serde_json::json!(["b"]));
        assert_eq!(serde_json::json!(Hex(&[0, 0xfe])), "00fe");
    }
}
