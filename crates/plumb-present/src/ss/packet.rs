//! Rows of packet sockets.

use plumb_model::diag::packet::{BpfInstruction, PacketDiag, PacketFanout, PacketInfo, PacketRing};

use super::ethertype::ethertype_name;
use super::front::{Front, Identity, separator, write_front, write_identity};
use super::layout::{Column, Table};
use super::lookup::Lookup;
use super::skmem::write_skmem;
use super::view::View;
use crate::text::put;

/// Packet sockets have no state; they are listed as closed ones.
const CLOSE: u32 = 7;
/// Names of the `PDI_*` bits from the second on; the first is special.
const FLAG_NAMES: [(u32, &str); 4] = [(2, "auxdata"), (4, "origdev"), (8, "vnethdr"), (16, "loss")];
/// Names of the fanout types that have one.
const FANOUT_NAMES: [&str; 6] = ["hash", "lb", "cpu", "roll", "random", "qm"];

/// Gives the name of a table.
pub fn netid(kind: u32) -> &'static str {
    if kind == PacketDiag::RAW {
        "p_raw"
    } else {
        "p_dgr"
    }
}

/// Writes a row.
pub fn write_row(table: &mut Table, row: &PacketDiag<'_>, view: &View, lookup: &mut dyn Lookup) {
    let front = Front {
        netid: netid(row.kind),
        state: CLOSE,
        recv_q: row.recv_q.unwrap_or(0),
        send_q: 0,
    };
    write_front(table, front, view);
    write_protocol(table.cell(), row.protocol, view);
    table.cell().push(b':');
    table.next();
    match row.interface {
        None | Some(0) => table.cell().push(b'*'),
        Some(index) => table.cell().extend_from_slice(lookup.interface(index)),
    }
    table.next();
    table.cell().push(b'*');
    table.go_to_column(Column::Process);
    if view.owners || view.contexts {
        lookup.append_users(table.cell(), u64::from(row.inode));
    }
    if view.release.since(6, 8) {
        table.go_to_column(Column::Rest);
    }
    write_extras(table.cell(), row, view);
}

fn write_protocol(out: &mut Vec<u8>, protocol: u16, view: &View) {
    let name = if view.numeric {
        None
    } else {
        ethertype_name(protocol)
    };
    match name {
        _ if protocol == PacketDiag::ALL => out.push(b'*'),
        Some(name) => out.extend_from_slice(name.as_bytes()),
        None => put(out, format_args!("[{protocol}]")),
    }
}

/// Appends everything behind the owners.
fn write_extras(out: &mut Vec<u8>, row: &PacketDiag<'_>, view: &View) {
    if view.details {
        let identity = Identity {
            uid: row.uid.unwrap_or(0),
            inode: row.inode,
            cookie: row.cookie.unwrap_or(0),
        };
        write_identity(out, identity);
        write_details(out, row, separator(view));
    }
    if view.bpf
        && let Some(filter) = &row.filter
    {
        out.extend_from_slice(separator(view).as_bytes());
        write_filter(out, filter);
    }
    if view.memory
        && let Some(memory) = &row.memory
    {
        write_skmem(out, memory);
    }
}

fn write_details(out: &mut Vec<u8>, row: &PacketDiag<'_>, separator: &str) {
    if let Some(info) = row.info {
        out.extend_from_slice(separator.as_bytes());
        write_info(out, info);
    }
    for (name, ring) in [("ring_rx", row.rx_ring), ("ring_tx", row.tx_ring)] {
        if let Some(ring) = ring {
            put(out, format_args!("{separator}{name}("));
            write_ring(out, ring);
            out.push(b')');
        }
    }
    if let Some(PacketFanout { id, kind }) = row.fanout {
        put(out, format_args!("{separator}fanout(id:{id},type:"));
        match FANOUT_NAMES.get(usize::from(kind)) {
            Some(name) => put(out, format_args!("{name})")),
            None => put(out, format_args!("0x{kind:x})")),
        }
    }
}

/// Appends version, threshold and flags; the first flag has no blank of its own.
fn write_info(out: &mut Vec<u8>, info: PacketInfo) {
    let version = info.version.cast_signed();
    let threshold = info.copy_threshold_bytes.cast_signed();
    put(
        out,
        format_args!("ver:{version} cpy_thresh:{threshold} flags( "),
    );
    if info.flags & 1 != 0 {
        out.extend_from_slice(b"running");
    }
    for (bit, name) in FLAG_NAMES {
        if info.flags & bit != 0 {
            put(out, format_args!(" {name}"));
        }
    }
    if info.flags == 0 {
        out.push(b'0');
    }
    out.extend_from_slice(b" )");
}

/// Appends a ring; the original prints all but the features with a sign.
fn write_ring(out: &mut Vec<u8>, ring: PacketRing) {
    let numbers = [
        ("blk_size", ring.block_bytes),
        (",blk_nr", ring.blocks),
        (",frm_size", ring.frame_bytes),
        (",frm_nr", ring.frames),
        (",tmo", ring.retire_ms),
    ];
    for (name, number) in numbers {
        put(out, format_args!("{name}:{}", number.cast_signed()));
    }
    put(out, format_args!(",features:0x{:x}", ring.features));
}

fn write_filter(out: &mut Vec<u8>, filter: &[BpfInstruction]) {
    put(out, format_args!("bpf filter ({}): ", filter.len()));
    for instruction in filter {
        let (code, operand) = (instruction.code, instruction.operand);
        let (jump_true, jump_false) = (instruction.jump_true, instruction.jump_false);
        put(
            out,
            format_args!(" 0x{code:02x} {jump_true} {jump_false} {operand},"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_rows::row_text;
    use super::*;

    fn text(row: &PacketDiag<'_>, view: &View) -> String {
        row_text(view, |table, lookup| write_row(table, row, view, lookup))
    }

    /// The original printed the same for the same message.
    fn sniffer() -> PacketDiag<'static> {
        PacketDiag {
            kind: 3,
            protocol: 0x0806,
            interface: Some(2),
            recv_q: Some(1),
            inode: 77,
            cookie: Some(0x1877b),
            info: Some(PacketInfo {
                version: 2,
                reserve_bytes: 0,
                copy_threshold_bytes: 100,
                timestamp: 0,
                flags: 2,
            }),
            fanout: Some(PacketFanout {
                id: 7,
                kind: 0x8002,
            }),
            filter: Some(vec![BpfInstruction {
                code: 6,
                jump_true: 0,
                jump_false: 1,
                operand: 65535,
            }]),
            ..PacketDiag::default()
        }
    }

    #[test]
    fn details_stand_on_lines_of_their_own() {
        let view = View {
            details: true,
            bpf: true,
            ..View::default()
        };
        assert_eq!(
            text(&sniffer(), &view),
            "p_raw UNCONN 1      0      arp:eth0 * ino:77 sk:1877b\n\
             \tver:2 cpy_thresh:100 flags(  auxdata )\n\
             \tfanout(id:7,type:0x8002)\n\
             \tbpf filter (1):  0x06 0 1 65535,"
        );
        let oneline = View {
            oneline: true,
            ..view
        };
        assert!(text(&sniffer(), &oneline).contains("sk:1877b ver:2 cpy"));
    }

    #[test]
    fn protocols_have_names_unless_numbers_are_wanted() {
        let row = |protocol| PacketDiag {
            protocol,
            ..PacketDiag::default()
        };
        let numeric = View {
            numeric: true,
            ..View::default()
        };
        assert!(text(&row(0x86dd), &View::default()).contains(" ipv6:* *"));
        assert!(text(&row(0x86dd), &numeric).contains(" [34525]:* *"));
        assert!(text(&row(3), &numeric).contains(" *:* *"));
        assert!(text(&row(0x1234), &View::default()).contains(" [4660]:* *"));
    }
}
