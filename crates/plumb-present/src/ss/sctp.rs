//! `-i` of SCTP: address lists and the fields of `struct sctp_info`; and the names of an
//! association's states.

use plumb_model::diag::inet::SctpAddress;
use plumb_model::diag::sctp_info::SctpInfo;

use super::address::write_host;
use super::fields::{field, hex, signed};
use super::lookup::Lookup;
use super::view::View;

const STATES: [&str; 8] = [
    "CLOSED",
    "COOKIE_WAIT",
    "COOKIE_ECHOED",
    "ESTAB",
    "SHUTDOWN_PENDING",
    "SHUTDOWN_SENT",
    "SHUTDOWN_RECEIVED",
    "ACK_SENT",
];

/// `SCTP_SS_LISTENING` of the kernel's `net/sctp/constants.h`, which is `TCP_LISTEN`.
const LISTENING: u32 = 10;

/// Gives the name of an association's state; numbers the kernel does not have are `UNKNOWN`, where
/// the original reads whatever stands behind its table.
///
/// One such number is real: kernel 6.12 repeats a listener among its own associations. Behind the
/// original's table there is nothing in that place, which printf writes as `(null)`.
pub fn state_name(state: u32) -> &'static str {
    if state == LISTENING {
        return "(null)";
    }
    usize::try_from(state)
        .ok()
        .and_then(|state| STATES.get(state))
        .unwrap_or(&"UNKNOWN")
}

/// Appends a list of addresses, ` name:A,B`; families that are not IP leave an empty place.
pub fn write_addresses(
    out: &mut Vec<u8>,
    name: &str,
    addresses: &[SctpAddress],
    view: &View,
    lookup: &mut dyn Lookup,
) {
    out.push(b' ');
    out.extend_from_slice(name.as_bytes());
    out.push(b':');
    for (index, address) in addresses.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        if let Some(ip) = address.ip {
            write_host(out, ip, view, lookup);
        }
    }
}

/// Appends all fields that are shown.
pub fn write_sctp_info(out: &mut Vec<u8>, info: &SctpInfo) {
    hex(out, "tag", info.tag);
    if info.state != 0 {
        out.extend_from_slice(b" state:");
        out.extend_from_slice(state_name(info.state).as_bytes());
    }
    signed(out, "rwnd", info.rwnd);
    field(out, "unackdata", info.unackdata);
    field(out, "penddata", info.penddata);
    field(out, "instrms", info.instrms);
    field(out, "outstrms", info.outstrms);
    signed(out, "inqueue", info.inqueue);
    signed(out, "outqueue", info.outqueue);
    signed(out, "overerr", info.overall_error);
    signed(out, "maxburst", info.max_burst);
    signed(out, "maxseg", info.maxseg);
    signed(out, "prwnd", info.peer_rwnd);
    hex(out, "ptag", info.peer_tag);
    field(out, "pcapable", info.peer_capable);
    field(out, "psack", info.peer_sack);
    signed(out, "autoclose", info.socket.autoclose_s);
    signed(out, "adapind", info.socket.adaptation_ind);
    signed(out, "pdpoint", info.socket.pd_point);
    field(out, "nodelay", info.socket.nodelay);
    field(out, "nofrag", info.socket.disable_fragments);
    field(out, "v4mapped", info.socket.v4mapped);
    field(out, "fraginl", info.socket.frag_interleave);
}
