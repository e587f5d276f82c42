//! Attempts at one local end that were turned down: how often, how long, by whom.
//!
//! One attempt is chance, and so are several at once: a name with several addresses, a scan. What goes on is
//! kept up. Whoever checks whether a server is there does so about once a second and expects a no, which is
//! worth knowing and no trouble; whoever wants the server is faster.

use std::collections::BTreeMap;
use std::net::IpAddr;

use plumb_model::finding::Severity;
use plumb_model::notice::Notice;

use super::sockets;

/// So many attempts are kept up, however short the time …
const SEVERAL: u64 = 3;
/// … and so are two with so much time between, microseconds.
const APART_US: u64 = 500_000;
/// Attempts a second of one host that are no check of whether somebody is there.
const URGENT_PER_S: u64 = 2;

/// Attempts at one local end.
#[derive(Debug, Default, Clone)]
pub(super) struct Tries {
    /// How many.
    pub count: u64,
    /// How long before the end of the watch the first was, microseconds.
    pub age_us: u64,
    last_age_us: u64,
    /// How many by each host.
    pub peers: BTreeMap<IpAddr, u64>,
}

impl Tries {
    /// Counts what was noticed.
    pub fn add(&mut self, notice: &Notice) {
        self.age_us = self.age_us.max(notice.age_us);
        self.last_age_us = if self.count == 0 {
            notice.last_age_us
        } else {
            self.last_age_us.min(notice.last_age_us)
        };
        self.count += notice.count;
        let peer = notice.peer.ip().to_canonical();
        *self.peers.entry(peer).or_default() += notice.count;
    }

    /// Adds those of another kind at the same end.
    pub fn join(&mut self, others: &Self) {
        self.last_age_us = match (self.count, others.count) {
            (0, _) => others.last_age_us,
            (_, 0) => self.last_age_us,
            _ => self.last_age_us.min(others.last_age_us),
        };
        self.age_us = self.age_us.max(others.age_us);
        self.count += others.count;
        for (peer, count) in &others.peers {
            *self.peers.entry(*peer).or_default() += count;
        }
    }

    /// Says whether somebody keeps trying.
    pub fn are_kept_up(&self) -> bool {
        self.count >= SEVERAL || self.count > 1 && self.lasted_us() >= APART_US
    }

    /// Says how bad it is: a warning when somebody tries fast.
    pub fn severity(&self) -> Severity {
        let most = sockets::most(&self.peers).map_or(0, |(_, most)| most);
        let between = most.saturating_sub(1).saturating_mul(1_000_000);
        if most >= SEVERAL && between >= URGENT_PER_S.saturating_mul(self.lasted_us()) {
            Severity::Warning
        } else {
            Severity::Info
        }
    }

    /// Names the host that tried most.
    pub fn who(&self) -> String {
        sockets::most(&self.peers).map_or_else(String::new, |(peer, _)| peer.to_string())
    }

    /// Names the one host that tried; `None` where there are several.
    pub fn only_peer(&self) -> Option<String> {
        let mut peers = self.peers.keys();
        peers
            .next()
            .filter(|_| self.peers.len() == 1)
            .map(IpAddr::to_string)
    }

    /// Says who tried how often, of the first few.
    pub fn words(&self) -> String {
        let peers: Vec<String> = self
            .peers
            .iter()
            .map(|(peer, count)| format!("{count} from {peer}"))
            .take(5)
            .collect();
        peers.join(", ")
    }

    fn lasted_us(&self) -> u64 {
        self.age_us.saturating_sub(self.last_age_us)
    }
}

#[cfg(test)]
mod tests {
    use plumb_model::notice::{Direction, What};

    use super::*;

    fn tries(moments_ms: &[u64], peers: u8) -> Tries {
        let mut tries = Tries::default();
        for peer in 1..=peers {
            for moment in moments_ms {
                tries.add(&Notice {
                    what: What::Refusal,
                    direction: Direction::Sent,
                    protocol: 6,
                    local: ([10, 0, 0, 1], 80).into(),
                    peer: ([10, 0, 0, 100 + peer], 5000).into(),
                    interface: 1,
                    count: 1,
                    age_us: (9_000 - moment) * 1000,
                    last_age_us: (9_000 - moment) * 1000,
                });
            }
        }
        tries
    }

    #[test]
    fn once_and_twice_at_once_are_chance() {
        assert!(!tries(&[0], 1).are_kept_up());
        assert!(!tries(&[0, 4], 1).are_kept_up());
        assert!(tries(&[0, 1000], 1).are_kept_up());
        assert!(tries(&[0, 1, 2], 1).are_kept_up());
    }

    #[test]
    fn a_check_each_second_is_no_trouble_and_a_client_in_a_hurry_is() {
        let checks: Vec<u64> = (0..6).map(|second| second * 1000).collect();
        assert_eq!(tries(&checks, 1).severity(), Severity::Info);
        // Three balancers, each once a second.
        assert_eq!(tries(&checks, 3).severity(), Severity::Info);
        assert_eq!(tries(&[0, 300, 600], 1).severity(), Severity::Warning);
        assert_eq!(tries(&[0, 1, 2], 1).severity(), Severity::Warning);
    }
}
