//! What explains that connections wait: rows of timeouts that ended, and how much of what comes rules of this host throw away by
//! chance (`numgen`, `statistic`). Such a rule is a way that loses packets, and the kernel tells each packet that it was
//! (skb:kfree_skb, NETFILTER_DROP).
//!
//! Of rules that go by something else `firewall-drop` tells. Which of several rules threw a packet away is not known, so
//! nothing is said where not all go by chance, or where one meets what leaves.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use plumb_model::firewall::Refuser;

use super::flow::lasting;
use super::rows::Ended;
use super::turned_away::TCP;
use super::{Case, sockets};

/// `NF_INET_PRE_ROUTING`, which is `NF_NETDEV_INGRESS` as well, and `NF_INET_LOCAL_IN`.
const EARLY: u32 = 0;
const LOCAL_IN: u32 = 1;
/// Fewer packets make no share.
const SEVERAL: u64 = 8;

/// What came from one host while it was watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Came {
    /// Segments that TCP had.
    pub heard: u64,
    /// Packets that were thrown away before.
    pub thrown_away: u64,
}

impl Came {
    /// Gives the share that was thrown away, from 0 to 1; `None` where too little came.
    pub fn share(self) -> Option<f64> {
        let all = self.heard.saturating_add(self.thrown_away);
        #[expect(clippy::cast_precision_loss, reason = "packets of a watch")]
        let share = self.thrown_away as f64 / all as f64;
        (self.thrown_away >= SEVERAL).then_some(share)
    }
}

/// Gives the rows of timeouts that ended, of the connections that lasted, and how much is known to be lost of what comes.
pub(super) fn ended_rows(case: &Case<'_>) -> Ended {
    let ended = Ended::of(lasting(case).filter_map(|flow| Some((flow.host()?, flow.is))));
    let came = thrown_away(case).into_iter();
    ended.beside(came.filter_map(|(host, came)| Some((host, came.share()?))))
}

/// Gives what came from each host, on connections that lasted, of whose packets some were thrown away by chance.
pub(super) fn thrown_away(case: &Case<'_>) -> BTreeMap<IpAddr, Came> {
    let mut by_host: BTreeMap<IpAddr, Came> = BTreeMap::new();
    let rules = &case.span.after.refusers;
    if !case.span.after.refuses_by_chance() || !rules.iter().all(meets_what_comes) {
        return by_host;
    }
    let heard = case.notices.strays.iter().chain(&case.notices.filtered);
    let mut counts: HashMap<_, u64> = HashMap::new();
    for packets in heard.filter(|packets| packets.protocol == TCP) {
        let ends = (sockets::plain(packets.local), sockets::plain(packets.peer));
        *counts.entry(ends).or_default() += packets.count;
    }
    for flow in lasting(case) {
        let ends = flow.after.local.inet().zip(flow.after.peer.inet());
        let Some((local, peer)) = ends else { continue };
        let peer = sockets::plain(peer);
        let came = by_host.entry(peer.ip()).or_default();
        came.heard += u64::from(flow.is.segs_in.wrapping_sub(flow.was.segs_in));
        let thrown_away = counts.get(&(sockets::plain(local), peer));
        came.thrown_away += thrown_away.copied().unwrap_or(0);
    }
    by_host.retain(|_, came| came.thrown_away > 0);
    by_host
}

fn meets_what_comes(rule: &Refuser) -> bool {
    match rule.hook {
        Some(EARLY) => true,
        Some(LOCAL_IN) => rule.family != "netdev",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use plumb_model::diag::tcp_info::TcpInfo;
    use plumb_model::finding::Severity;
    use plumb_model::firewall::Verdict;
    use plumb_model::id::Cookie;
    use plumb_model::known::Known;
    use plumb_model::notice::{Filtered, Notices};
    use plumb_model::sample::Sample;
    use plumb_model::snapshot::End;

    use super::super::loss::LOSS;
    use super::super::loss::tests::short_of_processors;
    use super::*;
    use crate::made_up;

    /// What is found where a rule throws so many packets away of a connection that goes on, beside one that only repeats
    /// itself.
    fn found(
        thrown_away: u64,
        rule: &Refuser,
        is_short: bool,
    ) -> Vec<(&'static str, Severity, String)> {
        found_beside(thrown_away, rule, is_short, 5)
    }

    /// The same, after so many timeouts in a row of the other.
    fn found_beside(
        thrown_away: u64,
        rule: &Refuser,
        is_short: bool,
        row: u8,
    ) -> Vec<(&'static str, Severity, String)> {
        let sample = |at_us, is_later: bool| {
            let later = u32::from(is_later);
            let goes_on = TcpInfo {
                data_segs_out: 20_000 + later * 4_000,
                bytes_acked: 20_000_000 + u64::from(later) * 4_000_000,
                segs_in: 600 + later * 100,
                ..TcpInfo::default()
            };
            let silent = TcpInfo {
                snd_mss: 1448,
                unacked: u32::from(row) * 16,
                backoff: row,
                retransmits: row,
                total_retrans: u32::from(row) + 1,
                total_rto: row.into(),
                total_rto_recoveries: u16::from(row > 0),
                data_segs_out: 380,
                bytes_acked: 400_000,
                segs_in: 20,
                last_ack_recv_ms: 9_000,
                ..TcpInfo::default()
            };
            let place = if is_short {
                short_of_processors(is_later)
            } else {
                Sample::default()
            };
            let mut snapshot = made_up::sample(at_us, &goes_on).snapshot;
            let mut other = made_up::connection(&silent);
            other.cookie = Known::Known(Cookie(8));
            other.local = End::Inet(([10, 0, 0, 1], 40_001).into());
            snapshot.sockets.push(other);
            Sample {
                at_us,
                snapshot,
                refusers: vec![rule.clone()],
                ..place
            }
        };
        let (before, after) = (sample(1_000_000, false), sample(3_000_000, true));
        let heard = Notices {
            strays: vec![Filtered {
                protocol: TCP,
                local: ([10, 0, 0, 1], 40_000).into(),
                peer: ([10, 0, 0, 2], 80).into(),
                count: thrown_away,
            }],
            ..Notices::default()
        };
        let found = made_up::found(&before, &after, &heard).into_iter();
        found
            .map(|found| (found.kind, found.severity, found.summary))
            .collect()
    }

    fn by_chance(hook: u32) -> Refuser {
        Refuser {
            by_chance: true,
            hook: Some(hook),
            ..made_up::rule("in", Verdict::Drop)
        }
    }

    #[test]
    fn answers_that_a_rule_throws_away_by_chance_are_lost_and_who_waits_for_them_is_not_half_open()
    {
        for is_short in [false, true] {
            let told = found(233, &by_chance(EARLY), is_short);
            assert_eq!(told.len(), 1, "{told:?}");
            assert_eq!((told[0].0, told[0].1), (LOSS, Severity::Warning));
            let summary = "acknowledgements of 10.0.0.2 are lost on their way to us";
            assert!(told[0].2.starts_with(summary), "{told:?}");
        }
    }

    #[test]
    fn answers_that_are_thrown_away_are_info_where_the_next_says_the_same_in_time() {
        let told = |thrown_away| {
            let found = found_beside(thrown_away, &by_chance(EARLY), false, 0).into_iter();
            let told = found.map(|(kind, severity, _)| (kind, severity));
            told.collect::<Vec<_>>()
        };
        assert_eq!(told(233), [(LOSS, Severity::Info)]);
        assert_eq!(told(11), []);
    }

    #[test]
    fn a_rule_that_throws_few_away_or_meets_what_leaves_explains_no_silence() {
        let kinds = |thrown_away, rule: &Refuser| {
            let told = found(thrown_away, rule, false).into_iter();
            told.map(|(kind, ..)| kind).collect::<Vec<_>>()
        };
        assert_eq!(kinds(11, &by_chance(EARLY)), ["half-open-peer"]);
        // NF_INET_LOCAL_OUT.
        assert_eq!(kinds(233, &by_chance(3)), ["half-open-peer"]);
        let rule = Refuser {
            by_chance: false,
            ..by_chance(EARLY)
        };
        assert_eq!(kinds(233, &rule), ["half-open-peer"]);
    }
}
