//! Rows of netlink sockets.

use plumb_model::diag::netlink::{NetlinkDiag, NetlinkPeer};

use super::front::{Front, write_front};
use super::layout::{Column, Table};
use super::lookup::Lookup;
use super::skmem::write_skmem;
use super::view::View;
use crate::text::put;

/// Connected or not, netlink sockets are listed as closed ones.
const CLOSE: u32 = 7;
/// The state of a socket that is connected.
const CONNECTED: u8 = 1;

/// Writes a row. What -e and -m add stands with the processes, which since 6.8 have a column only
/// with -p.
pub fn write_row(table: &mut Table, row: &NetlinkDiag<'_>, view: &View, lookup: &mut dyn Lookup) {
    let (recv_q, send_q) = queues(row);
    let front = Front {
        netid: "nl",
        state: CLOSE,
        recv_q,
        send_q,
    };
    write_front(table, front, view);
    write_protocol(table.cell(), row.protocol, view, lookup);
    table.next();
    write_port_id(table.cell(), row.port_id, view, lookup);
    table.next();
    match row.peer {
        Some(NetlinkPeer { port_id, group }) if row.state == Some(CONNECTED) => {
            put(table.cell(), format_args!("{}:", group.cast_signed()));
            table.next();
            put(table.cell(), format_args!("{}", port_id.cast_signed()));
        }
        _ => table.cell().push(b'*'),
    }
    table.go_to_column(Column::Process);
    write_extras(table.cell(), row, view, lookup);
}

fn queues(row: &NetlinkDiag<'_>) -> (u32, u32) {
    match (&row.from_proc, &row.memory) {
        (Some(proc), _) => (proc.recv_q.cast_unsigned(), proc.send_q.cast_unsigned()),
        (None, Some(memory)) => (memory.words[0], memory.words[2]),
        (None, None) => (0, 0),
    }
}

fn write_protocol(out: &mut Vec<u8>, protocol: i32, view: &View, lookup: &mut dyn Lookup) {
    let name = match u32::try_from(protocol) {
        Ok(protocol) if !view.numeric => lookup.netlink_protocol(protocol),
        _ => None,
    };
    match name {
        Some(name) => out.extend_from_slice(name),
        None => put(out, format_args!("{protocol}")),
    }
    out.push(b':');
}

/// Appends a port id: most are that of the process that opened the socket first.
fn write_port_id(out: &mut Vec<u8>, port_id: i32, view: &View, lookup: &mut dyn Lookup) {
    let name = match u32::try_from(port_id) {
        Ok(pid) if pid != 0 && !view.numeric => lookup.process_name(pid),
        _ => None,
    };
    match (port_id, name) {
        (-1, _) => out.push(b'*'),
        (0, _) if !view.numeric => out.extend_from_slice(b"kernel"),
        (_, Some(name)) => {
            out.extend_from_slice(name);
            put(out, format_args!("/{port_id}"));
        }
        (_, None) => put(out, format_args!("{port_id}")),
    }
}

fn write_extras(out: &mut Vec<u8>, row: &NetlinkDiag<'_>, view: &View, lookup: &mut dyn Lookup) {
    if view.contexts {
        out.extend_from_slice(b" proc_ctx=");
        let pid = row.port_id.cast_unsigned();
        out.extend_from_slice(lookup.process_context(pid));
    }
    if view.details {
        let proc = row.from_proc.unwrap_or_default();
        let groups = match row.groups {
            Some(words) => first_word(words),
            None => proc.groups,
        };
        let (pointer, callback) = (proc.pointer, proc.callback);
        put(
            out,
            format_args!(" sk={pointer:x} cb={callback:x} groups=0x{groups:08x}"),
        );
    }
    if view.memory && row.from_proc.is_none() {
        out.push(b'\t');
        if let Some(memory) = &row.memory {
            write_skmem(out, memory);
        }
    }
}

/// Gives the low half of the first machine word of a bit set.
fn first_word(words: &[u8]) -> u32 {
    let at = if cfg!(target_endian = "little") { 0 } else { 4 };
    let word = words.get(at..).and_then(<[u8]>::first_chunk);
    word.map_or(0, |word| u32::from_ne_bytes(*word))
}

#[cfg(test)]
mod tests {
    use plumb_model::diag::inet::SkMemInfo;
    use plumb_model::diag::netlink::NetlinkProc;

    use super::super::test_rows::row_text;
    use super::super::view::Release;
    use super::*;

    fn text(row: &NetlinkDiag<'_>, view: &View) -> String {
        row_text(view, |table, lookup| write_row(table, row, view, lookup))
    }

    fn row(protocol: i32, port_id: i32) -> NetlinkDiag<'static> {
        NetlinkDiag {
            protocol,
            port_id,
            ..NetlinkDiag::default()
        }
    }

    #[test]
    fn port_ids_name_their_process() {
        let plain = View::default();
        let numeric = View {
            numeric: true,
            ..plain
        };
        assert_eq!(
            text(&row(0, 7), &plain),
            "nl UNCONN 0      0      rtnl:init/7 *"
        );
        assert_eq!(text(&row(0, 7), &numeric), "nl UNCONN 0      0      0:7 *");
        assert!(text(&row(77, 0), &plain).contains(" 77:kernel *"));
        assert!(text(&row(77, 0), &numeric).contains(" 77:0 *"));
        assert!(text(&row(0, -1), &numeric).contains(" 0:* *"));
        assert!(text(&row(-3, -500), &plain).contains(" -3:-500 *"));
    }

    /// The original printed the same for the same message.
    #[test]
    fn memory_follows_a_tabulator() {
        let connected = NetlinkDiag {
            state: Some(1),
            peer: Some(NetlinkPeer {
                port_id: 7,
                group: 3,
            }),
            groups: Some(&[0xff, 0, 0, 0, 1, 0, 0, 0]),
            memory: Some(SkMemInfo {
                words: [1, 2, 3, 4, 5, 6, 7, 8, 9],
                sent_bytes: 28,
            }),
            ..row(0, 0)
        };
        let view = View {
            details: true,
            memory: true,
            ..View::default()
        };
        assert_eq!(
            text(&connected, &view),
            "nl UNCONN 1      3      rtnl:kernel 3:7 sk=0 cb=0 groups=0x000000ff\t \
             skmem:(r1,rb2,t3,tb4,f5,w6,o7)"
        );
    }

    #[test]
    fn addresses_are_told_by_proc_alone() {
        let proc = NetlinkDiag {
            from_proc: Some(NetlinkProc {
                pointer: 0xabc,
                groups: 1,
                recv_q: -1,
                send_q: 8,
                callback: 2,
            }),
            ..row(0, 0)
        };
        let view = View {
            details: true,
            memory: true,
            release: Release::new(6, 8),
            ..View::default()
        };
        let expected = "nl UNCONN -1     8      rtnl:kernel * sk=abc cb=2 groups=0x00000001";
        assert_eq!(text(&proc, &view), expected);
    }
}
