//! What outside text passes on its way to a terminal.
//!
//! Names of processes, files, hosts, services, interfaces and cgroups may hold anything. The original
//! prints them as they are; here a pipe gets just that, and a terminal nothing that it would act on.

use std::net::IpAddr;

use plumb_model::diag::unix::UnixDiag;
use plumb_present::sanitize::for_terminal;
use plumb_present::ss::lookup::{Lookup, PortKind};
use plumb_present::ss::unix::shown_name;

use super::lookup::Names;

/// Looks names up and gives them as a terminal may have them.
pub struct Safe<'n> {
    names: &'n mut Names,
    /// The last name that had to be changed.
    changed: Vec<u8>,
}

impl<'n> Safe<'n> {
    /// Wraps the names of a run.
    pub fn new(names: &'n mut Names) -> Self {
        Self {
            names,
            changed: Vec::new(),
        }
    }
}

/// Gives `text`, or its harmless form, which is kept in `changed`.
fn harmless<'a>(text: &'a [u8], changed: &'a mut Vec<u8>) -> &'a [u8] {
    match for_terminal(text) {
        std::borrow::Cow::Borrowed(text) => text,
        std::borrow::Cow::Owned(safe) => {
            *changed = safe;
            changed
        }
    }
}

/// Gives a name of a UNIX socket as the original shows it, harmless; `None` if that is what the row
/// has.
pub fn harmless_name(row: &UnixDiag<'_>) -> Option<Vec<u8>> {
    let shown: Vec<u8> = shown_name(row.name?).collect();
    match for_terminal(&shown) {
        std::borrow::Cow::Borrowed(_) => None,
        std::borrow::Cow::Owned(safe) => Some(safe),
    }
}

impl Lookup for Safe<'_> {
    fn host(&mut self, addr: IpAddr) -> Option<&[u8]> {
        let name = self.names.host(addr)?;
        Some(harmless(name, &mut self.changed))
    }

    fn port(&mut self, kind: PortKind, port: u32) -> Option<&[u8]> {
        let name = self.names.port(kind, port)?;
        Some(harmless(name, &mut self.changed))
    }

    fn interface(&mut self, index: u32) -> &[u8] {
        harmless(self.names.interface(index), &mut self.changed)
    }

    fn append_users(&mut self, out: &mut Vec<u8>, inode: u64) {
        let start = out.len();
        self.names.append_users(out, inode);
        let users = out.split_off(start);
        out.extend_from_slice(&for_terminal(&users));
    }

    fn cgroup(&mut self, id: u64) -> &[u8] {
        harmless(self.names.cgroup(id), &mut self.changed)
    }

    fn process_name(&mut self, pid: u32) -> Option<&[u8]> {
        let name = self.names.process_name(pid)?;
        Some(harmless(name, &mut self.changed))
    }

    fn process_context(&mut self, pid: u32) -> &[u8] {
        harmless(self.names.process_context(pid), &mut self.changed)
    }

    fn netlink_protocol(&mut self, protocol: u32) -> Option<&[u8]> {
        let name = self.names.netlink_protocol(protocol)?;
        Some(harmless(name, &mut self.changed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_a_terminal_would_act_on_are_changed_and_no_others() {
        let mut changed = Vec::new();
        assert_eq!(harmless(b"lo", &mut changed), b"lo");
        assert_eq!(harmless(b"\x1b[2J", &mut changed), br"\x1b[2J");
        let named = |name| UnixDiag {
            name: Some(name),
            ..UnixDiag::default()
        };
        assert_eq!(harmless_name(&named(b"\0a\0b")), None, "@a@b is harmless");
        assert_eq!(
            harmless_name(&named(b"/a\n\0\x1b")).as_deref(),
            Some(&br"/a\x0a"[..])
        );
    }
}
