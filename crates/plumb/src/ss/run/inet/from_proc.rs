//! The tables of `/proc/net`, where sock_diag refuses or a variable names another file.

use std::fs::File;
use std::io::{BufRead as _, BufReader};

use plumb_collect::proc_paths::{self, ProcFile};
use plumb_model::diag::inet::{AF_INET, AF_INET6, Protocol};

use super::Listing;
use crate::ss::options::selection::Family;

/// The longest line that is read; one that does not end in it ends the table.
const LINE_BYTES: usize = 255;

/// The files of a protocol, IPv4 and IPv6, and their variables.
fn files(protocol: Protocol) -> Option<[ProcFile; 2]> {
    let file = proc_paths::file;
    Some(match protocol {
        Protocol::TCP => [
            file("PROC_NET_TCP", "net/tcp"),
            file("PROC_NET_TCP6", "net/tcp6"),
        ],
        Protocol::UDP => [
            file("PROC_NET_UDP", "net/udp"),
            file("PROC_NET_UDP6", "net/udp6"),
        ],
        Protocol::IPPROTO_RAW => [
            file("PROC_NET_RAW", "net/raw"),
            file("PROC_NET_RAW6", "net/raw6"),
        ],
        _ => return None,
    })
}

/// Says whether the variables of the environment forbid to ask the kernel.
pub fn is_wanted(protocol: Protocol) -> bool {
    match files(protocol) {
        Some([v4, _]) => v4.is_moved(),
        None => std::env::var_os("PROC_ROOT").is_some(),
    }
}

/// Shows the rows of both files, of the families and states that are selected.
pub fn show(listing: &mut Listing<'_>) {
    let Some([v4, v6]) = files(listing.protocol) else {
        return;
    };
    let families = listing.session.options.selection.families;
    if families.contains(Family::Inet) {
        show_file(listing, v4, AF_INET);
    }
    if families.contains(Family::Inet6) {
        show_file(listing, v6, AF_INET6);
    }
}

fn show_file(listing: &mut Listing<'_>, file: ProcFile, family: u8) {
    let Ok(file) = File::open(file.path()) else {
        return;
    };
    let mut file = BufReader::new(file);
    let mut line = Vec::with_capacity(LINE_BYTES);
    let mut first = true;
    loop {
        line.clear();
        let read = std::io::Read::take(&mut file, LINE_BYTES as u64).read_until(b'\n', &mut line);
        if read.is_err() || line.pop() != Some(b'\n') {
            return;
        }
        if std::mem::take(&mut first) {
            continue;
        }
        let Some(row) = decode_line(&line, family) else {
            return;
        };
        let states = listing.session.options.selection.states;
        if u8::try_from(row.state).is_ok_and(|state| states.contains(state)) {
            listing.show_matching(&row);
        }
    }
}

fn decode_line<'l>(_line: &'l [u8], _family: u8) -> Option<plumb_model::diag::inet::InetDiag<'l>> {
    None
}
