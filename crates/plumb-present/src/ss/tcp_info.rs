//! `-i` of TCP: the fields of `struct tcp_info`, in the original's order.
//!
//! Four congestion states, `last_ack_sent`, the `total_rto` family and the Accurate ECN counters
//! are shown by no release.

use plumb_model::diag::inet::InetDiag;
use plumb_model::diag::tcp_info::TcpInfo;

use super::congestion::{vegas_rtt_us, write_congestion};
use super::fields::{always, always_signed, field, flag, milliseconds, signed};
use super::float::{to_f64, write_tenths, write_thousandths};
use super::rate::write_rate;
use super::view::View;
use crate::text::Decimal;

/// The timeout of a connection without a sample, which is not shown.
const INITIAL_RTO_US: u32 = 3_000_000;
/// Slow start thresholds from here on mean that there is none.
const NO_SSTHRESH: u32 = 0xffff;
/// The kernel's default reordering metric.
const DEFAULT_REORDERING: u32 = 3;
const LISTEN: u32 = 10;

/// Appends all fields that are shown.
pub fn write_tcp_info(out: &mut Vec<u8>, row: &InetDiag<'_>, info: &TcpInfo, view: &View) {
    let congestion = &row.extensions.congestion;
    write_options(out, info, view);
    if let Some(name) = congestion.name.filter(|name| !name.is_empty()) {
        out.push(b' ');
        out.extend_from_slice(name);
    }
    write_timing(out, info);
    write_sizes(out, info);
    write_traffic(out, info);
    write_congestion(out, congestion, view.numeric);
    let rtt = vegas_rtt_us(congestion).unwrap_or(info.rtt_us);
    write_send_rate(out, info, rtt, view.numeric);
    field(out, "lastsnd", info.last_data_sent_ms);
    field(out, "lastrcv", info.last_data_recv_ms);
    field(out, "lastack", info.last_ack_recv_ms);
    write_rates(out, info, view.numeric);
    write_limits(out, info);
    write_losses(out, info, row.state);
    write_windows(out, info, view);
}

fn write_options(out: &mut Vec<u8>, info: &TcpInfo, view: &View) {
    if view.options {
        let has = |bit: u8| info.options & bit != 0;
        flag(out, has(TcpInfo::OPTION_TIMESTAMPS), "ts");
        flag(
            out,
            has(TcpInfo::OPTION_USEC_TS) && view.release.since(6, 8),
            "usec_ts",
        );
        flag(out, has(TcpInfo::OPTION_SACK), "sack");
        flag(out, has(TcpInfo::OPTION_ECN), "ecn");
        flag(out, has(TcpInfo::OPTION_ECN_SEEN), "ecnseen");
        flag(out, has(TcpInfo::OPTION_SYN_DATA), "fastopen");
    }
}

fn write_timing(out: &mut Vec<u8>, info: &TcpInfo) {
    if info.options & TcpInfo::OPTION_WSCALE != 0 {
        always(out, "wscale", info.snd_wscale);
        out.push(b',');
        out.extend_from_slice(Decimal::new(u64::from(info.rcv_wscale)).as_bytes());
    }
    if info.rto_us != INITIAL_RTO_US {
        milliseconds(out, "rto", info.rto_us);
    }
    field(out, "backoff", info.backoff);
    if info.rtt_us != 0 {
        milliseconds(out, "rtt", info.rtt_us);
        out.push(b'/');
        write_thousandths(out, u64::from(info.rttvar_us));
    }
    milliseconds(out, "ato", info.ato_us);
}

fn write_sizes(out: &mut Vec<u8>, info: &TcpInfo) {
    signed(out, "mss", info.snd_mss);
    field(out, "pmtu", info.pmtu);
    signed(out, "rcvmss", info.rcv_mss);
    signed(out, "advmss", info.advmss);
    field(out, "cwnd", info.snd_cwnd);
    if info.snd_ssthresh < NO_SSTHRESH {
        field(out, "ssthresh", info.snd_ssthresh);
    }
}

fn write_traffic(out: &mut Vec<u8>, info: &TcpInfo) {
    field(out, "bytes_sent", info.bytes_sent);
    field(out, "bytes_retrans", info.bytes_retrans);
    field(out, "bytes_acked", info.bytes_acked);
    field(out, "bytes_received", info.bytes_received);
    field(out, "segs_out", info.segs_out);
    field(out, "segs_in", info.segs_in);
    field(out, "data_segs_out", info.data_segs_out);
    field(out, "data_segs_in", info.data_segs_in);
}

/// Appends what the window allows to send in a round trip time.
fn write_send_rate(out: &mut Vec<u8>, info: &TcpInfo, rtt_us: u32, numeric: bool) {
    if rtt_us != 0 && info.snd_mss != 0 && info.snd_cwnd != 0 {
        // The order of the operations decides the last digits.
        let window = f64::from(info.snd_cwnd) * f64::from(info.snd_mss);
        named_rate(
            out,
            " send ",
            window * 8_000_000.0 / f64::from(rtt_us),
            numeric,
        );
    }
}

fn write_rates(out: &mut Vec<u8>, info: &TcpInfo, numeric: bool) {
    let real = |rate: u64| rate != 0 && rate != u64::MAX;
    if real(info.pacing_rate) {
        named_rate(
            out,
            " pacing_rate ",
            to_f64(info.pacing_rate) * 8.0,
            numeric,
        );
        if real(info.max_pacing_rate) {
            named_rate(out, "/", to_f64(info.max_pacing_rate) * 8.0, numeric);
        }
    }
    if info.delivery_rate != 0 {
        named_rate(
            out,
            " delivery_rate ",
            to_f64(info.delivery_rate) * 8.0,
            numeric,
        );
    }
}

fn named_rate(out: &mut Vec<u8>, name: &str, bits: f64, numeric: bool) {
    out.extend_from_slice(name.as_bytes());
    write_rate(out, bits, numeric);
    out.extend_from_slice(b"bps");
}

fn write_limits(out: &mut Vec<u8>, info: &TcpInfo) {
    field(out, "delivered", info.delivered);
    field(out, "delivered_ce", info.delivered_ce);
    flag(out, info.app_limited(), "app_limited");
    if info.busy_time_us == 0 {
        return;
    }
    always(out, "busy", info.busy_time_us / 1000);
    out.extend_from_slice(b"ms");
    for (name, limited_us) in [
        ("rwnd_limited", info.rwnd_limited_us),
        ("sndbuf_limited", info.sndbuf_limited_us),
    ] {
        if limited_us != 0 {
            always(out, name, limited_us / 1000);
            out.extend_from_slice(b"ms(");
            write_tenths(out, 100.0 * to_f64(limited_us) / to_f64(info.busy_time_us));
            out.extend_from_slice(b"%)");
        }
    }
}

fn write_losses(out: &mut Vec<u8>, info: &TcpInfo, state: u32) {
    field(out, "unacked", info.unacked);
    if info.retrans != 0 || info.total_retrans != 0 {
        always(out, "retrans", info.retrans);
        out.push(b'/');
        out.extend_from_slice(Decimal::new(u64::from(info.total_retrans)).as_bytes());
    }
    field(out, "lost", info.lost);
    if state != LISTEN {
        field(out, "sacked", info.sacked);
    }
    field(out, "dsack_dups", info.dsack_dups);
    field(out, "fackets", info.fackets);
    if info.reordering != DEFAULT_REORDERING {
        always_signed(out, "reordering", info.reordering);
    }
    signed(out, "reord_seen", info.reord_seen);
}

fn write_windows(out: &mut Vec<u8>, info: &TcpInfo, view: &View) {
    milliseconds(out, "rcv_rtt", info.rcv_rtt_us);
    signed(out, "rcv_space", info.rcv_space);
    field(out, "rcv_ssthresh", info.rcv_ssthresh);
    field(out, "notsent", info.notsent_bytes);
    if info.min_rtt_us != u32::MAX {
        milliseconds(out, "minrtt", info.min_rtt_us);
    }
    field(out, "rcv_ooopack", info.rcv_ooopack);
    field(out, "snd_wnd", info.snd_wnd);
    if view.release.since(6, 6) {
        field(out, "rcv_wnd", info.rcv_wnd);
        field(out, "rehash", info.rehash);
    }
}
