//! The tables of `/proc/net`, where sock_diag refuses or a variable names another file.

use plumb_collect::proc_paths::{self, ProcFile};
use plumb_model::diag::inet::Protocol;
use plumb_model::socket::IpVersion;
use plumb_wire::proc::ss_inet::InetLines;

use super::Listing;
use crate::ss::options::selection::Family;

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
    // Without a whole IPv4 file the other one is not looked at.
    if families.contains(Family::Inet) && !show_file(listing, v4, IpVersion::V4) {
        return;
    }
    if families.contains(Family::Inet6) {
        show_file(listing, v6, IpVersion::V6);
    }
}

/// Shows the rows of one file; says whether it could be opened and ends with a whole line.
fn show_file(listing: &mut Listing<'_>, file: ProcFile, version: IpVersion) -> bool {
    let Ok(text) = std::fs::read(file.path()) else {
        return false;
    };
    let protocol = match listing.protocol {
        Protocol::IPPROTO_RAW => Protocol::RAW,
        protocol => protocol,
    };
    let mut lines = InetLines::new(&text, protocol, version);
    for found in &mut lines {
        let states = listing.session.options.selection.states;
        if u8::try_from(found.selected_as).is_ok_and(|state| states.contains(state)) {
            listing.show_matching(&found.row);
        }
    }
    !lines.is_cut()
}
