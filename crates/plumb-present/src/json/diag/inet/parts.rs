//! The smaller parts of an Internet row: timer, cgroup, lists of addresses and keys, the old memory
//! counters, and what only `/proc` tells.

use plumb_model::diag::inet::{DiagEndpoint, DiagTimer, Md5Key, MemInfo, ProcDetails, SctpAddress};
use serde::{Serialize, Serializer};

use crate::json::Text;
use crate::json::diag::fields::object;

/// Milliseconds of a clock tick as `/proc` counts them (USER_HZ is 100).
const TICK_MS: i64 = 10;

/// The object `timer`.
pub(super) struct Timer {
    pub(super) timer: DiagTimer,
    /// SCTP numbers its timers in its own way, and tells of one only.
    pub(super) is_sctp: bool,
}

impl Serialize for Timer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { timer, is_sctp } = *self;
        let counts_probes = !is_sctp && matches!(timer.code, 2 | 4);
        object(serializer, |fields| {
            fields.put(
                "name",
                if is_sctp {
                    Some("t3-rtx")
                } else {
                    timer_name(timer.code)
                },
            )?;
            fields.put("code", timer.code)?;
            fields.put("expires_ms", timer.expires_ms)?;
            fields.put("retransmits", (!counts_probes).then_some(timer.retransmits))?;
            fields.put("probes", counts_probes.then_some(timer.retransmits))
        })
    }
}

fn timer_name(code: u32) -> Option<&'static str> {
    match code {
        0 => Some("off"),
        1 => Some("on"),
        2 => Some("keepalive"),
        3 => Some("timewait"),
        4 => Some("probe"),
        5 => Some("delack"),
        _ => None,
    }
}

/// The object `cgroup`.
pub(super) struct Cgroup<'a> {
    pub(super) id: u64,
    pub(super) path: Option<&'a str>,
}

impl Serialize for Cgroup<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        object(serializer, |fields| {
            fields.put("id", self.id)?;
            fields.put("path", self.path)
        })
    }
}

/// An array of addresses; one of no IP family is an object with its family.
pub(super) struct Addresses<'a>(pub(super) &'a [SctpAddress]);

impl Serialize for Addresses<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Address))
    }
}

struct Address<'a>(&'a SctpAddress);

impl Serialize for Address<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.ip {
            Some(ip) => ip.serialize(serializer),
            None => object(serializer, |fields| {
                fields.put("family_code", self.0.family)
            }),
        }
    }
}

/// The array `md5_keys`.
pub(super) struct Md5Keys<'a>(pub(super) &'a [Md5Key<'a>]);

impl Serialize for Md5Keys<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Md5KeyObject))
    }
}

struct Md5KeyObject<'a>(&'a Md5Key<'a>);

impl Serialize for Md5KeyObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let key = self.0;
        let end = DiagEndpoint {
            octets: key.address,
            port: 0,
        };
        object(serializer, |fields| {
            fields.put("address", end.ip(key.family))?;
            fields.put("prefix_length", key.prefix_len)?;
            fields.put("key", Text(key.key))
        })
    }
}

/// The object `meminfo`.
pub(super) struct MemInfoObject(pub(super) MemInfo);

impl Serialize for MemInfoObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        object(serializer, |fields| {
            fields.put("rmem_bytes", self.0.rmem)?;
            fields.put("wmem_bytes", self.0.wmem)?;
            fields.put("fmem_bytes", self.0.fmem)?;
            fields.put("tmem_bytes", self.0.tmem)
        })
    }
}

/// The object `proc`.
pub(super) struct ProcObject<'a>(pub(super) &'a ProcDetails<'a>);

impl Serialize for ProcObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let details = self.0;
        object(serializer, |fields| {
            fields.put("references", details.refcount)?;
            fields.put("pointer", details.pointer)?;
            if let Some(tcp) = &details.tcp {
                fields.put("rto_ms", i64::from(tcp.rto_ticks) * TICK_MS)?;
                fields.put("ato_ms", i64::from(tcp.ato_ticks) * TICK_MS)?;
                fields.put("pingpong", tcp.quick)?;
                fields.put("snd_cwnd", tcp.cwnd)?;
                fields.unless("snd_ssthresh", Some(tcp.ssthresh), (-1, "no-limit"))?;
            }
            fields.put("rest", Text(details.rest))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    #[test]
    fn addresses_of_other_families_are_not_dropped() {
        let addresses = [
            SctpAddress {
                family: 2,
                ip: Some(IpAddr::from([10, 0, 0, 1])),
            },
            SctpAddress {
                family: 40,
                ip: None,
            },
        ];
        assert_eq!(
            serde_json::json!(Addresses(&addresses)),
            serde_json::json!(["10.0.0.1", {"family_code": 40}])
        );
    }

    #[test]
    fn a_key_is_text_even_when_it_is_not() {
        let mut address = [0; 16];
        address[..4].copy_from_slice(&[192, 0, 2, 1]);
        let key = Md5Key {
            family: 2,
            prefix_len: 32,
            address,
            key: b"se\xffcret",
        };
        assert_eq!(
            serde_json::json!(Md5Keys(&[key])),
            serde_json::json!([
                {"address": "192.0.2.1", "prefix_length": 32, "key": "se\u{fffd}cret"}
            ])
        );
    }
}
