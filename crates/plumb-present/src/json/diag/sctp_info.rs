//! The object `sctp_info`: the fields of the kernel's struct, in its order and by its names; those of
//! the primary transport and of the socket in objects of their own.

use plumb_model::diag::sctp_info::{SctpCounters, SctpInfo, SctpOptions, SctpTransport};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::fields::{Fields, Sent, object};

/// Where `sctpi_p_state` begins: behind the address of the transport.
const TRANSPORT_AT: usize = 296;
/// Where `sctpi_s_autoclose` begins.
const SOCKET_AT: usize = 344;

/// The object `sctp_info`.
pub(super) struct SctpInfoObject<'a>(pub(super) &'a SctpInfo);

impl Serialize for SctpInfoObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let info = self.0;
        let bytes = info.sent_bytes;
        let mut sent = Sent::new(bytes);
        object(serializer, |fields| {
            put_association(fields, info, &mut sent)?;
            put_counters(fields, &info.counters, &mut sent)?;
            fields.put(
                "primary",
                Transport {
                    of: &info.primary,
                    bytes,
                },
            )?;
            fields.put(
                "socket",
                Options {
                    of: &info.socket,
                    bytes,
                },
            )
        })
    }
}

fn put_association<M: SerializeMap>(
    fields: &mut Fields<M>,
    info: &SctpInfo,
    sent: &mut Sent,
) -> Result<(), M::Error> {
    fields.put("tag", sent.next(info.tag))?;
    let state = sent.next(info.state);
    fields.put("state", state.and_then(state_name))?;
    fields.put("state_code", state)?;
    fields.put("rwnd_bytes", sent.next(info.rwnd))?;
    fields.put("unackdata", sent.next(info.unackdata))?;
    fields.put("penddata", sent.next(info.penddata))?;
    fields.put("instrms", sent.next(info.instrms))?;
    fields.put("outstrms", sent.next(info.outstrms))?;
    fields.put(
        "fragmentation_point_bytes",
        sent.next(info.fragmentation_point),
    )?;
    fields.put("inqueue", sent.next(info.inqueue))?;
    fields.put("outqueue", sent.next(info.outqueue))?;
    fields.put("overall_error", sent.next(info.overall_error))?;
    fields.put("max_burst", sent.next(info.max_burst))?;
    fields.put("maxseg_bytes", sent.next(info.maxseg))?;
    fields.put("peer_rwnd_bytes", sent.next(info.peer_rwnd))?;
    fields.put("peer_tag", sent.next(info.peer_tag))?;
    fields.put("peer_capable_code", sent.next(info.peer_capable))?;
    fields.put("peer_sack", sent.next(info.peer_sack))?;
    sent.skip(2);
    Ok(())
}

fn put_counters<M: SerializeMap>(
    fields: &mut Fields<M>,
    counters: &SctpCounters,
    sent: &mut Sent,
) -> Result<(), M::Error> {
    fields.put("isacks", sent.next(counters.isacks))?;
    fields.put("osacks", sent.next(counters.osacks))?;
    fields.put("opackets", sent.next(counters.opackets))?;
    fields.put("ipackets", sent.next(counters.ipackets))?;
    fields.put("rtxchunks", sent.next(counters.rtxchunks))?;
    fields.put("outofseqtsns", sent.next(counters.outofseqtsns))?;
    fields.put("idupchunks", sent.next(counters.idupchunks))?;
    fields.put("gapcnt", sent.next(counters.gapcnt))?;
    fields.put("ouodchunks", sent.next(counters.ouodchunks))?;
    fields.put("iuodchunks", sent.next(counters.iuodchunks))?;
    fields.put("oodchunks", sent.next(counters.oodchunks))?;
    fields.put("iodchunks", sent.next(counters.iodchunks))?;
    fields.put("octrlchunks", sent.next(counters.octrlchunks))?;
    fields.put("ictrlchunks", sent.next(counters.ictrlchunks))
}

/// The object `primary`: `sctpi_p_*`.
struct Transport<'a> {
    of: &'a SctpTransport,
    bytes: usize,
}

impl Serialize for Transport<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let transport = self.of;
        let mut sent = Sent::new(self.bytes);
        sent.skip(TRANSPORT_AT);
        object(serializer, |fields| {
            fields.put("state_code", sent.next(transport.state))?;
            fields.put("cwnd_bytes", sent.next(transport.cwnd))?;
            fields.put("srtt_ms", sent.next(transport.srtt_ms))?;
            fields.put("rto_ms", sent.next(transport.rto_ms))?;
            fields.put("hbinterval_ms", sent.next(transport.hbinterval_ms))?;
            fields.put("pathmaxrxt", sent.next(transport.pathmaxrxt))?;
            fields.put("sackdelay_ms", sent.next(transport.sackdelay_ms))?;
            fields.put("sackfreq", sent.next(transport.sackfreq))?;
            fields.put("ssthresh_bytes", sent.next(transport.ssthresh))?;
            fields.put(
                "partial_bytes_acked",
                sent.next(transport.partial_bytes_acked),
            )?;
            fields.put("flight_size_bytes", sent.next(transport.flight_size))?;
            fields.put("error", sent.next(transport.error))
        })
    }
}

/// The object `socket`: `sctpi_s_*`.
struct Options<'a> {
    of: &'a SctpOptions,
    bytes: usize,
}

impl Serialize for Options<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let options = self.of;
        let mut sent = Sent::new(self.bytes);
        sent.skip(SOCKET_AT);
        object(serializer, |fields| {
            fields.put("autoclose_s", sent.next(options.autoclose_s))?;
            fields.put("adaptation_ind", sent.next(options.adaptation_ind))?;
            fields.put("pd_point_bytes", sent.next(options.pd_point))?;
            fields.put("nodelay", sent.next(options.nodelay).map(is_set))?;
            fields.put(
                "disable_fragments",
                sent.next(options.disable_fragments).map(is_set),
            )?;
            fields.put("v4mapped", sent.next(options.v4mapped).map(is_set))?;
            fields.put("frag_interleave", sent.next(options.frag_interleave))?;
            fields.put("type_code", sent.next(options.kind))
        })
    }
}

fn is_set(flag: u8) -> bool {
    flag != 0
}

/// Names the kernel's `enum sctp_state`.
fn state_name(code: u32) -> Option<&'static str> {
    const NAMES: [&str; 8] = [
        "CLOSED",
        "COOKIE_WAIT",
        "COOKIE_ECHOED",
        "ESTABLISHED",
        "SHUTDOWN_PENDING",
        "SHUTDOWN_SENT",
        "SHUTDOWN_RECEIVED",
        "SHUTDOWN_ACK_SENT",
    ];
    NAMES.get(usize::try_from(code).ok()?).copied()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_parts_begin_where_the_kernel_puts_them() {
        let info = |sent_bytes| {
            let info = SctpInfo {
                sent_bytes,
                ..SctpInfo::default()
            };
            serde_json::json!(SctpInfoObject(&info))
        };
        let whole = info(368);
        assert_eq!(whole["socket"]["type_code"], 0);
        let cut = info(363);
        assert_eq!(cut["socket"]["type_code"], Value::Null);
        assert_eq!(cut["socket"]["frag_interleave"], 0);
        assert_eq!(info(341)["primary"]["error"], Value::Null);
        assert_eq!(info(342)["primary"]["error"], 0);
        assert_eq!(info(168)["ictrlchunks"], 0);
        assert_eq!(info(167)["ictrlchunks"], Value::Null);
    }
}
