//! Dumps of Internet sockets that give each socket once, although the table changes meanwhile.
//!
//! Between two datagrams inet_diag remembers its place as a bucket of the hash table and a count in it,
//! and never says that the bucket changed. A socket that comes into the bucket makes it repeat another,
//! one that leaves makes it skip another. So repeated rows are dropped by cookie; and where sockets came
//! or went during a dump of more than one datagram, the table is dumped again for what was skipped.
//! What came in the first dump stays in its order, the rest follows.

use plumb_wire::netlink::inet_diag::cookie;
use plumb_wire::proc::snmp::decode_paired_counters;
use plumb_wire::proc::sockstat::{decode_sockstat, find_counter};

use super::{Dump, DumpError, Step, Summary};
use crate::proc;

/// A first datagram of so many bytes may be followed by others with rows; a page holds what is shorter.
const FULL_BYTES: usize = 3000;

/// Where the protocol stands in a request (`struct inet_diag_req_v2`), and that of SCTP: its rows are
/// associations, of which one socket has many, all with its cookie.
const PROTOCOL_AT: usize = 17;
const SCTP: u8 = 132;

/// Dumps the sockets that an encoded request asks for, in this thread's network namespace; associations
/// of SCTP as the kernel gives them.
///
/// A table that fits into one datagram is asked for once, and costs one system call more than
/// [`Dump::send`] and [`Dump::read`].
pub fn read(request: &[u8], mut each: impl FnMut(Step<'_>)) -> Result<Summary, DumpError> {
    let mut dump = Dump::send(request).map_err(DumpError::Refused)?;
    if request.get(PROTOCOL_AT) == Some(&SCTP) {
        return dump.read(each);
    }
    let mut before = None;
    if dump.first_bytes() >= FULL_BYTES {
        // Changes must be counted from before the dump, so it begins again.
        before = Some(Marks::read());
        dump = Dump::send(request).map_err(DumpError::Refused)?;
    }
    let mut recent = Recent::default();
    let mut seen = Vec::new();
    let mut summary = dump.read(|step| match step {
        Step::Message(payload) => {
            let cookie = cookie(payload);
            if cookie.is_some_and(|cookie| !recent.insert(cookie)) {
                return;
            }
            seen.extend(cookie.filter(|_| before.is_some()));
            each(step);
        }
        Step::BatchEnd => each(step),
    })?;
    if before.is_some_and(|before| before.have_moved()) {
        seen.sort_unstable();
        let mut recent = Recent::default();
        let again = Dump::send(request).map_err(DumpError::BrokenOff)?;
        let again = again.read(|step| match step {
            Step::Message(payload) => {
                let is_new = cookie(payload).is_some_and(|cookie| {
                    seen.binary_search(&cookie).is_err() && recent.insert(cookie)
                });
                if is_new {
                    each(step);
                }
            }
            Step::BatchEnd => each(step),
        })?;
        summary.interrupted |= again.interrupted;
    }
    Ok(summary)
}

/// What the kernel counts of sockets that come and go in a network namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marks([Option<u64>; 9]);

impl Marks {
    /// Reads the counters of the thread's namespace.
    pub(crate) fn read() -> Self {
        // Of the thread, which may be in another namespace than the process.
        let sockstat = proc::read_file("/proc/thread-self/net/sockstat").unwrap_or_default();
        let snmp = proc::read_file("/proc/thread-self/net/snmp").unwrap_or_default();
        let snmp = decode_paired_counters(&snmp);
        let tcp = snmp.blocks.iter().find(|block| block.name == b"Tcp");
        let sockstat = decode_sockstat(&sockstat);
        let held = |protocol, name| find_counter(&sockstat, protocol, name);
        let happened = |name: &[u8]| {
            let counter = tcp?.counters.iter().find(|counter| counter.name == name)?;
            Some(counter.value)
        };
        Self([
            held("TCP", "inuse"),
            held("TCP", "orphan"),
            held("TCP", "tw"),
            held("UDP", "inuse"),
            happened(b"ActiveOpens"),
            happened(b"PassiveOpens"),
            happened(b"AttemptFails"),
            happened(b"EstabResets"),
            happened(b"CurrEstab"),
        ])
    }

    /// Says whether anything came or went since; also when that cannot be known.
    pub(crate) fn have_moved(&self) -> bool {
        let now = Self::read();
        now != *self || now.0.contains(&None)
    }
}

/// Cookies of the last rows: a row is repeated within its bucket of the hash table, so soon or never.
struct Recent(Vec<[u64; Self::WAYS]>);

impl Default for Recent {
    fn default() -> Self {
        Self(vec![[0; Self::WAYS]; Self::SETS])
    }
}

impl Recent {
    const SETS: usize = 2048;
    const WAYS: usize = 4;

    /// Remembers a cookie; false when it is remembered already. Zero is none.
    fn insert(&mut self, cookie: u64) -> bool {
        // Cookies are handed out one after the other, so neighbours are spread evenly.
        let place = usize::try_from(cookie).unwrap_or(0) % Self::SETS;
        let Some(ways) = self.0.get_mut(place) else {
            return true;
        };
        if cookie == 0 {
            return true;
        }
        if ways.contains(&cookie) {
            return false;
        }
        ways.rotate_right(1);
        if let Some(first) = ways.first_mut() {
            *first = cookie;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_lately_is_known() {
        let mut recent = Recent::default();
        assert!(recent.insert(7));
        assert!(!recent.insert(7));
        for cookie in 8..1000 {
            assert!(recent.insert(cookie));
        }
        assert!(!recent.insert(7));
        assert!(!recent.insert(999));
    }

    #[test]
    fn rows_without_a_cookie_are_all_shown() {
        let mut recent = Recent::default();
        assert!(recent.insert(0) && recent.insert(0));
    }

    #[test]
    fn this_machine_counts_what_comes_and_goes() {
        assert!(!Marks::read().0.contains(&None));
    }
}
