//! Netlink sockets: the kernel's dump, or `/proc/net/netlink`.

use plumb_collect::proc_paths::NET_NETLINK;
use plumb_model::diag::netlink::NetlinkDiag;
use plumb_present::ss::netlink;
use plumb_wire::netlink::netlink_diag::{
    SHOW, SHOW_FLAGS, decode_netlink_diag, encode_netlink_request,
};
use plumb_wire::proc::netlink::NetlinkRows;

use super::dump;
use super::facts::Facts;
use crate::ss::json;
use crate::ss::session::Session;

/// `TCP_CLOSE`: the state netlink sockets are listed in.
const CLOSE: u8 = 7;

/// Lists the netlink sockets, our own among them.
pub fn run(session: &mut Session) {
    if !session.options.selection.states.contains(CLOSE) {
        return;
    }
    if NET_NETLINK.is_moved() || !show_kernel(session) {
        show_proc(session);
    }
}

/// Shows what sock_diag gives; says whether it gave all.
fn show_kernel(session: &mut Session) -> bool {
    let show = if session.is_text() {
        SHOW
    } else {
        SHOW | SHOW_FLAGS
    };
    let request = encode_netlink_request(show);
    dump::read(session, "netlink", &request, |session, message| {
        if let Some(row) = decode_netlink_diag(message) {
            dump::complain_of(session, row.trailing);
            show_matching(session, &row);
        }
    })
}

fn show_proc(session: &mut Session) {
    let mut rows = NetlinkRows::new();
    // Without the file there is nothing to show, and the original says nothing.
    let _ = NET_NETLINK.for_each_row(|line| show_matching(session, &rows.decode(line)));
}

fn show_matching(session: &mut Session, row: &NetlinkDiag<'_>) {
    if dump::is_matched(session, |names, needs| Facts::netlink(row, names, needs)) {
        if session.is_text() {
            session.row(|table, view, names| netlink::write_row(table, row, view, names));
        } else {
            json::netlink(session, row);
        }
    }
}
