//! Rows of UNIX domain sockets.

use plumb_model::diag::unix::{UnixDiag, UnixFile};

use super::front::{Front, write_front};
use super::layout::{Column, Table};
use super::lookup::Lookup;
use super::skmem::write_skmem;
use super::view::View;
use crate::text::{Decimal, put};

/// Gives the name of a table; types of other tables are taken for datagrams.
pub fn netid(kind: u32) -> &'static str {
    match kind {
        UnixDiag::STREAM => "u_str",
        UnixDiag::SEQPACKET => "u_seq",
        _ => "u_dgr",
    }
}

/// Writes a row.
pub fn write_row(table: &mut Table, row: &UnixDiag<'_>, view: &View, lookup: &mut dyn Lookup) {
    let front = Front {
        netid: netid(row.kind),
        state: row.state,
        recv_q: row.queues.map_or(0, |queues| queues.recv),
        send_q: row.queues.map_or(0, |queues| queues.send),
    };
    write_front(table, front, view);
    let cell = table.cell();
    match row.name {
        Some(name) => write_name(cell, name),
        None => cell.push(b'*'),
    }
    cell.push(b' ');
    table.next();
    write_inode(table.cell(), row.inode, view);
    table.next();
    table.cell().extend_from_slice(b"* ");
    table.next();
    write_inode(table.cell(), row.peer.unwrap_or(0), view);
    table.next();
    if view.owners || view.contexts {
        lookup.append_users(table.cell(), u64::from(row.inode));
    }
    if view.release.since(6, 8) {
        table.go_to_column(Column::Rest);
    }
    write_extras(table.cell(), row, view);
}

/// Gives a name as it is shown and matched: one that begins with NUL is abstract and has `@` for
/// every NUL, any other ends at its first NUL. All other bytes stay as they are.
pub fn shown_name(name: &[u8]) -> impl Iterator<Item = u8> {
    let abstract_name = name.first() == Some(&0);
    name.iter()
        .take_while(move |&&byte| abstract_name || byte != 0)
        .map(|&byte| if byte == 0 { b'@' } else { byte })
}

fn write_name(out: &mut Vec<u8>, name: &[u8]) {
    out.extend(shown_name(name));
}

/// Appends an inode, before 6.6 with a sign.
fn write_inode(out: &mut Vec<u8>, inode: u32, view: &View) {
    if inode > i32::MAX.cast_unsigned() && !view.release.since(6, 6) {
        put(out, format_args!("{}", inode.cast_signed()));
    } else {
        out.extend_from_slice(Decimal::new(u64::from(inode)).as_bytes());
    }
}

/// Appends everything behind the owners.
fn write_extras(out: &mut Vec<u8>, row: &UnixDiag<'_>, view: &View) {
    if view.memory
        && let Some(memory) = &row.memory
    {
        write_skmem(out, memory);
    }
    if !view.details {
        return;
    }
    if let Some(shutdown) = row.shutdown {
        let receive = if shutdown & 1 != 0 { '-' } else { '<' };
        let send = if shutdown & 2 != 0 { '-' } else { '>' };
        put(out, format_args!(" {receive}-{send}"));
    }
    if let Some(file) = row.file {
        write_file(out, file);
    }
    if let Some(incoming) = &row.incoming {
        out.extend_from_slice(b" peers:");
        for inode in incoming {
            put(out, format_args!(" {inode}"));
        }
    }
}

/// Appends where the name is in the file system. The kernel's device number is taken apart as if it
/// were one of user space, which mixes up its halves.
fn write_file(out: &mut Vec<u8>, file: UnixFile) {
    let UnixFile { inode, device } = file;
    let major = device >> 8 & 0xfff;
    let minor = device & 0xff | device >> 12 & 0xf_ff00;
    put(out, format_args!(" ino:{inode} dev:{major}/{minor}"));
}

#[cfg(test)]
mod tests {
    use plumb_model::diag::unix::UnixQueues;

    use super::super::test_rows::row_text;
    use super::super::view::Release;
    use super::*;

    fn text(row: &UnixDiag<'_>, view: &View) -> String {
        row_text(view, |table, lookup| write_row(table, row, view, lookup))
    }

    #[test]
    fn details_follow_the_owners() {
        // The original printed the same for the same message.
        let row = UnixDiag {
            kind: 1,
            state: 10,
            inode: 77,
            name: Some(b"/run/a\0"),
            file: Some(UnixFile {
                inode: 9,
                device: 0x0fe0_0001,
            }),
            peer: Some(5),
            incoming: Some(vec![5, 6]),
            queues: Some(UnixQueues { recv: 2, send: 128 }),
            shutdown: Some(1),
            ..UnixDiag::default()
        };
        let view = View {
            details: true,
            owners: true,
            ..View::default()
        };
        assert_eq!(
            text(&row, &view),
            "u_str LISTEN 2      128    /run/a 77 * 5 users:((\"init\",pid=7,fd=3)) --> ino:9 \
             dev:0/65025 peers: 5 6"
        );
    }

    #[test]
    fn names_are_shown_byte_by_byte() {
        let shown = |name: &'static [u8]| {
            let row = UnixDiag {
                name: Some(name),
                ..UnixDiag::default()
            };
            let text = text(&row, &View::default());
            let (_, name) = text.split_at("u_dgr UNKNOWN 0      0      ".len());
            name.to_owned()
        };
        assert_eq!(shown(b"\0abs\0q\0"), "@abs@q@ 0 * 0");
        assert_eq!(shown(b"/a\0b"), "/a 0 * 0");
        assert_eq!(shown(b""), " 0 * 0");
        assert_eq!(shown(b"with blank\n"), "with blank\n 0 * 0");
    }

    #[test]
    fn large_inodes_are_negative_before_6_6() {
        let row = UnixDiag {
            kind: 2,
            state: 7,
            inode: u32::MAX,
            ..UnixDiag::default()
        };
        assert!(text(&row, &View::default()).ends_with(" * -1 * 0"));
        let newer = View {
            release: Release::new(6, 6),
            ..View::default()
        };
        assert!(text(&row, &newer).ends_with(" * 4294967295 * 0"));
    }
}
