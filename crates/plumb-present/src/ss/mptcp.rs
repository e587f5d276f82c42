//! `-i` of MPTCP: the fields of `struct mptcp_info`, in the original's order.

use plumb_model::diag::mptcp_info::MptcpInfo;

use super::fields::{field, flag};
use super::view::View;
use crate::text::put;

/// Appends all fields that are shown.
pub fn write_mptcp_info(out: &mut Vec<u8>, info: &MptcpInfo, view: &View) {
    field(out, "subflows", info.subflows);
    field(out, "add_addr_signal", info.add_addr_signal);
    field(out, "add_addr_accepted", info.add_addr_accepted);
    field(out, "subflows_max", info.subflows_max);
    field(out, "add_addr_signal_max", info.add_addr_signal_max);
    field(out, "add_addr_accepted_max", info.add_addr_accepted_max);
    flag(out, info.flags & MptcpInfo::FLAG_FALLBACK != 0, "fallback");
    flag(
        out,
        info.flags & MptcpInfo::FLAG_REMOTE_KEY_RECEIVED != 0,
        "remote_key",
    );
    if info.token != 0 {
        put(out, format_args!(" token:{:x}", info.token));
    }
    let decimal = view.release.since(6, 5);
    for (name, value) in [
        ("write_seq", info.write_seq),
        ("snd_una", info.snd_una),
        ("rcv_nxt", info.rcv_nxt),
    ] {
        if decimal {
            field(out, name, value);
        } else if value != 0 {
            put(out, format_args!(" {name}:{value:x}"));
        }
    }
    if decimal {
        write_newer(out, info, view);
    }
}

/// Appends what 6.5 and later releases show.
fn write_newer(out: &mut Vec<u8>, info: &MptcpInfo, view: &View) {
    field(out, "local_addr_used", info.local_addr_used);
    field(out, "local_addr_max", info.local_addr_max);
    field(out, "csum_enabled", info.csum_enabled);
    field(out, "retransmits", info.retransmits);
    field(out, "bytes_retrans", info.bytes_retrans);
    field(out, "bytes_sent", info.bytes_sent);
    field(out, "bytes_received", info.bytes_received);
    field(out, "bytes_acked", info.bytes_acked);
    if view.release.since(6, 8) {
        field(out, "subflows_total", info.subflows_total);
    }
    if view.release.since(6, 19) {
        field(out, "endp_laminar_max", info.endp_laminar_max);
    }
    if view.release.since(6, 10) {
        field(out, "last_data_sent", info.last_data_sent_ms);
        field(out, "last_data_recv", info.last_data_recv_ms);
        field(out, "last_ack_recv", info.last_ack_recv_ms);
    }
}
