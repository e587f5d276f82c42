//! TIPC sockets: the kernel's dump, there is nothing else. The original asks no expression about
//! them.

use plumb_present::ss::tipc;
use plumb_wire::netlink::tipc_diag::{decode_tipc_diag, encode_tipc_request};

use super::dump;
use crate::ss::json;
use crate::ss::session::Session;

/// Lists the TIPC sockets.
pub fn run(session: &mut Session) {
    let request = encode_tipc_request(session.options.selection.states.0);
    dump::read(session, "tipc", &request, |session, message| {
        if let Some(row) = decode_tipc_diag(message) {
            dump::complain_of(session, row.trailing);
            if session.is_text() {
                session.row(|table, view, names| tipc::write_row(table, &row, view, names));
            } else {
                json::tipc(session, &row);
            }
        }
    });
}
