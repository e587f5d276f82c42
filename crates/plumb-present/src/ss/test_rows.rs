//! One row as text, for the tests of the presenters.

use std::net::IpAddr;

use super::layout::{Alignment, COLUMNS, Layout, Table};
use super::lookup::{Lookup, PortKind};
use super::view::View;

/// Lays out one row without header; blanks at its end are left out.
pub(super) fn row_text(view: &View, write: impl FnOnce(&mut Table, &mut dyn Lookup)) -> String {
    let mut table = Table::new(Layout {
        enabled: [true; COLUMNS],
        alignment: Alignment::Compact,
        release: view.release,
    });
    table.begin_row(&mut |_| {});
    write(&mut table, &mut Answers);
    let mut text = Vec::new();
    table.flush(&mut |piece| text.extend_from_slice(piece));
    String::from_utf8_lossy(&text).trim_end().to_owned()
}

/// A machine with one interface (2, `eth0`), one process (7, `init`) and one netlink protocol.
struct Answers;

impl Lookup for Answers {
    fn host(&mut self, _: IpAddr) -> Option<&[u8]> {
        None
    }

    fn port(&mut self, _: PortKind, _: u32) -> Option<&[u8]> {
        None
    }

    fn interface(&mut self, index: u32) -> &[u8] {
        if index == 2 { b"eth0" } else { b"if9" }
    }

    fn append_users(&mut self, out: &mut Vec<u8>, inode: u64) {
        if inode == 77 {
            out.extend_from_slice(b" users:((\"init\",pid=7,fd=3))");
        }
    }

    fn cgroup(&mut self, _: u64) -> &[u8] {
        b"/"
    }

    fn process_name(&mut self, pid: u32) -> Option<&[u8]> {
        (pid == 7).then_some(b"init")
    }

    fn process_context(&mut self, _: u32) -> &[u8] {
        b"unavailable"
    }

    fn netlink_protocol(&mut self, protocol: u32) -> Option<&[u8]> {
        (protocol == 0).then_some(b"rtnl")
    }
}
