//! The totals of `ss -s`: three files, each of which may be elsewhere or not there.

use plumb_model::socket_totals::SocketTotals;
use plumb_wire::proc::totals::{Established, decode_established, decode_totals};
use rustix::io::Errno;

use crate::proc_paths::{self, ProcFile};

const SOCKSTAT: ProcFile = proc_paths::file("PROC_NET_SOCKSTAT", "net/sockstat");
const SOCKSTAT6: ProcFile = proc_paths::file("PROC_NET_SOCKSTAT6", "net/sockstat6");
const SNMP: ProcFile = proc_paths::file("PROC_NET_SNMP", "net/snmp");

/// Totals, and why some are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TotalsRead {
    /// What was read.
    pub totals: SocketTotals,
    /// Why `sockstat` was not; `sockstat6` is not tried then.
    pub sockstat_error: Option<Errno>,
    /// Why `snmp` was not; `ESRCH` when it has no lines of TCP.
    pub snmp_error: Option<Errno>,
}

/// Reads the totals of this network namespace.
pub fn read_totals() -> TotalsRead {
    let mut totals = SocketTotals::default();
    let sockstat_error = read(SOCKSTAT)
        .map(|content| decode_totals(&content, &mut totals))
        .err();
    // Without IPv6 there is no second file, and that is no failure.
    if sockstat_error.is_none()
        && let Ok(content) = read(SOCKSTAT6)
    {
        decode_totals(&content, &mut totals);
    }
    let snmp_error = match read(SNMP).map(|content| decode_established(&content)) {
        Ok(Established::Told(number)) => {
            totals.tcp_established = number;
            None
        }
        Ok(Established::Missing) => Some(Errno::SRCH),
        Err(errno) => Some(errno),
    };
    TotalsRead {
        totals,
        sockstat_error,
        snmp_error,
    }
}

/// Only what cannot be opened is missing: what cannot be read, such as a folder, is empty.
fn read(file: ProcFile) -> Result<Vec<u8>, Errno> {
    crate::proc::read_readable(file.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_totals() {
        let read = read_totals();
        assert_eq!(read.sockstat_error, None);
        assert_eq!(read.snmp_error, None);
        assert!(read.totals.sockets.is_some_and(|sockets| sockets > 0));
        assert!(read.totals.ipv4.tcp.is_some());
    }
}
