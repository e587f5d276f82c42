//! Answers in words to what tutorials let people grep for: SYNs, and retransmission.

use super::period::Period;

/// What a line of an answer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// The sum of counters, each a group and a name.
    Count(&'static [(&'static str, &'static str)]),
    /// The share of some counters in others.
    Share {
        /// The part.
        part: &'static [(&'static str, &'static str)],
        /// The whole.
        whole: &'static [(&'static str, &'static str)],
    },
}

/// One line of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// A stable word for it.
    pub id: &'static str,
    /// What is counted, to be read behind the number.
    pub text: &'static str,
    /// How it is counted.
    pub measure: Measure,
    /// From what value on it should worry: a count, or thousandths of a share.
    pub worrying_from: Option<u64>,
}

/// What a line comes to in a period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    /// So many.
    Count(u64),
    /// This part of the whole, 0 to 1 and beyond.
    Share(f64),
}

const fn count(
    id: &'static str,
    text: &'static str,
    counters: &'static [(&'static str, &'static str)],
) -> Line {
    Line {
        id,
        text,
        measure: Measure::Count(counters),
        worrying_from: None,
    }
}

const fn bad(
    id: &'static str,
    text: &'static str,
    counters: &'static [(&'static str, &'static str)],
) -> Line {
    Line {
        worrying_from: Some(1),
        ..count(id, text, counters)
    }
}

/// What happens to SYNs. The kernel does not count those that come in: it counts what became of them.
pub const SYN: &[Line] = &[
    count(
        "syns_sent",
        "SYNs sent: connections that programs here began",
        &[("Tcp", "ActiveOpens")],
    ),
    count(
        "syns_sent_again",
        "SYNs and SYN/ACKs sent again because nobody answered",
        &[("TcpExt", "TCPSynRetrans")],
    ),
    count(
        "attempts_failed",
        "connections that ended before they were established (refused, timed out, reset)",
        &[("Tcp", "AttemptFails")],
    ),
    count(
        "connections_accepted",
        "SYNs received that led to a connection",
        &[("Tcp", "PassiveOpens")],
    ),
    bad(
        "syns_dropped",
        "SYNs and last parts of handshakes dropped by listeners, for whatever reason",
        &[("TcpExt", "ListenDrops")],
    ),
    bad(
        "accept_queue_full",
        "of those, because a listener's accept queue was full",
        &[("TcpExt", "ListenOverflows")],
    ),
    bad(
        "syn_queue_full",
        "SYNs dropped because the SYN queue was full and cookies are off",
        &[("TcpExt", "TCPReqQFullDrop")],
    ),
    bad(
        "cookies_sent",
        "SYN cookies sent because the SYN queue was full",
        &[("TcpExt", "SyncookiesSent")],
    ),
    count(
        "cookies_received",
        "connections made by a SYN cookie that came back",
        &[("TcpExt", "SyncookiesRecv")],
    ),
    count(
        "cookies_failed",
        "SYN cookies that came back wrong or too late",
        &[("TcpExt", "SyncookiesFailed")],
    ),
    count(
        "resets_in_handshake",
        "resets from peers in the middle of the handshake",
        &[("TcpExt", "EmbryonicRsts")],
    ),
    count(
        "syns_challenged",
        "SYNs for connections that were established already",
        &[("TcpExt", "TCPSYNChallenge")],
    ),
];

const RETRANSMITTED: &[(&str, &str)] = &[("Tcp", "RetransSegs")];

/// How much is sent again, and how it was found out.
pub const RETRANS: &[Line] = &[
    Line {
        id: "retransmit_share",
        text: "of the segments sent with data were sent again",
        measure: Measure::Share {
            part: RETRANSMITTED,
            whole: &[("TcpExt", "TCPOrigDataSent")],
        },
        worrying_from: Some(10),
    },
    count("segments_sent_again", "segments sent again", RETRANSMITTED),
    count(
        "segments_sent",
        "segments with data sent for the first time",
        &[("TcpExt", "TCPOrigDataSent")],
    ),
    count(
        "fast_retransmits",
        "sent again early, because acknowledgements showed the loss",
        &[("TcpExt", "TCPFastRetrans")],
    ),
    count(
        "slow_start_retransmits",
        "sent again after a timeout, beginning slowly",
        &[("TcpExt", "TCPSlowStartRetrans")],
    ),
    count(
        "syn_retransmits",
        "of them SYNs and SYN/ACKs",
        &[("TcpExt", "TCPSynRetrans")],
    ),
    count(
        "timeouts",
        "timeouts: nothing came back for so long that sending stopped (at least 200 ms each)",
        &[("TcpExt", "TCPTimeouts")],
    ),
    count(
        "loss_probes",
        "probes sent at the end of a burst, before a timeout",
        &[("TcpExt", "TCPLossProbes")],
    ),
    count(
        "lost_again",
        "segments that were lost again after being sent again",
        &[("TcpExt", "TCPLostRetransmit")],
    ),
    Line {
        id: "needless_share",
        text: "of the segments sent again had arrived the first time, as peers tell (DSACK)",
        measure: Measure::Share {
            part: &[("TcpExt", "TCPDSACKRecv")],
            whole: RETRANSMITTED,
        },
        worrying_from: None,
    },
    bad(
        "failed",
        "retransmissions that could not leave this host",
        &[("TcpExt", "TCPRetransFail")],
    ),
    count(
        "connections_given_up",
        "connections given up because the peer stayed silent",
        &[("TcpExt", "TCPAbortOnTimeout")],
    ),
];

impl Line {
    /// Gives what it comes to in a period; `None` where the kernel counts none of it, or of a share of
    /// nothing.
    pub fn value(&self, period: &Period<'_>) -> Option<Value> {
        match self.measure {
            Measure::Count(counters) => sum(period, counters).map(Value::Count),
            Measure::Share { part, whole } => {
                let (part, whole) = (sum(period, part)?, sum(period, whole)?);
                (whole > 0).then(|| Value::Share(ratio(part, whole)))
            }
        }
    }

    /// Says whether a value should worry.
    pub fn is_worrying(&self, value: Value) -> bool {
        let Some(from) = self.worrying_from else {
            return false;
        };
        match value {
            Value::Count(count) => count >= from,
            #[expect(clippy::cast_precision_loss, reason = "a limit of some thousandths")]
            Value::Share(share) => share * 1000.0 > from as f64,
        }
    }

    /// Gives the counters it rests on.
    pub fn counters(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let (part, whole): (&'static [_], &'static [_]) = match self.measure {
            Measure::Count(counters) => (counters, &[]),
            Measure::Share { part, whole } => (part, whole),
        };
        part.iter().chain(whole).copied()
    }
}

fn sum(period: &Period<'_>, counters: &[(&str, &str)]) -> Option<u64> {
    let found = counters.iter();
    found
        .filter_map(|(group, name)| period.total(group, name))
        .reduce(u64::saturating_add)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a share is shown with two digits"
)]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

#[cfg(test)]
mod tests {
    use super::super::explain;
    use super::super::period::tests::counters;
    use super::*;

    #[test]
    fn every_counter_asked_for_is_one_that_we_explain() {
        for line in SYN.iter().chain(RETRANS) {
            for (group, name) in line.counters() {
                assert!(explain(group, name).is_some(), "{group}.{name}");
            }
        }
    }

    #[test]
    fn a_share_of_nothing_is_no_share() {
        let after = counters(&[
            ("Tcp", "", "RetransSegs", 3),
            ("TcpExt", "", "TCPOrigDataSent", 200),
        ]);
        let share = &RETRANS[0];
        let value = share.value(&Period::until(&after)).expect("both are there");
        assert_eq!(value, Value::Share(0.015));
        assert!(share.is_worrying(value));
        let quiet = Period::between(&after, &after);
        assert_eq!(share.value(&quiet), None);
        let first = SYN.iter().find(|line| line.id == "syns_sent");
        let first = first.expect("it is in the table");
        assert_eq!(first.value(&quiet), None, "this kernel counts none");
    }

    #[test]
    fn one_drop_is_worrying_and_one_connection_is_not() {
        let line = |id| SYN.iter().find(|line| line.id == id).expect("it is there");
        assert!(line("syns_dropped").is_worrying(Value::Count(1)));
        assert!(!line("syns_dropped").is_worrying(Value::Count(0)));
        assert!(!line("syns_sent").is_worrying(Value::Count(1000)));
    }
}
