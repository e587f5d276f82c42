//! What comes back of a probe.

use std::net::IpAddr;
use std::time::Duration;

use plumb_wire::error_queue::{
    Control, ExtendedError, Origin, behind_ipv4_header, decode_control, decode_echo,
};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::sockopt;

use super::socket::{id, is_same};
use super::{Method, Probe, Sending};
use crate::sys::receive::receive;

/// No packet of the Internet is longer.
pub(super) const PACKET_BYTES: usize = 64 * 1024;
pub(super) const CONTROL_BYTES: usize = 512;

/// An answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// From sending to reading it.
    pub rtt: Duration,
    /// Who gave it; `None` is this host itself.
    pub from: Option<IpAddr>,
    /// TTL or hop limit with which it came.
    pub ttl: Option<u8>,
    /// What it is.
    pub what: What,
}

/// What an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// The destination itself: an echo reply, data, or an accepted connection.
    Reply,
    /// The destination refused the connection.
    Refused,
    /// An ICMP error.
    Icmp {
        /// Its type, of the destination's IP version.
        kind: u8,
        /// Its code.
        code: u8,
        /// Of "too big" the MTU, 0 where it does not say.
        mtu: u32,
    },
    /// This host refused to send it: the errno, and the MTU where it is too big for that.
    Local {
        /// Why.
        errno: Errno,
        /// The largest that would go.
        mtu: u32,
    },
}

impl Answer {
    /// A refusal that came while the socket was connecting.
    pub(super) fn refused(probe: &Probe, sent: Sending) -> Self {
        Self {
            rtt: sent.until(None),
            from: Some(probe.destination.ip()),
            ttl: None,
            what: What::Refused,
        }
    }
}

/// Reads what the socket of a probe has to say; `None` when that is nothing yet.
pub(super) fn read(probe: &Probe, socket: &OwnedFd, sent: Sending) -> Option<Answer> {
    let mut packet = vec![0; PACKET_BYTES];
    let mut control = [0; CONTROL_BYTES];
    loop {
        let errors = receive(socket, true, &mut packet, &mut control);
        let Ok(got) = errors else { break };
        let said = decode_control(control.get(..got.control_bytes).unwrap_or(&[]));
        let original = packet.get(..got.bytes).unwrap_or(&[]);
        if let Some(error) = said.error
            && is_ours(probe, original, false)
        {
            return Some(from_error(error, said, sent.until(said.received)));
        }
    }
    if probe.method == Method::Tcp {
        return tcp(probe, socket, sent);
    }
    loop {
        match receive(socket, false, &mut packet, &mut control) {
            Ok(got) => {
                let bytes = packet.get(..got.bytes).unwrap_or(&[]);
                let bytes = match (probe.method, probe.destination.is_ipv6()) {
                    (Method::RawIcmp, false) => behind_ipv4_header(bytes).unwrap_or(&[]),
                    _ => bytes,
                };
                if is_ours(probe, bytes, true) {
                    let said = decode_control(control.get(..got.control_bytes).unwrap_or(&[]));
                    return Some(reply(probe, said, sent.until(said.received)));
                }
            }
            // An error that is pending beside its entry in the queue, which was or will be read.
            Err(Errno::AGAIN) => return None,
            Err(_) => {
                if receive(socket, false, &mut packet, &mut control) == Err(Errno::AGAIN) {
                    return None;
                }
            }
        }
    }
}

/// A raw socket hears of all echo messages between these hosts; the others hear of their own.
fn is_ours(probe: &Probe, bytes: &[u8], reply: bool) -> bool {
    if probe.method != Method::RawIcmp {
        return true;
    }
    decode_echo(bytes).is_some_and(|echo| {
        echo.is_reply == reply && echo.sequence == probe.sequence && echo.id == id()
    })
}

/// The destination itself.
pub(super) fn reply(probe: &Probe, said: Control, rtt: Duration) -> Answer {
    Answer {
        rtt,
        from: Some(probe.destination.ip()),
        ttl: said.ttl,
        what: What::Reply,
    }
}

pub(super) fn from_error(error: ExtendedError, said: Control, rtt: Duration) -> Answer {
    let what = match error.origin {
        Origin::Icmp | Origin::Icmp6 => What::Icmp {
            kind: error.kind,
            code: error.code,
            mtu: error.info,
        },
        Origin::Local | Origin::Other(_) => What::Local {
            errno: Errno::from_raw_os_error(i32::try_from(error.errno).unwrap_or(0)),
            mtu: error.info,
        },
    };
    Answer {
        rtt,
        from: error.offender,
        ttl: said.ttl,
        what,
    }
}

/// What became of a connection attempt whose error queue is empty.
fn tcp(probe: &Probe, socket: &OwnedFd, sent: Sending) -> Option<Answer> {
    let rtt = sent.until(None);
    let answer = |what| Answer {
        rtt,
        from: Some(probe.destination.ip()),
        ttl: None,
        what,
    };
    match sockopt::socket_error(socket) {
        Ok(Err(Errno::CONNREFUSED)) => Some(answer(What::Refused)),
        Ok(Err(errno)) => Some(Answer {
            from: None,
            ..answer(What::Local { errno, mtu: 0 })
        }),
        Ok(Ok(())) => match rustix::net::getpeername(socket) {
            Ok(_) => Some(answer(What::Reply)),
            Err(_) => None,
        },
        Err(_) => None,
    }
}

impl Answer {
    /// Says whether the destination itself answered, be it with a refusal.
    pub fn is_from(&self, probe: &Probe) -> bool {
        self.from
            .is_some_and(|from| is_same(from, probe.destination))
    }
}
