//! `-e`, `--tos`, `--cgroup` and `--inet-sockopt` of Internet sockets.

use plumb_model::diag::inet::InetDiag;

use super::fields::{always, field, push_hex};
use super::lookup::Lookup;
use super::view::View;
use crate::text::put;

/// Names of the bits of `struct inet_diag_sockopt`, from the lowest on.
const SOCKOPT_NAMES: [&str; 11] = [
    "recverr",
    "is_icsk",
    "freebind",
    "hdrincl",
    "mc_loop",
    "transparent",
    "mc_all",
    "nodefrag",
    "bind_addr_no_port",
    "recverr_rfc4884",
    "defer_connect",
];

/// Appends who owns the socket and what marks it.
pub fn write_details(out: &mut Vec<u8>, row: &InetDiag<'_>, lookup: &mut dyn Lookup) {
    field(out, "uid", row.uid);
    always(out, "ino", row.inode);
    let cookie = match &row.from_proc {
        Some(proc) => proc.pointer,
        None => row.cookie,
    };
    out.extend_from_slice(b" sk:");
    push_hex(out, cookie);
    if let Some(mark) = row.extensions.mark.filter(|&mark| mark != 0) {
        put(out, format_args!(" fwmark:0x{mark:x}"));
    }
    if let Some(id) = row.extensions.cgroup_id.filter(|&id| id != 0) {
        write_cgroup(out, id, lookup);
    }
}

/// Appends what has an option of its own.
pub fn write_marks(out: &mut Vec<u8>, row: &InetDiag<'_>, view: &View, lookup: &mut dyn Lookup) {
    let extensions = &row.extensions;
    if view.tos {
        write_hex(out, "tos", extensions.tos.map(u32::from));
        write_hex(out, "tclass", extensions.tclass.map(u32::from));
        write_hex(out, "class_id", extensions.class_id);
    }
    if view.cgroup
        && let Some(id) = extensions.cgroup_id
    {
        write_cgroup(out, id, lookup);
    }
    if view.inet_sockopt
        && let Some(bits) = extensions.sockopt
    {
        out.extend_from_slice(if view.oneline { b" " } else { b"\n\t" });
        write_sockopt(out, bits);
    }
}

/// Appends ` name:%#x`: zero has no `0x`.
fn write_hex(out: &mut Vec<u8>, name: &str, value: Option<u32>) {
    match value {
        Some(0) => put(out, format_args!(" {name}:0")),
        Some(value) => put(out, format_args!(" {name}:0x{value:x}")),
        None => {}
    }
}

fn write_cgroup(out: &mut Vec<u8>, id: u64, lookup: &mut dyn Lookup) {
    out.extend_from_slice(b" cgroup:");
    out.extend_from_slice(lookup.cgroup(id));
}

fn write_sockopt(out: &mut Vec<u8>, bits: u16) {
    out.extend_from_slice(b"inet-sockopt: (");
    for (bit, name) in SOCKOPT_NAMES.iter().enumerate() {
        if bits >> bit & 1 != 0 {
            out.push(b' ');
            out.extend_from_slice(name.as_bytes());
        }
    }
    out.push(b')');
}
