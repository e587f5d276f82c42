//! UNIX domain sockets: the kernel's dump, or `/proc/net/unix` in the order of inodes.

use plumb_collect::proc_paths::NET_UNIX;
use plumb_model::diag::unix::UnixDiag;
use plumb_present::ss::unix;
use plumb_wire::netlink::unix_diag::{
    SHOW_ICONS, SHOW_MEMINFO, SHOW_NAME, SHOW_PEER, SHOW_RQLEN, SHOW_UID, SHOW_VFS,
    decode_unix_diag, encode_unix_request,
};
use plumb_wire::proc::unix_diag::UnixDiagRows;

use super::dump;
use super::facts::Facts;
use crate::ss::json;
use crate::ss::options::selection::Table;
use crate::ss::session::Session;
use crate::ss::terminal::harmless_name;

/// So many rows of `/proc` are put in order at a time; with more, the order begins again.
const SORTED_ROWS: usize = 1681;

/// Lists the sockets of the types that are selected.
pub fn run(session: &mut Session) {
    if NET_UNIX.is_moved() || !show_kernel(session) {
        show_proc(session);
    }
}

/// Shows what sock_diag gives; says whether it gave all.
fn show_kernel(session: &mut Session) -> bool {
    let view = &session.options.view;
    let mut show = SHOW_NAME | SHOW_PEER | SHOW_RQLEN;
    if view.memory {
        show |= SHOW_MEMINFO;
    }
    if view.details {
        show |= SHOW_VFS | SHOW_ICONS;
    }
    if !session.is_text() {
        show |= SHOW_MEMINFO | SHOW_VFS | SHOW_ICONS | SHOW_UID;
    }
    if session.filter.needs().uid {
        show |= SHOW_UID;
    }
    if session.filter.needs().memory {
        show |= SHOW_MEMINFO;
    }
    let request = encode_unix_request(session.options.selection.states.0, show);
    dump::read(session, "unix", &request, |session, message| {
        if let Some(row) = decode_unix_diag(message) {
            dump::complain_of(session, row.trailing);
            if is_selected(session, &row)
                && dump::is_matched(session, |names, needs| Facts::unix(&row, names, needs))
            {
                show_row(session, &row);
            }
        }
    })
}

/// Says whether the type is selected, which unknown types always are.
fn is_selected(session: &Session, row: &UnixDiag<'_>) -> bool {
    let tables = session.options.selection.tables;
    match row.kind {
        UnixDiag::STREAM => tables.contains(Table::UnixStream),
        UnixDiag::DGRAM => tables.contains(Table::UnixDgram),
        UnixDiag::SEQPACKET => tables.contains(Table::UnixSeqpacket),
        _ => true,
    }
}

fn show_row(session: &mut Session, row: &UnixDiag<'_>) {
    if !session.is_text() {
        return json::unix(session, row);
    }
    let harmless = (session.out.is_terminal())
        .then(|| harmless_name(row))
        .flatten();
    match harmless {
        None => session.row(|table, view, names| unix::write_row(table, row, view, names)),
        Some(name) => {
            let row = UnixDiag {
                name: Some(&name),
                ..row.clone()
            };
            session.row(|table, view, names| unix::write_row(table, &row, view, names));
        }
    }
}

/// A row of `/proc` that waits for its place.
struct Waiting {
    kind: u32,
    state: u32,
    inode: u32,
    name: Option<Vec<u8>>,
}

/// Shows the rows of `/proc`, which come in no order of their own.
fn show_proc(session: &mut Session) {
    let mut rows = UnixDiagRows::new();
    let mut waiting = Vec::new();
    // Without the file there is nothing to show, and the original says nothing.
    let _ = NET_UNIX.for_each_row(|line| {
        let row = rows.decode(line);
        let states = session.options.selection.states.0;
        if 1_u32.wrapping_shl(row.state) & states == 0
            || !is_selected(session, &row)
            || !dump::is_matched(session, |names, needs| {
                Facts::unix(&row, names, needs).without_ports()
            })
        {
            return;
        }
        waiting.push(Waiting {
            kind: row.kind,
            state: row.state,
            inode: row.inode,
            name: row.name.map(<[u8]>::to_vec),
        });
        if waiting.len() == SORTED_ROWS {
            show_sorted(session, &mut waiting);
        }
    });
    show_sorted(session, &mut waiting);
}

fn show_sorted(session: &mut Session, waiting: &mut Vec<Waiting>) {
    waiting.sort_by_key(|row| (row.kind, row.inode));
    for row in waiting.drain(..) {
        let row = UnixDiag {
            kind: row.kind,
            state: row.state,
            inode: row.inode,
            name: row.name.as_deref(),
            ..UnixDiag::default()
        };
        show_row(session, &row);
    }
}
