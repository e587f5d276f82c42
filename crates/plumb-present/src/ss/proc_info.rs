//! What rows from `/proc/net/tcp` show beyond the fixed columns: less than sock_diag tells, and the
//! timeouts in seconds. Rows of udp and raw show nothing more.

use plumb_model::diag::inet::{InetDiag, ProcDetails, ProcTcp};

use super::details::write_details;
use super::fields::field;
use super::float::write_g;
use super::lookup::Lookup;
use super::timer::write_timer;
use super::view::View;
use crate::text::put;

/// Clock ticks in a second (USER_HZ).
const TICKS_PER_SECOND: f64 = 100.0;
/// The timeout of a connection without a sample, which is not shown.
const INITIAL_RTO_TICKS: i32 = 300;
/// The window of a row that does not tell it.
const ASSUMED_CWND: u32 = 2;

/// Appends everything behind the owners.
pub fn write_proc_extras(
    out: &mut Vec<u8>,
    row: &InetDiag<'_>,
    proc: &ProcDetails<'_>,
    view: &View,
    lookup: &mut dyn Lookup,
) {
    if view.options {
        write_timer(out, row, view);
    }
    if view.details {
        write_details(out, row, lookup);
        if !proc.rest.is_empty() {
            out.extend_from_slice(b" opt:\"");
            out.extend_from_slice(proc.rest);
            out.push(b'"');
        }
    }
    if view.info {
        write_proc_info(out, row, proc);
    }
}

fn write_proc_info(out: &mut Vec<u8>, row: &InetDiag<'_>, proc: &ProcDetails<'_>) {
    match &proc.tcp {
        Some(tcp) => write_proc_tcp(out, tcp),
        None => field(out, "cwnd", ASSUMED_CWND),
    }
    if row.timer.retransmits != 0 {
        put(out, format_args!(" retrans:{}/0", row.timer.retransmits));
    }
    // A reordering metric of 0 is not the default, so it shows.
    out.extend_from_slice(b" reordering:0");
}

fn write_proc_tcp(out: &mut Vec<u8>, tcp: &ProcTcp) {
    if tcp.rto_ticks != INITIAL_RTO_TICKS {
        write_seconds(out, " rto:", tcp.rto_ticks);
    }
    write_seconds(out, " ato:", tcp.ato_ticks);
    let quick = tcp.quick / 2;
    if quick != 0 {
        put(out, format_args!(" qack:{quick}"));
        if quick & 1 != 0 {
            out.extend_from_slice(b" bidir");
        }
    }
    field(out, "cwnd", tcp.cwnd);
    if tcp.ssthresh != 0 && tcp.ssthresh != -1 {
        put(out, format_args!(" ssthresh:{}", tcp.ssthresh));
    }
}

fn write_seconds(out: &mut Vec<u8>, name: &str, ticks: i32) {
    if ticks != 0 {
        out.extend_from_slice(name.as_bytes());
        write_g(out, f64::from(ticks) / TICKS_PER_SECOND, 6);
    }
}
