//! Rows of XDP sockets.

use plumb_model::diag::xdp::{XdpBinding, XdpDiag, XdpStatistics, XdpUmem};

use super::front::{Front, Identity, separator, write_front, write_identity};
use super::layout::{Column, Table};
use super::lookup::Lookup;
use super::skmem::write_skmem;
use super::view::View;
use crate::text::put;

/// XDP sockets have no state; they are listed as closed ones.
const CLOSE: u32 = 7;

/// Writes a row.
pub fn write_row(table: &mut Table, row: &XdpDiag<'_>, view: &View, lookup: &mut dyn Lookup) {
    let front = Front {
        netid: "xdp",
        state: CLOSE,
        recv_q: row.memory.map_or(0, |memory| memory.words[0]),
        send_q: 0,
    };
    write_front(table, front, view);
    match row.binding {
        Some(XdpBinding { interface, queue }) if interface != 0 => {
            let cell = table.cell();
            cell.extend_from_slice(lookup.interface(interface));
            cell.push(b':');
            table.next();
            put(table.cell(), format_args!("q{}", queue.cast_signed()));
        }
        _ => table.cell().push(b'*'),
    }
    table.go_to_column(Column::PeerAddress);
    table.cell().push(b'*');
    table.go_to_column(Column::Process);
    if view.owners || view.contexts {
        lookup.append_users(table.cell(), u64::from(row.inode));
    }
    if view.release.since(6, 8) {
        table.go_to_column(Column::Rest);
    }
    if view.details {
        let identity = Identity {
            uid: row.uid.unwrap_or(0),
            inode: row.inode,
            cookie: row.cookie,
        };
        write_identity(table.cell(), identity);
        write_details(table.cell(), row, view);
    }
    if view.memory
        && let Some(memory) = &row.memory
    {
        write_skmem(table.cell(), memory);
    }
}

/// Appends rings, memory and statistics, each on a line of its own. With -O the memory has one
/// letter too many; its rings are not shown without it.
fn write_details(out: &mut Vec<u8>, row: &XdpDiag<'_>, view: &View) {
    let separator = separator(view);
    let ring = |out: &mut Vec<u8>, name: &str, entries: Option<u32>| {
        if let Some(entries) = entries {
            put(out, format_args!("{separator}{name}(entries:{entries})"));
        }
    };
    ring(out, "rx", row.rx_ring);
    ring(out, "tx", row.tx_ring);
    if let Some(umem) = row.umem {
        let name = if view.oneline { "tumem" } else { "umem" };
        put(out, format_args!("{separator}{name}("));
        write_umem(out, umem);
        ring(out, "fr", row.fill_ring);
        ring(out, "cr", row.completion_ring);
    }
    if let Some(statistics) = row.statistics {
        put(out, format_args!("{separator}stats("));
        write_statistics(out, statistics);
    }
}

fn write_umem(out: &mut Vec<u8>, umem: XdpUmem) {
    let (id, size, pages) = (umem.id, umem.size_bytes, umem.pages);
    put(out, format_args!("id:{id},size:{size},num_pages:{pages}"));
    let (chunk, headroom) = (umem.chunk_bytes, umem.headroom_bytes);
    put(out, format_args!(",chunk_size:{chunk},headroom:{headroom}"));
    let (interface, queue) = (umem.interface, umem.queue);
    put(out, format_args!(",ifindex:{interface},qid:{queue}"));
    let zero_copy = umem.flags & XdpUmem::ZERO_COPY;
    put(
        out,
        format_args!(",zc:{zero_copy},refs:{})", umem.references),
    );
}

fn write_statistics(out: &mut Vec<u8>, statistics: XdpStatistics) {
    let counters = [
        ("rx dropped", statistics.rx_dropped),
        (",rx invalid", statistics.rx_invalid),
        (",rx queue full", statistics.rx_ring_full),
        (",rx fill ring empty", statistics.fill_ring_empty),
        (",tx invalid", statistics.tx_invalid),
        (",tx ring empty", statistics.tx_ring_empty),
    ];
    for (name, count) in counters {
        put(out, format_args!("{name}:{count}"));
    }
    out.push(b')');
}

#[cfg(test)]
mod tests {
    use super::super::test_rows::row_text;
    use super::*;

    fn text(row: &XdpDiag<'_>, view: &View) -> String {
        row_text(view, |table, lookup| write_row(table, row, view, lookup))
    }

    /// The original printed the same for the same message.
    fn bound() -> XdpDiag<'static> {
        XdpDiag {
            inode: 77,
            cookie: 0x1877b,
            binding: Some(XdpBinding {
                interface: 2,
                queue: 5,
            }),
            uid: Some(1000),
            rx_ring: Some(256),
            umem: Some(XdpUmem {
                size_bytes: 1 << 33,
                id: 4,
                pages: 5,
                chunk_bytes: 2048,
                headroom_bytes: 9,
                interface: 1,
                queue: 2,
                flags: 1,
                references: 3,
            }),
            statistics: Some(XdpStatistics {
                rx_dropped: 1,
                rx_invalid: 2,
                rx_ring_full: 3,
                fill_ring_empty: 4,
                tx_invalid: 5,
                tx_ring_empty: 6,
            }),
            ..XdpDiag::default()
        }
    }

    #[test]
    fn details_stand_on_lines_of_their_own() {
        let view = View {
            details: true,
            ..View::default()
        };
        assert_eq!(
            text(&bound(), &view),
            "xdp UNCONN 0      0      eth0:q5 * uid:1000 ino:77 sk:1877b\n\
             \trx(entries:256)\n\
             \tumem(id:4,size:8589934592,num_pages:5,chunk_size:2048,headroom:9,ifindex:1,qid:2,\
             zc:1,refs:3)\n\
             \tstats(rx dropped:1,rx invalid:2,rx queue full:3,rx fill ring empty:4,tx invalid:5,\
             tx ring empty:6)"
        );
        let oneline = View {
            oneline: true,
            ..view
        };
        assert!(text(&bound(), &oneline).contains(" rx(entries:256) tumem(id:4,"));
    }

    #[test]
    fn what_is_bound_to_nothing_is_a_star() {
        let row = XdpDiag {
            binding: None,
            ..bound()
        };
        assert_eq!(text(&row, &View::default()), "xdp UNCONN 0      0      * *");
    }
}
