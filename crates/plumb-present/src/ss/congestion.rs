//! What a congestion control tells of itself: DCTCP and BBR have words of their own.

use plumb_model::diag::congestion::{Bbr, Congestion, Dctcp};

use super::float::{to_f64, write_g, write_thousandths};
use super::rate::write_rate;
use crate::text::put;

/// The kernel's way to say that Vegas has no round trip time.
const NO_RTT: u32 = 0x7fff_ffff;

/// Appends what DCTCP and BBR tell.
pub fn write_congestion(out: &mut Vec<u8>, congestion: &Congestion<'_>, numeric: bool) {
    if let Some(dctcp) = &congestion.dctcp {
        write_dctcp(out, dctcp);
    }
    if let Some(bbr) = &congestion.bbr {
        write_bbr(out, bbr, numeric);
    }
}

fn write_dctcp(out: &mut Vec<u8>, dctcp: &Dctcp) {
    let Dctcp {
        enabled,
        ce_state,
        alpha,
        ab_ecn,
        ab_tot,
    } = dctcp;
    if *enabled == 0 {
        out.extend_from_slice(b" dctcp:fallback_mode");
        return;
    }
    put(
        out,
        format_args!(" dctcp:(ce_state:{ce_state},alpha:{alpha},ab_ecn:{ab_ecn},ab_tot:{ab_tot})"),
    );
}

fn write_bbr(out: &mut Vec<u8>, bbr: &Bbr, numeric: bool) {
    out.extend_from_slice(b" bbr:(bw:");
    write_rate(out, to_f64(bbr.bandwidth) * 8.0, numeric);
    out.extend_from_slice(b"bps,mrtt:");
    write_thousandths(out, u64::from(bbr.min_rtt_us));
    for (name, gain) in [
        (",pacing_gain:", bbr.pacing_gain),
        (",cwnd_gain:", bbr.cwnd_gain),
    ] {
        if gain != 0 {
            out.extend_from_slice(name.as_bytes());
            write_g(out, f64::from(gain) / 256.0, 6);
        }
    }
    out.push(b')');
}

/// Gives the round trip time Vegas measured, which then counts for the send rate.
pub fn vegas_rtt_us(congestion: &Congestion<'_>) -> Option<u32> {
    let vegas = congestion.vegas.as_ref()?;
    let usable = vegas.enabled != 0 && vegas.rtt_us != 0 && vegas.rtt_us != NO_RTT;
    usable.then_some(vegas.rtt_us)
}
