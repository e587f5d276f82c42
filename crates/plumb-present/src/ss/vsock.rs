//! Rows of vsock sockets.

use plumb_model::diag::vsock::{VsockDiag, VsockEndpoint};

use super::front::{Front, write_front};
use super::layout::Table;
use super::lookup::Lookup;
use super::view::View;
use crate::text::put;

/// Gives the name of a table.
pub fn netid(kind: u8) -> &'static str {
    match kind {
        VsockDiag::STREAM => "v_str",
        VsockDiag::DGRAM => "v_dgr",
        _ => "???",
    }
}

/// Writes a row.
pub fn write_row(table: &mut Table, row: &VsockDiag, view: &View, lookup: &mut dyn Lookup) {
    let front = Front {
        netid: netid(row.kind),
        state: u32::from(row.state),
        recv_q: 0,
        send_q: 0,
    };
    write_front(table, front, view);
    for end in [row.local, row.peer] {
        write_number(table.cell(), end.cid);
        table.cell().push(b':');
        table.next();
        write_number(table.cell(), end.port);
        table.next();
    }
    if view.owners || view.contexts {
        lookup.append_users(table.cell(), u64::from(row.inode));
    }
}

fn write_number(out: &mut Vec<u8>, number: u32) {
    if number == VsockEndpoint::ANY {
        out.push(b'*');
    } else {
        put(out, format_args!("{number}"));
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_rows::row_text;
    use super::*;

    #[test]
    fn any_is_a_star() {
        // The original printed the same for the same message.
        let end = |cid, port| VsockEndpoint { cid, port };
        let row = VsockDiag {
            kind: 1,
            state: 10,
            shutdown: 0,
            local: end(VsockEndpoint::ANY, 1024),
            peer: end(3, VsockEndpoint::ANY),
            inode: 77,
            cookie: 1,
        };
        let view = View {
            owners: true,
            ..View::default()
        };
        assert_eq!(
            row_text(&view, |table, lookup| write_row(table, &row, &view, lookup)),
            "v_str LISTEN 0      0      *:1024 3:* users:((\"init\",pid=7,fd=3))"
        );
    }
}
