//! The object `congestion`: the congestion control of a TCP socket and, of three, their state.

use plumb_model::diag::congestion::{Bbr, Congestion, Dctcp, Vegas};
use serde::{Serialize, Serializer};

use super::fields::object;
use crate::json::Text;

/// The kernel's mark for "no round trip yet" in Vegas.
const NO_RTT: u32 = 0x7fff_ffff;
/// What a round trip that never was is unknown for.
const NOT_MEASURED: &str = "not-measured";

/// The object `congestion`.
pub(super) struct CongestionObject<'a>(&'a Congestion<'a>);

impl<'a> CongestionObject<'a> {
    /// Wraps what came; `None` when nothing did.
    pub(super) fn new(congestion: &'a Congestion<'a>) -> Option<Self> {
        (*congestion != Congestion::default()).then_some(Self(congestion))
    }
}

impl Serialize for CongestionObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        object(serializer, |fields| {
            fields.put("name", self.0.name.map(Text))?;
            fields.some("vegas", self.0.vegas.map(VegasObject))?;
            fields.some("dctcp", self.0.dctcp.map(DctcpObject))?;
            fields.some("bbr", self.0.bbr.map(BbrObject))
        })
    }
}

struct VegasObject(Vegas);

impl Serialize for VegasObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(vegas) = *self;
        object(serializer, |fields| {
            fields.put("enabled", vegas.enabled != 0)?;
            fields.put("rtt_count", vegas.rtt_count)?;
            fields.unless("rtt_us", Some(vegas.rtt_us), (NO_RTT, NOT_MEASURED))?;
            fields.unless("min_rtt_us", Some(vegas.min_rtt_us), (NO_RTT, NOT_MEASURED))
        })
    }
}

struct DctcpObject(Dctcp);

impl Serialize for DctcpObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(dctcp) = *self;
        object(serializer, |fields| {
            fields.put("enabled", dctcp.enabled != 0)?;
            fields.put("ce_state", dctcp.ce_state)?;
            fields.put("alpha", dctcp.alpha)?;
            fields.put("ab_ecn_bytes", dctcp.ab_ecn)?;
            fields.put("ab_tot_bytes", dctcp.ab_tot)
        })
    }
}

struct BbrObject(Bbr);

impl Serialize for BbrObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(bbr) = *self;
        object(serializer, |fields| {
            fields.put("bandwidth_bytes_per_second", bbr.bandwidth)?;
            fields.unless("min_rtt_us", Some(bbr.min_rtt_us), (u32::MAX, NOT_MEASURED))?;
            fields.put("pacing_gain", bbr.pacing_gain)?;
            fields.put("cwnd_gain", bbr.cwnd_gain)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_null_and_a_round_trip_that_never_was_has_a_reason() {
        assert!(CongestionObject::new(&Congestion::default()).is_none());
        let congestion = Congestion {
            name: Some(b"vegas"),
            vegas: Some(Vegas {
                enabled: 1,
                rtt_us: NO_RTT,
                min_rtt_us: 5,
                ..Vegas::default()
            }),
            bbr: Some(Bbr::default()),
            ..Congestion::default()
        };
        assert_eq!(
            serde_json::json!(CongestionObject::new(&congestion)),
            serde_json::json!({
                "name": "vegas",
                "vegas": {
                    "enabled": true, "rtt_count": 0, "rtt_us": null,
                    "rtt_us_unknown": "not-measured", "min_rtt_us": 5,
                },
                "bbr": {
                    "bandwidth_bytes_per_second": 0, "min_rtt_us": 0, "pacing_gain": 0,
                    "cwnd_gain": 0,
                },
            })
        );
    }
}
