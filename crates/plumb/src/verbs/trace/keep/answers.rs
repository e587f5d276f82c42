//! What is told of a socket: its life, as those who list sockets are answered.

use plumb_analyze::lives::{Life, Origin};
use plumb_analyze::stateless::{self, Stateless};
use plumb_model::creation::{Absence, Answer, Creation, How, Moment};
use plumb_model::event::StackId;

/// Tells of a socket of TCP.
pub fn of_life(life: &Life) -> Answer<StackId> {
    let how = match life.origin {
        Origin::Connected => Ok((How::Connect, life.at.begun)),
        Origin::Accepted => Ok((How::Accept, life.at.accepted.unwrap_or(life.at.begun))),
        Origin::Listening => Ok((How::Listen, life.at.begun)),
        Origin::Incoming => Err(Absence::NotAccepted),
        Origin::Older => Err(Absence::Older),
    };
    Answer {
        made: how.map(|(how, at_ns)| Creation {
            how,
            time_us: time_us(at_ns),
            pid: life.owner,
            tid: life.tid,
            comm: life.comm.clone(),
            code: life.made_by,
        }),
        bound: None,
        told: life.at.told.map(|at_ns| Moment {
            time_us: time_us(at_ns),
            code: life.told_by,
        }),
    }
}

/// Tells of a socket that has no states.
pub fn of_socket(socket: &Stateless) -> Answer<StackId> {
    let made = socket.made.ok_or(Absence::Older);
    Answer {
        made: made.map(|moment| Creation {
            how: How::Socket,
            time_us: time_us(moment.at_ns),
            pid: socket.owner,
            tid: socket.tid,
            comm: socket.comm.clone(),
            code: moment.code,
        }),
        bound: socket.bound.map(|moment: stateless::Moment| Moment {
            time_us: time_us(moment.at_ns),
            code: moment.code,
        }),
        told: None,
    }
}

/// Gives the time of day of a moment of the monotonic clock.
fn time_us(monotonic_ns: u64) -> u64 {
    let ago_us = plumb_collect::sample::monotonic_us().saturating_sub(monotonic_ns / 1000);
    now_us().saturating_sub(ago_us)
}

/// Gives the time of day: microseconds since 1970.
pub fn now_us() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_microsecond()).unwrap_or(0)
}
