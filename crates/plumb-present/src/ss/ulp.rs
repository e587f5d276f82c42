//! What sits on top of a TCP socket: ` tcp-ulp-NAME` and what it tells.

use plumb_model::diag::ulp::{MptcpSubflow, Tls, Ulp};

use super::fields::flag;
use super::view::View;
use crate::text::put;

/// Letters of the subflow flags, from the lowest bit on.
const SUBFLOW_LETTERS: &[u8; 9] = b"MmJjBbecv";

/// Appends everything known of the upper layer protocol.
pub fn write_ulp(out: &mut Vec<u8>, ulp: &Ulp<'_>, view: &View) {
    if let Some(name) = ulp.name {
        out.extend_from_slice(b" tcp-ulp-");
        out.extend_from_slice(name);
    }
    if let Some(tls) = &ulp.tls {
        write_tls(out, tls, view);
    }
    if let Some(flow) = &ulp.mptcp {
        write_subflow(out, flow, view);
    }
}

fn write_tls(out: &mut Vec<u8>, tls: &Tls, view: &View) {
    match tls.version {
        Some(0x0303) => out.extend_from_slice(b" version: 1.2"),
        Some(0x0304) => out.extend_from_slice(b" version: 1.3"),
        Some(version) => put(out, format_args!(" version: unknown({version})")),
        None => {}
    }
    match tls.cipher {
        Some(51) => out.extend_from_slice(b" cipher: aes-gcm-128"),
        Some(52) => out.extend_from_slice(b" cipher: aes-gcm-256"),
        _ => {}
    }
    write_side(out, "rxconf", tls.rxconf);
    write_side(out, "txconf", tls.txconf);
    flag(out, tls.zc_ro_tx, "zc_ro_tx");
    flag(out, tls.rx_no_pad && view.release.since(6, 5), "no_pad_rx");
}

fn write_side(out: &mut Vec<u8>, name: &str, side: Option<u16>) {
    let Some(side) = side else { return };
    match side {
        1 => put(out, format_args!(" {name}: none")),
        2 => put(out, format_args!(" {name}: sw")),
        3 => put(out, format_args!(" {name}: hw")),
        4 => put(out, format_args!(" {name}: hw-record")),
        _ => put(out, format_args!(" {name}: unknown({side})")),
    }
}

fn write_subflow(out: &mut Vec<u8>, flow: &MptcpSubflow, view: &View) {
    if let Some(flags) = flow.flags.filter(|&flags| flags != 0) {
        out.extend_from_slice(b" flags:");
        let letters = SUBFLOW_LETTERS.iter().enumerate();
        out.extend(letters.filter_map(|(bit, letter)| (flags >> bit & 1 != 0).then_some(*letter)));
    }
    if let (Some(remote), Some(local), Some(remote_id), Some(local_id)) =
        (flow.token_rem, flow.token_loc, flow.id_rem, flow.id_loc)
    {
        put(
            out,
            format_args!(" token:{remote:04x}(id:{remote_id})/{local:04x}(id:{local_id})"),
        );
    }
    let decimal = view.release.since(6, 14);
    let mut number = |name: &str, value: Option<u64>| match value {
        Some(value) if decimal => put(out, format_args!(" {name}:{value}")),
        Some(value) => put(out, format_args!(" {name}:{value:x}")),
        None => {}
    };
    number("seq", flow.map_seq);
    number("sfseq", flow.map_sfseq.map(u64::from));
    number("ssnoff", flow.ssn_offset.map(u64::from));
    number("maplen", flow.map_datalen.map(u64::from));
}
