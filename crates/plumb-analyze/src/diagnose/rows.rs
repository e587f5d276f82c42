//! Rows of retransmission timeouts on one connection: how many by now, and whether losses explain them.
//!
//! A row is what expires until something new is acknowledged (`tcpi_retransmits`). An ICMP error takes its backoff back
//! (RFC 6069), so `tcpi_backoff` alone may be short of it. The kernel counts the rows (`tcpi_total_rto_recoveries`, the
//! present one included) and all timeouts (`tcpi_total_rto`, Linux 6.7), so how often a repetition went without an answer
//! in rows that ended is known, also where acknowledgements are what is lost.

use std::collections::BTreeMap;
use std::net::IpAddr;

use plumb_model::diag::tcp_info::TcpInfo;

/// What passes before the first timer of a row expires (`TCP_RTO_MIN`), microseconds.
pub(super) const FIRST_US: u64 = 200_000;
/// Fewer losses make no rate.
const EARLIER_LOSSES: u32 = 3;
/// Fewer rows that ended make none either.
const EARLIER_ROWS: u32 = 2;
/// What is less likely is no chance.
const CHANCE: f64 = 0.001;

/// Gives how many timeouts there were since something was acknowledged.
pub(super) fn in_a_row(info: &TcpInfo) -> u8 {
    info.backoff.max(info.retransmits)
}

/// Gives the rows that ended with an acknowledgement; 0 also where the kernel does not count them.
pub(super) fn ended(info: &TcpInfo) -> u32 {
    let present = u16::from(info.retransmits > 0);
    info.total_rto_recoveries.saturating_sub(present).into()
}

/// The rows to each host that ended, and what share of that which comes from it is known to be lost.
#[derive(Debug, Default)]
pub(super) struct Ended {
    rows: BTreeMap<IpAddr, Count>,
    lost: BTreeMap<IpAddr, f64>,
}

/// Rows that ended, and the timeouts in them.
#[derive(Debug, Default, Clone, Copy)]
struct Count {
    rows: u32,
    timeouts: u32,
}

impl Ended {
    /// Gathers them of connections, each with the host at its other end.
    pub fn of<'s>(connections: impl Iterator<Item = (IpAddr, &'s TcpInfo)>) -> Self {
        let mut by_host: BTreeMap<IpAddr, Count> = BTreeMap::new();
        for (host, info) in connections.filter(|(_, info)| info.total_rto > 0) {
            by_host.entry(host).or_default().add(info);
        }
        Self {
            rows: by_host,
            lost: BTreeMap::new(),
        }
    }

    /// The same, where such shares of what comes from hosts are known to be lost.
    pub fn beside(self, lost: impl Iterator<Item = (IpAddr, f64)>) -> Self {
        Self {
            lost: lost.collect(),
            ..self
        }
    }

    /// Says whether losses explain the timeouts in a row of a connection to a host. It goes by how much was lost before:
    /// by segments of the connection, where one transmission and its repetitions all had to be lost, or by the rows
    /// before, where a share of the repetitions had no answer either; or by how much is seen to be lost of what comes.
    pub fn explain(&self, host: Option<IpAddr>, info: &TcpInfo) -> bool {
        let row = u32::from(in_a_row(info)) + 1;
        let before = info.total_retrans.saturating_sub(row);
        let sent = info.data_segs_out.saturating_sub(row);
        let by_segments = before >= EARLIER_LOSSES && is_likely(before, sent, row);
        let count = host.and_then(|host| self.rows.get(&host));
        by_segments
            || count.is_some_and(|count| count.explains(in_a_row(info)))
            || self.is_known_to_be_lost(host, row)
    }

    /// Says whether it is as much of what comes from a host that is known to be lost as explains that so many probes of a
    /// connection to it go without an answer.
    pub fn explain_probes(&self, host: Option<IpAddr>, info: &TcpInfo) -> bool {
        self.is_known_to_be_lost(host, info.probes.into())
    }

    fn is_known_to_be_lost(&self, host: Option<IpAddr>, in_a_row: u32) -> bool {
        let share = host.and_then(|host| self.lost.get(&host));
        share.is_some_and(|share| is_chance(*share, in_a_row))
    }
}

impl Count {
    fn add(&mut self, info: &TcpInfo) {
        self.rows += ended(info);
        self.timeouts += u32::from(info.total_rto).saturating_sub(info.retransmits.into());
    }

    fn explains(self, in_a_row: u8) -> bool {
        let in_vain = self.timeouts.saturating_sub(self.rows);
        // The last timer has only just expired, and a few rows are a small sample: one failure more is assumed of two.
        let failed = u32::from(in_a_row).saturating_sub(1);
        self.rows >= EARLIER_ROWS && is_likely(in_vain + 1, self.timeouts + 2, failed)
    }
}

fn is_likely(failed: u32, of: u32, in_a_row: u32) -> bool {
    is_chance(f64::from(failed) / f64::from(of.max(1)), in_a_row)
}

fn is_chance(rate: f64, in_a_row: u32) -> bool {
    let in_a_row = i32::try_from(in_a_row).unwrap_or(i32::MAX);
    rate.min(1.0).powi(in_a_row) >= CHANCE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(info: &TcpInfo) -> bool {
        let mut count = Count::default();
        count.add(info);
        let host = IpAddr::from([10, 0, 0, 2]);
        let ended = Ended {
            rows: BTreeMap::from([(host, count)]),
            ..Ended::default()
        };
        ended.explain(Some(host), info)
    }

    #[test]
    fn a_row_is_chance_where_as_much_of_what_comes_is_known_to_be_lost() {
        let host = IpAddr::from([10, 0, 0, 2]);
        let explained = |share, backoff| {
            let ended = Ended::default().beside([(host, share)].into_iter());
            let info = TcpInfo {
                backoff,
                ..TcpInfo::default()
            };
            ended.explain(Some(host), &info)
        };
        assert!(explained(0.7, 5) && explained(0.7, 12) && !explained(0.7, 30));
        assert!(!explained(0.1, 5));
        let asked = |share, probes| {
            let ended = Ended::default().beside([(host, share)].into_iter());
            let info = TcpInfo {
                probes,
                ..TcpInfo::default()
            };
            ended.explain_probes(Some(host), &info)
        };
        assert!(asked(0.7, 3) && !asked(0.1, 5) && !asked(0.7, 30));
    }

    #[test]
    fn timeouts_in_a_row_are_chance_only_where_much_was_lost_before() {
        let chance = |backoff, total_retrans, data_segs_out| {
            explained(&TcpInfo {
                backoff,
                total_retrans,
                data_segs_out,
                ..TcpInfo::default()
            })
        };
        // A peer that was there and is gone: all that was sent again is this row.
        assert!(!chance(4, 5, 1000));
        // One lost in three or more: four in a row come about.
        assert!(chance(3, 400, 1000) && chance(5, 700, 1000));
        // One in twenty: they do not, and least of all many.
        assert!(!chance(3, 54, 1000) && !chance(9, 400, 1000));
    }

    #[test]
    fn a_backoff_that_errors_take_back_is_still_a_long_row() {
        // As a router said "host unreachable" for twenty seconds, of a connection of 20 segments.
        let gone = TcpInfo {
            backoff: 3,
            retransmits: 23,
            total_retrans: 24,
            total_rto: 23,
            total_rto_recoveries: 1,
            data_segs_out: 45,
            ..TcpInfo::default()
        };
        assert!(!explained(&gone));
        assert_eq!((in_a_row(&gone), ended(&gone)), (23, 0));
    }

    #[test]
    fn repetitions_went_without_an_answer_in_the_rows_before() {
        // Of five timeouts in three rows two were in vain, though 42 000 segments hardly lost any.
        let lossy = |retransmits: u8| TcpInfo {
            backoff: retransmits,
            retransmits,
            total_retrans: 5 + u32::from(retransmits),
            total_rto: 5 + u16::from(retransmits),
            total_rto_recoveries: 4,
            data_segs_out: 42_000,
            ..TcpInfo::default()
        };
        assert!(explained(&lossy(4)) && explained(&lossy(6)));
        assert!(!explained(&lossy(12)));
    }
}
