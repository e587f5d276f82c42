//! TCP: `inet_csk_get_port` with a port that was asked for.

use plumb_model::socket::SocketState;

use super::likely::Likely;
use super::{Attempt, Rival};

/// Says whether a socket that overlaps refuses the attempt: `inet_bind_conflict`, with `relax` and
/// `reuseport_ok` as they are for a port that was asked for.
pub(super) fn refuses(attempt: &Attempt, rival: &Rival) -> Likely {
    let listens = rival.state == SocketState::LISTEN;
    let by_addr = Likely::from(attempt.reuse_addr && !listens) & rival.reuse_addr();
    let same_user = Likely::from(rival.is_stub) | rival.has_uid(attempt.uid);
    let by_port = Likely::from(attempt.reuse_port) & rival.reuse_port() & same_user;
    let refuses = !(by_addr | by_port);
    if refuses == Likely::Yes && attempt.reuse_port && !decides_alone(attempt, rival) {
        return Likely::Unsure;
    }
    refuses
}

/// Says whether the kernel surely looks at this socket when SO_REUSEPORT is set. It may not: a port
/// remembers the last user and address that shared it (`sk_reuseport_match`), which lets further ones
/// in unseen. Who listens without SO_REUSEPORT made it forget, and who shared it after that cannot have met
/// that listener's address; but what is remembered of `0.0.0.0`, or of `[::]` with IPV6_V6ONLY, is taken for
/// a `[::]` that takes both, and that may meet it.
fn decides_alone(attempt: &Attempt, rival: &Rival) -> bool {
    let all_of_both = attempt.ip.is_ipv6() && attempt.ip.is_unspecified() && !attempt.v6only;
    rival.state == SocketState::LISTEN && rival.device == 0 && !all_of_both
}

/// Says whether a socket has the port at all: a connection request has not yet.
pub(super) fn has_port(rival: &Rival) -> bool {
    rival.state != SocketState::SYN_RECV
}
