//! Families other than IPv4 and IPv6: their tables are gone from the kernels people run, and so
//! only the absence is told, in the original's words and on the streams it uses.

use plumb_collect::proc::read_file;

use super::say;
use crate::netstat::options::Family;
use crate::netstat::session::Session;

/// Exit status for a family that has no routes at all.
const NO_ROUTES: u8 = 3;

/// Says that `family` has no routing table here.
pub fn run(session: &mut Session, family: Family) -> u8 {
    let path = match family {
        Family::Ipx => "/proc/net/ipx_route",
        Family::Ax25 => "/proc/net/ax25_route",
        Family::X25 => "/proc/net/x25_routes",
        Family::Netrom => "/proc/net/nr_nodes",
        Family::Rose => "/proc/net/rose_nodes",
        Family::Ddp => "/proc/net/atalk_route",
        Family::Bluetooth => {
            session.complain(b"Address family `bluetooth' not supported.\n");
            return NO_ROUTES;
        }
        Family::Inet | Family::Inet6 | Family::Unix | Family::Econet | Family::Ash => {
            let name = family.name();
            session.complain(format!("No routing for address family `{name}'.\n").as_bytes());
            return NO_ROUTES;
        }
    };
    if read_file(path).is_ok() {
        session.complain(format!("netstat: show {path}: not implemented\n").as_bytes());
    } else {
        tell_absence(session, family);
    }
    1
}

fn tell_absence(session: &mut Session, family: Family) {
    let (complaint, sentence): (&[u8], &str) = match family {
        Family::Ipx => (
            b"No such file or directory\n",
            "IPX routing not in file /proc/net/ipx/route or /proc/net/ipx_route found.\n",
        ),
        Family::Ax25 => (
            b"/proc/net/ax25_route: No such file or directory\n",
            "AX.25 not configured in this system.\n",
        ),
        Family::X25 => (b"", "X.25 not configured in this system.\n"),
        // The C library's perror, called twice, forgets the first error where standard error is
        // open for writing alone.
        Family::Netrom if stderr_is_readable() => (
            b"/proc/net/nr_nodes: No such file or directory\n\
              /proc/net/nr_neigh: No such file or directory\n",
            "NET/ROM not configured in this system.\n",
        ),
        Family::Netrom => (
            b"/proc/net/nr_nodes: No such file or directory\n\
              /proc/net/nr_neigh: Invalid argument\n",
            "NET/ROM not configured in this system.\n",
        ),
        Family::Rose => (
            b"/proc/net/rose_nodes: No such file or directory\n\
              ROSE not configured in this system.\n",
            "",
        ),
        Family::Ddp => (
            b"Error opening /proc/net/atalk_route: No such file or directory\n\
              DDP (AppleTalk) not configured on this system.\n",
            "",
        ),
        Family::Inet
        | Family::Inet6
        | Family::Unix
        | Family::Econet
        | Family::Ash
        | Family::Bluetooth => return,
    };
    if !complaint.is_empty() {
        session.complain(complaint);
    }
    if !sentence.is_empty() {
        say(session, sentence);
    }
}

/// Says whether standard error can also be read, as a terminal can.
fn stderr_is_readable() -> bool {
    rustix::fs::fcntl_getfl(rustix::stdio::stderr())
        .is_ok_and(|flags| flags.contains(rustix::fs::OFlags::RDWR))
}
