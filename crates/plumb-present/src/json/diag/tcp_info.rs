//! The object `tcp_info`: every field of the kernel's struct, in its order and by its names, with the
//! unit in the key where the name does not say it.
//!
//! A field this kernel does not have yet is `null`; so is one that holds the kernel's mark for "none",
//! and then the sibling says which.

use plumb_model::diag::tcp_info::TcpInfo;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::fields::{Fields, Sent, object};
use super::shared::Words;

/// `TCP_INFINITE_SSTHRESH`: the window never had to shrink.
const INFINITE_SSTHRESH: u32 = 0x7fff_ffff;

/// The names of `TCPI_OPT_*`.
const OPTIONS: [&str; 8] = [
    "timestamps",
    "sack",
    "wscale",
    "ecn",
    "ecn_seen",
    "syn_data",
    "usec_ts",
    "tfo_child",
];

/// The object `tcp_info`.
pub(super) struct TcpInfoObject<'a>(pub(super) &'a TcpInfo);

impl Serialize for TcpInfoObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sent = Sent::new(self.0.sent_bytes);
        object(serializer, |fields| {
            put_states(fields, self.0, &mut sent)?;
            put_segments(fields, self.0, &mut sent)?;
            put_metrics(fields, self.0, &mut sent)?;
            put_rates(fields, self.0, &mut sent)?;
            put_deliveries(fields, self.0, &mut sent)?;
            put_newest(fields, self.0, &mut sent)
        })
    }
}

/// The part in bytes.
fn put_states<M: SerializeMap>(
    fields: &mut Fields<M>,
    info: &TcpInfo,
    sent: &mut Sent,
) -> Result<(), M::Error> {
    fields.put("state_code", sent.next(info.state))?;
    let ca_state = sent.next(info.ca_state);
    fields.put("ca_state", ca_state.and_then(ca_state_name))?;
    fields.put("ca_state_code", ca_state)?;
    fields.put("retransmits", sent.next(info.retransmits))?;
    fields.put("probes", sent.next(info.probes))?;
    fields.put("backoff", sent.next(info.backoff))?;
    let options = sent.next(info.options);
    let words = options.map(|bits| Words {
        bits: bits.into(),
        names: &OPTIONS,
    });
    fields.put("options", words)?;
    fields.put("options_code", options)?;
    // The two shifts share a byte.
    let shifts = sent.next(info.snd_wscale);
    fields.put("snd_wscale", shifts)?;
    fields.put("rcv_wscale", shifts.map(|_| info.rcv_wscale))?;
    let bits = sent.next(info.bits);
    fields.put(
        "delivery_rate_app_limited",
        bits.map(|_| info.app_limited()),
    )?;
    fields.put(
        "fastopen_client_fail_code",
        bits.map(|_| info.fastopen_client_fail()),
    )
}

/// Timeouts, segments and the clocks of the last ones.
fn put_segments<M: SerializeMap>(
    fields: &mut Fields<M>,
    info: &TcpInfo,
    sent: &mut Sent,
) -> Result<(), M::Error> {
    fields.put("rto_us", sent.next(info.rto_us))?;
    fields.put("ato_us", sent.next(info.ato_us))?;
    fields.put("snd_mss_bytes", sent.next(info.snd_mss))?;
    fields.put("rcv_mss_bytes", sent.next(info.rcv_mss))?;
    fields.put("unacked", sent.next(info.unacked))?;
    fields.put("sacked", sent.next(info.sacked))?;
    fields.put("lost", sent.next(info.lost))?;
    fields.put("retrans", sent.next(info.retrans))?;
    fields.put("fackets", sent.next(info.fackets))?;
    fields.put("last_data_sent_ms", sent.next(info.last_data_sent_ms))?;
    fields.put("last_ack_sent_ms", sent.next(info.last_ack_sent_ms))?;
    fields.put("last_data_recv_ms", sent.next(info.last_data_recv_ms))?;
    fields.put("last_ack_recv_ms", sent.next(info.last_ack_recv_ms))
}

/// Path, windows and round trips.
fn put_metrics<M: SerializeMap>(
    fields: &mut Fields<M>,
    info: &TcpInfo,
    sent: &mut Sent,
) -> Result<(), M::Error> {
    fields.put("pmtu_bytes", sent.next(info.pmtu))?;
    fields.put("rcv_ssthresh_bytes", sent.next(info.rcv_ssthresh))?;
    fields.put("rtt_us", sent.next(info.rtt_us))?;
    fields.put("rttvar_us", sent.next(info.rttvar_us))?;
    let snd_ssthresh = sent.next(info.snd_ssthresh);
    fields.unless(
        "snd_ssthresh",
        snd_ssthresh,
        (INFINITE_SSTHRESH, "no-limit"),
    )?;
    fields.put("snd_cwnd", sent.next(info.snd_cwnd))?;
    fields.put("advmss_bytes", sent.next(info.advmss))?;
    fields.put("reordering", sent.next(info.reordering))?;
    fields.put("rcv_rtt_us", sent.next(info.rcv_rtt_us))?;
    fields.put("rcv_space_bytes", sent.next(info.rcv_space))?;
    fields.put("total_retrans", sent.next(info.total_retrans))
}

/// What kernels 3.15 to 4.10 added.
fn put_rates<M: SerializeMap>(
    fields: &mut Fields<M>,
    info: &TcpInfo,
    sent: &mut Sent,
) -> Result<(), M::Error> {
    let none = (u64::MAX, "no-limit");
    let pacing_rate = sent.next(info.pacing_rate);
    fields.unless("pacing_rate_bytes_per_second", pacing_rate, none)?;
    let max_pacing_rate = sent.next(info.max_pacing_rate);
    fields.unless("max_pacing_rate_bytes_per_second", max_pacing_rate, none)?;
    fields.put("bytes_acked", sent.next(info.bytes_acked))?;
    fields.put("bytes_received", sent.next(info.bytes_received))?;
    fields.put("segs_out", sent.next(info.segs_out))?;
    fields.put("segs_in", sent.next(info.segs_in))?;
    fields.put("notsent_bytes", sent.next(info.notsent_bytes))?;
    let min_rtt_us = sent.next(info.min_rtt_us);
    fields.unless("min_rtt_us", min_rtt_us, (u32::MAX, "not-measured"))?;
    fields.put("data_segs_in", sent.next(info.data_segs_in))?;
    fields.put("data_segs_out", sent.next(info.data_segs_out))?;
    let delivery_rate = sent.next(info.delivery_rate);
    fields.put("delivery_rate_bytes_per_second", delivery_rate)?;
    fields.put("busy_time_us", sent.next(info.busy_time_us))?;
    fields.put("rwnd_limited_us", sent.next(info.rwnd_limited_us))?;
    fields.put("sndbuf_limited_us", sent.next(info.sndbuf_limited_us))
}

/// What kernels 4.18 to 5.4 added.
fn put_deliveries<M: SerializeMap>(
    fields: &mut Fields<M>,
    info: &TcpInfo,
    sent: &mut Sent,
) -> Result<(), M::Error> {
    fields.put("delivered", sent.next(info.delivered))?;
    fields.put("delivered_ce", sent.next(info.delivered_ce))?;
    fields.put("bytes_sent", sent.next(info.bytes_sent))?;
    fields.put("bytes_retrans", sent.next(info.bytes_retrans))?;
    fields.put("dsack_dups", sent.next(info.dsack_dups))?;
    fields.put("reord_seen", sent.next(info.reord_seen))?;
    fields.put("rcv_ooopack", sent.next(info.rcv_ooopack))?;
    fields.put("snd_wnd_bytes", sent.next(info.snd_wnd))
}

/// What kernels 6.2 to 6.18 added.
fn put_newest<M: SerializeMap>(
    fields: &mut Fields<M>,
    info: &TcpInfo,
    sent: &mut Sent,
) -> Result<(), M::Error> {
    fields.put("rcv_wnd_bytes", sent.next(info.rcv_wnd))?;
    fields.put("rehash", sent.next(info.rehash))?;
    fields.put("total_rto", sent.next(info.total_rto))?;
    fields.put("total_rto_recoveries", sent.next(info.total_rto_recoveries))?;
    fields.put("total_rto_time_ms", sent.next(info.total_rto_time_ms))?;
    let ecn = &info.accecn;
    fields.put("received_ce", sent.next(ecn.received_ce))?;
    fields.put("delivered_e1_bytes", sent.next(ecn.delivered_e1_bytes))?;
    fields.put("delivered_e0_bytes", sent.next(ecn.delivered_e0_bytes))?;
    fields.put("delivered_ce_bytes", sent.next(ecn.delivered_ce_bytes))?;
    fields.put("received_e1_bytes", sent.next(ecn.received_e1_bytes))?;
    fields.put("received_e0_bytes", sent.next(ecn.received_e0_bytes))?;
    fields.put("received_ce_bytes", sent.next(ecn.received_ce_bytes))?;
    fields.put("accecn_fail_mode_code", sent.next(ecn.fail_mode))?;
    fields.put("accecn_opt_seen_code", sent.next(ecn.opt_seen))
}

/// Names `enum tcp_ca_state`.
fn ca_state_name(code: u8) -> Option<&'static str> {
    match code {
        0 => Some("open"),
        1 => Some("disorder"),
        2 => Some("cwr"),
        3 => Some("recovery"),
        4 => Some("loss"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn written(info: &TcpInfo) -> Value {
        serde_json::json!(TcpInfoObject(info))
    }

    #[test]
    fn an_old_kernel_leaves_nulls_from_the_first_field_it_lacks() {
        // Kernel 4.9 to 4.10 ended in the middle of delivery_rate's successors.
        let old = written(&TcpInfo {
            sent_bytes: 168,
            delivery_rate: 5,
            busy_time_us: 0,
            ..TcpInfo::default()
        });
        assert_eq!(old["delivery_rate_bytes_per_second"], 5);
        assert_eq!(old["busy_time_us"], Value::Null);
        assert_eq!(old["accecn_opt_seen_code"], Value::Null);
        let new = written(&TcpInfo {
            sent_bytes: 280,
            ..TcpInfo::default()
        });
        assert_eq!(
            new["accecn_opt_seen_code"], 0,
            "the walk ends with the struct"
        );
        let cut = written(&TcpInfo {
            sent_bytes: 279,
            ..TcpInfo::default()
        });
        assert_eq!(cut["accecn_opt_seen_code"], Value::Null);
        assert_eq!(cut["accecn_fail_mode_code"], 0);
    }

    #[test]
    fn the_kernels_marks_for_none_are_no_numbers() {
        let info = written(&TcpInfo {
            sent_bytes: 280,
            pacing_rate: u64::MAX,
            max_pacing_rate: 9,
            min_rtt_us: u32::MAX,
            snd_ssthresh: INFINITE_SSTHRESH,
            snd_wscale: 7,
            rcv_wscale: 9,
            bits: 0b101,
            options: 0b1001,
            ..TcpInfo::default()
        });
        assert_eq!(info["pacing_rate_bytes_per_second"], Value::Null);
        assert_eq!(info["pacing_rate_bytes_per_second_unknown"], "no-limit");
        assert_eq!(info["max_pacing_rate_bytes_per_second"], 9);
        assert_eq!(info["min_rtt_us_unknown"], "not-measured");
        assert_eq!(info["snd_ssthresh_unknown"], "no-limit");
        assert_eq!(
            (&info["snd_wscale"], &info["rcv_wscale"]),
            (&7.into(), &9.into())
        );
        assert_eq!(info["delivery_rate_app_limited"], true);
        assert_eq!(info["fastopen_client_fail_code"], 2);
        assert_eq!(info["options"], serde_json::json!(["timestamps", "ecn"]));
    }
}
