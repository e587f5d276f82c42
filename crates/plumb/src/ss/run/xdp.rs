//! XDP sockets: the kernel's dump, there is nothing else.

use plumb_present::ss::xdp;
use plumb_wire::netlink::xdp_diag::{decode_xdp_diag, encode_xdp_request};

use super::dump;
use super::facts::Facts;
use crate::ss::json;
use crate::ss::session::Session;

/// `TCP_CLOSE`: the state XDP sockets are listed in.
const CLOSE: u8 = 7;

/// Lists the XDP sockets.
pub fn run(session: &mut Session) {
    if !session.options.selection.states.contains(CLOSE) {
        return;
    }
    let request = encode_xdp_request();
    dump::read(session, "xdp", &request, |session, message| {
        if let Some(row) = decode_xdp_diag(message) {
            dump::complain_of(session, row.trailing);
            if dump::is_matched(session, |names, needs| Facts::xdp(&row, names, needs)) {
                if session.is_text() {
                    session.row(|table, view, names| xdp::write_row(table, &row, view, names));
                } else {
                    json::xdp(session, &row);
                }
            }
        }
    });
}
