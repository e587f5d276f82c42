//! The CLOSE_WAIT sockets of one holder, counted, and whether they are a leak.

use std::collections::BTreeMap;

use plumb_model::Known;
use plumb_model::diag::tcp_info::TcpInfo;
use plumb_model::finding::Evidence;
use plumb_model::snapshot::Socket;

use crate::diagnose::{evidence, subject};

/// From this age on one is old.
const OLD_MS: u64 = 30_000;
/// So many that lived through the whole watch are a leak even when they are young.
const MANY: usize = 20;
/// A command that is run to be looked at has none in the first sample: of it those count that are older than this.
const LASTS_MS: u64 = 300;
/// So many that lived through the watch, with others that came and not one that went, look like one.
const SOME: usize = 5;
/// So many others.
const CAME: usize = 2;
/// So many old ones are a leak.
const SEVERAL_OLD: usize = 3;
/// So old that even one is.
const FORGOTTEN_MS: u64 = 300_000;
/// Whoever closed one of so many during the watch is slow, and does not forget.
const TURNOVER: usize = 8;

/// The CLOSE_WAIT sockets of one process, or of one end.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// Those that were there in the first sample, too, or lasted for long enough.
    lasting: usize,
    /// All there are.
    pub all: usize,
    old: usize,
    oldest_ms: u64,
    unread_bytes: u64,
    /// Those of the first sample.
    pub earlier: usize,
    /// Their local ends.
    pub local: BTreeMap<String, usize>,
    peers: BTreeMap<String, usize>,
    /// The processes that hold them, by place among the owners.
    pub processes: BTreeMap<u32, usize>,
}

impl Kept {
    /// Counts one; `before` is the same socket in the first sample, if it was in CLOSE_WAIT there, which no socket of a
    /// command could be.
    pub fn add(&mut self, socket: &Socket, before: Option<&Socket>, is_command: bool) {
        let age_ms = socket
            .tcp
            .as_ref()
            .map_or(0, |info| u64::from(info.last_ack_recv_ms));
        self.all += 1;
        self.lasting += usize::from(before.is_some() || is_command && age_ms >= LASTS_MS);
        self.old += usize::from(age_ms >= OLD_MS);
        self.oldest_ms = self.oldest_ms.max(age_ms);
        if let Known::Known(unread) = socket.recv_q {
            // The FIN counts as one byte.
            self.unread_bytes += unread.saturating_sub(1);
        }
        if let Some(local) = subject::text(&socket.local) {
            *self.local.entry(local).or_default() += 1;
        }
        if let Some(peer) = socket.peer.inet() {
            let host = peer.ip().to_canonical().to_string();
            *self.peers.entry(host).or_default() += 1;
        }
    }

    /// Says whether they are kept, and not only closed late.
    pub fn is_leak(&self) -> bool {
        self.is_certain() || self.only_grows()
    }

    /// Says whether it is certain that they are.
    pub fn is_certain(&self) -> bool {
        let is_slow = self.closed().saturating_mul(TURNOVER) >= self.earlier.max(1);
        self.lasting >= MANY && !is_slow
            || self.old >= SEVERAL_OLD
            || self.oldest_ms >= FORGOTTEN_MS
    }

    /// Says whether they became more and none was closed, as in a young process that forgets; one that has just begun to
    /// work for longer than the watch on what it was asked looks alike.
    fn only_grows(&self) -> bool {
        self.earlier > 0
            && self.closed() == 0
            && self.lasting >= SOME
            && self.all >= self.lasting + CAME
    }

    fn closed(&self) -> usize {
        self.earlier.saturating_sub(self.lasting)
    }

    /// Gives what speaks for it.
    pub fn evidence(&self) -> Vec<Evidence> {
        let (all, lasting) = (self.all, self.lasting);
        let mut facts = vec![evidence::fact(
            "sock_diag CLOSE_WAIT",
            format!(
                "{all} sockets, {lasting} of them all the time, which began with {}",
                self.earlier
            ),
        )];
        facts.push(evidence::fact(
            "tcp_info.tcpi_last_ack_recv",
            format!(
                "the oldest for at least {} s, {} for more than {} s",
                self.oldest_ms / 1000,
                self.old,
                OLD_MS / 1000
            ),
        ));
        if self.unread_bytes > 0 {
            facts.push(evidence::fact(
                "sock_diag recv-q",
                format!("{} bytes never read", self.unread_bytes),
            ));
        }
        let most = self.peers.iter().max_by_key(|(_, count)| **count);
        if let Some((peer, count)) = most {
            facts.push(evidence::fact(
                "sock_diag peers",
                format!("{count} from {peer}"),
            ));
        }
        facts
    }
}

/// Says whether our side still uses a connection whose other side is closed: it sent since, or has something
/// to send. Whoever asks and then closes his half of the connection waits for just that.
pub(super) fn is_served(socket: &Socket, before: &Socket) -> bool {
    let sent = |info: &Option<Box<TcpInfo>>| info.as_ref().map_or(0, |info| info.data_segs_out);
    sent(&socket.tcp) > sent(&before.tcp) || socket.send_q.ok().is_some_and(|unsent| unsent > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_young_process_that_closes_nothing_leaks_and_one_that_closes_late_does_not() {
        let is_leak = |earlier, lasting, all| {
            let kept = Kept {
                lasting,
                all,
                earlier,
                ..Kept::default()
            };
            (kept.is_leak(), kept.is_certain())
        };
        // Two seconds after it began, at one a second and at twenty.
        assert_eq!(is_leak(10, 10, 12), (true, false));
        assert_eq!(is_leak(10, 10, 58), (true, false));
        assert_eq!(is_leak(20, 20, 22), (true, true));
        // It closed one, it has no more of them, it has a few.
        assert_eq!(is_leak(10, 9, 20), (false, false));
        assert_eq!(is_leak(10, 10, 11), (false, false));
        assert_eq!(is_leak(4, 4, 9), (false, false));
        // Of a command nothing was there to be closed.
        assert_eq!(is_leak(0, 6, 12), (false, false));
    }
}
