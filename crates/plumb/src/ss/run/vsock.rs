//! Sockets between virtual machines and their host: the kernel's dump, there is nothing else.

use plumb_model::diag::vsock::VsockDiag;
use plumb_present::ss::vsock;
use plumb_wire::netlink::vsock_diag::{decode_vsock_diag, encode_vsock_request};

use super::dump;
use super::facts::Facts;
use crate::ss::json;
use crate::ss::options::selection::Table;
use crate::ss::session::Session;

/// Lists the sockets of the types that are selected.
pub fn run(session: &mut Session) {
    let request = encode_vsock_request(session.options.selection.states.0);
    dump::read(session, "vsock", &request, |session, message| {
        if let Some(row) = decode_vsock_diag(message)
            && is_selected(session, &row)
            && dump::is_matched(session, |names, needs| Facts::vsock(&row, names, needs))
        {
            if session.is_text() {
                session.row(|table, view, names| vsock::write_row(table, &row, view, names));
            } else {
                json::vsock(session, &row);
            }
        }
    });
}

fn is_selected(session: &Session, row: &VsockDiag) -> bool {
    let tables = session.options.selection.tables;
    match row.kind {
        VsockDiag::STREAM => tables.contains(Table::VsockStream),
        VsockDiag::DGRAM => tables.contains(Table::VsockDgram),
        _ => true,
    }
}
