//! Packet sockets: the kernel's dump, or `/proc/net/packet`.

use plumb_collect::proc_paths::NET_PACKET;
use plumb_model::diag::packet::PacketDiag;
use plumb_present::ss::packet;
use plumb_wire::netlink::packet_diag::{
    SHOW, SHOW_MCLIST, decode_packet_diag, encode_packet_request,
};
use plumb_wire::proc::packet::PacketRows;

use super::dump;
use super::facts::Facts;
use crate::ss::json;
use crate::ss::options::selection::Table;
use crate::ss::session::Session;

/// `TCP_CLOSE`: the state packet sockets are listed in.
const CLOSE: u8 = 7;

/// Lists the packet sockets; the original shows those of both types when only one is selected.
pub fn run(session: &mut Session) {
    if !session.options.selection.states.contains(CLOSE) {
        return;
    }
    if NET_PACKET.is_moved() || !show_kernel(session) {
        show_proc(session);
    }
}

/// Shows what sock_diag gives; says whether that was all. A socket that does not tell its memory
/// ends the table: kernels so old are not believed, and what they say then is not told.
fn show_kernel(session: &mut Session) -> bool {
    let mut believed = true;
    let show = if session.is_text() {
        SHOW
    } else {
        SHOW | SHOW_MCLIST
    };
    let request = encode_packet_request(show);
    let outcome = dump::read_quietly(session, "packet", &request, |session, message| {
        let Some(row) = decode_packet_diag(message).filter(|_| believed) else {
            return;
        };
        dump::complain_of(session, row.trailing);
        believed = row.memory.is_some();
        if believed {
            show_matching(session, &row);
        }
    });
    if believed {
        session.report_dump(outcome);
    }
    outcome.is_ok() && believed
}

fn show_proc(session: &mut Session) {
    let mut rows = PacketRows::new();
    let mut ended = false;
    // Without the file there is nothing to show, and the original says nothing.
    let _ = NET_PACKET.for_each_row(|line| {
        if ended {
            return;
        }
        match rows.decode(line) {
            Some(row) if is_selected(session, &row) => show_matching(session, &row),
            Some(_) => {}
            None => ended = true,
        }
    });
}

/// Says whether a type is selected, which rows of `/proc` are asked since 6.5.
fn is_selected(session: &Session, row: &PacketDiag<'_>) -> bool {
    let tables = session.options.selection.tables;
    let table = if row.kind == PacketDiag::RAW {
        Table::PacketRaw
    } else {
        Table::PacketDgram
    };
    !session.options.view.release.since(6, 5) || tables.contains(table)
}

fn show_matching(session: &mut Session, row: &PacketDiag<'_>) {
    if dump::is_matched(session, |names, needs| Facts::packet(row, names, needs)) {
        if session.is_text() {
            session.row(|table, view, names| packet::write_row(table, row, view, names));
        } else {
            json::packet(session, row);
        }
    }
}
