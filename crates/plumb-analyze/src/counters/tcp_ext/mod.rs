//! `TcpExt` of `/proc/net/netstat`, by what the counters are about.

mod close;
mod congestion;
mod handshake;
mod loss;
mod options;
mod receive;

use super::entry::Explanation;

pub(super) const TCP_EXT: &[&[Explanation]] = &[
    handshake::COUNTERS,
    receive::COUNTERS,
    loss::COUNTERS,
    congestion::COUNTERS,
    close::COUNTERS,
    options::COUNTERS,
];
