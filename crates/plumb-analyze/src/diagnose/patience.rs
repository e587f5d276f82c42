//! How long it pays to watch: a connection that only repeats itself says nothing between two repetitions.
//!
//! Timeouts back off to many seconds. What comes back for the next repetition, an ICMP error above all, tells who does
//! not let it through; a watch that ends before it has seen nothing at all.

use std::time::Duration;

use plumb_model::sample::Sample;
use plumb_model::socket::SocketState;

use super::sockets;

/// Code of the timer that sends again (`idiag_timer`).
const RETRANSMIT: u32 = 1;
/// So many timeouts in a row are no passing loss.
const IN_A_ROW: u8 = 2;
/// An answer comes so soon.
const ANSWER: Duration = Duration::from_millis(300);
/// Longest watch that is worth waiting for.
const LONGEST: Duration = Duration::from_secs(6);

/// Gives how long to watch after this sample so that every connection that is about to send again has done so once;
/// those that do only later are not waited for.
pub fn patience(sample: &Sample) -> Duration {
    let states = [SocketState::ESTABLISHED, SocketState::CLOSE_WAIT];
    let connected = states
        .into_iter()
        .flat_map(|state| sockets::tcp(sample, state));
    let repeating = connected.filter(|(_, socket)| {
        let backoff = socket.tcp.as_ref().map_or(0, |info| info.backoff);
        socket.timer.code == RETRANSMIT && backoff >= IN_A_ROW
    });
    let waits =
        repeating.map(|(_, socket)| Duration::from_millis(socket.timer.expires_ms.into()) + ANSWER);
    waits
        .filter(|wait| *wait <= LONGEST)
        .max()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use plumb_model::diag::tcp_info::TcpInfo;

    use super::*;
    use crate::made_up::sample;

    fn waits(code: u32, backoff: u8, expires_ms: u32) -> Duration {
        let info = TcpInfo {
            backoff,
            ..TcpInfo::default()
        };
        let mut sample = sample(0, &info);
        for socket in &mut sample.snapshot.sockets {
            socket.timer.code = code;
            socket.timer.expires_ms = expires_ms;
        }
        patience(&sample)
    }

    #[test]
    fn the_next_repetition_is_waited_for_unless_it_is_far() {
        assert_eq!(waits(RETRANSMIT, 3, 2500), Duration::from_millis(2800));
        assert_eq!(waits(RETRANSMIT, 9, 120_000), Duration::ZERO);
        assert_eq!(waits(RETRANSMIT, 0, 200), Duration::ZERO);
        assert_eq!(waits(2, 3, 2500), Duration::ZERO);
    }
}
