//! `mtu-blackhole`: large packets vanish on the way, small ones arrive.
//!
//! The path has a smaller MTU than it says, and whoever drops what is too large keeps silent (RFC 2923).
//! Told by a full-sized segment that is sent again and again while the peer still talks to us; or, where
//! that was asked for, by echo requests of all sizes. A client that gives up soon and tries anew has connections whose first
//! words arrived, and that go on to send the rest after it has closed them.

use std::net::SocketAddr;

use plumb_model::finding::{Confidence, Evidence, Finding, Severity, Subject};
use plumb_model::notice::{Direction, ProbedPath, What};

use super::flow::{Flow, lasting, sending};
use super::rows::Ended;
use super::{Case, chance, evidence, subject};

/// The id of the finding.
pub const ID: &str = "mtu-blackhole";
/// Timeouts in a row that make a segment stuck.
const STUCK: u8 = 2;
/// So many segments show how large they may be.
const SEVERAL: u32 = 4;

/// Looks for connections of which full-sized segments alone do not arrive, then at paths that were measured.
pub fn check(case: &Case<'_>) -> Vec<Finding> {
    // Between sockets of one host there is no path: who does not answer there has another trouble.
    let ended = chance::ended_rows(case);
    let stuck = sending(case)
        .filter(|flow| is_stuck(flow, &ended) && !flow.is_within_host(case))
        .filter(|flow| {
            // What came through before, or does on another connection, is not too large.
            let passes = flow.got_large() || others_get_large(case, flow);
            let talks = flow.peer_talks(case) && !passes;
            // Of one that is new, or was given up, one sign alone says little.
            if flow.is_lasting() || case.focus.is_command {
                talks || got_nothing_large(flow)
            } else {
                talks && got_nothing_large(flow)
            }
        });
    let (kept, given_up): (Vec<_>, Vec<_>) = stuck.partition(Flow::is_lasting);
    let is_kept = |flow: &Flow<'_>| kept.iter().any(|other| other.host() == flow.host());
    let given_up = given_up.iter().filter(|flow| !is_kept(flow));
    let all = kept.iter().chain(given_up);
    let mut findings: Vec<Finding> = all.map(|flow| blackhole(case, flow)).collect();
    let holed = lasting(case).filter(|flow| flow.has_old_gap() && flow.peer_talks(case));
    findings.extend(holed.map(|flow| inward(case, &flow)));
    for path in case
        .notices
        .probed
        .paths
        .iter()
        .filter(|path| path.is_black_hole)
    {
        let mut known = findings.iter_mut().filter(|known| {
            let peer = known
                .subject
                .peer
                .as_deref()
                .and_then(|peer| peer.parse().ok());
            peer.is_some_and(|peer: SocketAddr| peer.ip() == path.destination)
        });
        match known.next() {
            Some(known) => {
                known.evidence.push(measured(path));
                known.confidence = Confidence::Certain;
            }
            None => findings.push(only_measured(case, path)),
        }
    }
    findings
}

/// Something is missing that the peer must have sent again and again, while what is behind it came.
fn inward(case: &Case<'_>, flow: &Flow<'_>) -> Finding {
    let subject = subject::of_other_end(case.span.after, flow.place);
    let peer = subject.peer.clone().unwrap_or_default();
    Finding {
        kind: ID,
        severity: Severity::Critical,
        summary: format!(
            "large segments from {peer} vanish on their way to us, while small ones arrive"
        ),
        subject,
        evidence: vec![
            evidence::fact(
                "sock_diag SK_MEMINFO_RMEM_ALLOC, recv-q, tcp_info.tcpi_rcv_ooopack",
                format!(
                    "what came behind a gap waits for what is missing since before the first sample; {} segments came so",
                    flow.is.rcv_ooopack
                ),
            ),
            evidence::fact(
                "packets, tcp_info.tcpi_segs_in",
                "meanwhile the peer answered elsewhere",
            ),
        ],
        hints: hints(&peer),
        confidence: Confidence::Possible,
    }
}

fn measured(path: &ProbedPath) -> Evidence {
    evidence::fact(
        "ICMP echo that may not be fragmented",
        format!(
            "packets of {} bytes to {} are answered, larger ones up to {} are not, and nobody says why",
            path.passes_bytes, path.destination, path.thought_bytes
        ),
    )
}

/// No connection is stuck yet.
fn only_measured(case: &Case<'_>, path: &ProbedPath) -> Finding {
    let peer = match case.focus.port {
        Some(port) => SocketAddr::new(path.destination, port).to_string(),
        None => path.destination.to_string(),
    };
    Finding {
        kind: ID,
        severity: Severity::Critical,
        summary: format!(
            "packets to {peer} of more than {} bytes vanish; this host would send up to {}",
            path.passes_bytes, path.thought_bytes
        ),
        subject: Subject {
            kind: "destination",
            peer: Some(peer.clone()),
            ..Subject::default()
        },
        evidence: vec![measured(path)],
        hints: hints(&path.destination.to_string()),
        confidence: Confidence::Likely,
    }
}

fn hints(peer: &str) -> Vec<String> {
    vec![
        format!("find the MTU of the path, and the hop: plumb path {peer}"),
        "let ICMP through, clamp the MSS on the way, or set net.ipv4.tcp_mtu_probing=1".to_owned(),
    ]
}

/// The connection came about, and not one full-sized segment of it was ever acknowledged.
fn got_nothing_large(flow: &Flow<'_>) -> bool {
    flow.is.backoff > STUCK && flow.is.bytes_acked <= u64::from(flow.is.snd_mss)
}

/// Segments as large as this connection's arrive at the host on others.
fn others_get_large(case: &Case<'_>, flow: &Flow<'_>) -> bool {
    let mut others = sending(case).filter(|other| other.host() == flow.host());
    others.any(|other| {
        let segments = other.is.delivered.wrapping_sub(other.was.delivered);
        let bytes = other.is.bytes_acked.saturating_sub(other.was.bytes_acked);
        let half = u64::from(flow.is.snd_mss / 2);
        segments >= SEVERAL && bytes >= half.saturating_mul(segments.into())
    })
}

/// A full-sized segment is sent again and again, and nothing is acknowledged. What waits behind a small one that is not
/// acknowledged (Nagle) was not sent.
fn is_stuck(flow: &Flow<'_>, ended: &Ended) -> bool {
    let queued = flow.after.send_q.ok().unwrap_or(0);
    let waiting = queued.saturating_sub(flow.is.notsent_bytes.into());
    flow.is.backoff >= STUCK
        && flow.is.unacked > 0
        && (flow.is.bytes_acked == flow.was.bytes_acked || got_nothing_large(flow))
        && waiting >= u64::from(flow.is.snd_mss)
        && !flow.is_lost_by_chance(ended)
}

fn blackhole(case: &Case<'_>, flow: &Flow<'_>) -> Finding {
    let subject = subject::of_other_end(case.span.after, flow.place);
    let peer = subject.peer.clone().unwrap_or_default();
    let too_big = |what| matches!(what, What::TooBig { .. });
    let told = case.notices.of(Direction::Received, too_big).count();
    Finding {
        kind: ID,
        severity: Severity::Critical,
        summary: format!("large segments to {peer} vanish while small ones arrive"),
        subject,
        evidence: vec![
            evidence::fact(
                "tcp_info.tcpi_backoff, tcpi_snd_mss, tcpi_pmtu",
                format!(
                    "a segment of {} bytes was sent {} times without an acknowledgement; the path's MTU is thought to be {}",
                    flow.is.snd_mss,
                    flow.is.backoff + 1,
                    flow.is.pmtu
                ),
            ),
            evidence::fact(
                "packets, tcp_info.tcpi_segs_in, tcpi_bytes_acked",
                if got_nothing_large(flow) {
                    "the connection came about, and no segment of this size was ever acknowledged"
                } else {
                    "meanwhile the peer answered elsewhere"
                },
            ),
            evidence::fact(
                "packets received: ICMP fragmentation needed",
                format!("{told} came: whoever drops does not say so"),
            ),
        ],
        hints: hints(&peer),
        confidence: Confidence::Likely,
    }
}

#[cfg(test)]
mod tests {
    use plumb_model::Known;
    use plumb_model::diag::tcp_info::TcpInfo;
    use plumb_model::id::Cookie;
    use plumb_model::notice::{Notice, Notices};
    use plumb_model::sample::Sample;
    use plumb_model::snapshot::End;
    use plumb_model::socket::SocketState;

    use super::*;
    use crate::made_up;

    /// Says whether a stuck connection is told, of which so many bytes arrived in 900 segments, beside one on which segments
    /// of so many bytes arrive.
    fn is_told(own: u64, bytes: u64) -> bool {
        let stuck = TcpInfo {
            snd_mss: 1448,
            unacked: 10,
            backoff: 4,
            retransmits: 4,
            total_retrans: 5,
            data_segs_out: 1000,
            bytes_acked: own,
            delivered: 900,
            ..TcpInfo::default()
        };
        let sample = |at_us: u64, segments: u32| {
            let goes_on = TcpInfo {
                snd_mss: 1448,
                data_segs_out: segments,
                delivered: segments,
                segs_in: segments,
                bytes_acked: u64::from(segments) * bytes,
                ..TcpInfo::default()
            };
            let mut sample = made_up::sample(at_us, &stuck);
            let mut other = made_up::connection(&goes_on);
            other.cookie = Known::Known(Cookie(8));
            other.local = End::Inet(([10, 0, 0, 1], 40_001).into());
            for socket in &mut sample.snapshot.sockets {
                socket.send_q = Known::Known(20_000);
            }
            sample.snapshot.sockets.push(other);
            sample
        };
        let (before, after) = (sample(1_000_000, 100), sample(3_000_000, 200));
        let case = made_up::between(&before, &after);
        !check(&case).is_empty()
    }

    /// Says whether connections are told that began since the first sample and were given up, whose first small segment
    /// arrived and the large ones behind it were sent so often; beside one that is new, too, and of which so much arrived.
    fn is_told_of_new(backoff: u8, others: u32, has_answers: bool) -> bool {
        let given_up = TcpInfo {
            snd_mss: 1428,
            unacked: 14,
            backoff,
            retransmits: backoff,
            total_retrans: u32::from(backoff) + 1,
            data_segs_out: 20,
            delivered: 2,
            bytes_acked: 6,
            ..TcpInfo::default()
        };
        let arrives = TcpInfo {
            snd_mss: 1428,
            data_segs_out: others,
            delivered: others,
            bytes_acked: u64::from(others) * 1428,
            ..TcpInfo::default()
        };
        let before = Sample {
            at_us: 1_000_000,
            ..Sample::default()
        };
        let mut after = made_up::sample(3_000_000, &given_up);
        for socket in &mut after.snapshot.sockets {
            socket.state = SocketState::FIN_WAIT1;
            socket.send_q = Known::Known(20_000);
        }
        let mut other = made_up::connection(&arrives);
        other.cookie = Known::Known(Cookie(8));
        after.snapshot.sockets.push(other);
        let answer = Notice {
            what: What::SynAck,
            direction: Direction::Received,
            protocol: 6,
            local: ([10, 0, 0, 1], 40_000).into(),
            peer: ([10, 0, 0, 2], 80).into(),
            interface: 2,
            count: 2,
            age_us: 0,
            last_age_us: 0,
        };
        let notices = Notices {
            all: has_answers.then_some(answer).into_iter().collect(),
            ..Notices::default()
        };
        let case = Case {
            notices: &notices,
            ..made_up::between(&before, &after)
        };
        !check(&case).is_empty()
    }

    #[test]
    fn a_client_that_gives_up_before_anybody_looks_twice_finds_the_hole_too() {
        assert!(is_told_of_new(3, 0, true));
        // Not often enough yet; the host may be gone; large segments of others arrive.
        assert!(!is_told_of_new(2, 0, true));
        assert!(!is_told_of_new(3, 0, false));
        assert!(!is_told_of_new(3, 20, true));
    }

    #[test]
    fn a_hole_for_large_segments_lets_none_of_any_connection_through() {
        assert!(is_told(90_000, 100));
        // Of this connection alone something is lost.
        assert!(!is_told(90_000, 1448));
        // Nor was anything too large before.
        assert!(!is_told(1_000_000, 100));
    }
}
