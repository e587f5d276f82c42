//! Which code made a socket: members of its row.

use std::sync::Arc;

use plumb_model::creation::{Absence, Answer, Moment};
use plumb_model::stack::Stack;
use serde::Serialize;

use super::stack::StackObject;
use super::text;

/// The members.
#[derive(Debug, Clone, Serialize)]
pub struct CreationMembers {
    /// How it was made; `null` if nobody knows.
    pub creation: Option<CreationObject>,
    /// Why nobody knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creation_unknown: Option<&'static str>,
    /// The bind() of a socket that is no connection, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bound: Option<MomentObject>,
    /// The recv() that returned 0, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub told_of_end: Option<MomentObject>,
}

/// How a socket was made.
#[derive(Debug, Clone, Serialize)]
pub struct CreationObject {
    /// `connect`, `accept`, `listen`, `socket`.
    how: &'static str,
    /// When (RFC 3339).
    time: String,
    pid: Option<u32>,
    tid: Option<u32>,
    comm: String,
    /// The code; `null` when its stack was lost.
    stack: Option<StackObject>,
}

/// When a call did something to it, and the code that called; `null` when its stack was lost.
#[derive(Debug, Clone, Serialize)]
pub struct MomentObject {
    /// When (RFC 3339).
    time: String,
    stack: Option<StackObject>,
}

impl CreationMembers {
    /// Builds them; `time` writes microseconds since 1970 as RFC 3339 has it.
    pub fn new(answer: &Answer<Arc<Stack>>, time: impl Fn(u64) -> String) -> Self {
        let stack = |code: &Option<Arc<Stack>>| code.as_deref().map(StackObject::from);
        let moment = |moment: &Moment<Arc<Stack>>| MomentObject {
            time: time(moment.time_us),
            stack: stack(&moment.code),
        };
        Self {
            creation: answer.made.as_ref().ok().map(|creation| CreationObject {
                how: creation.how.word(),
                time: time(creation.time_us),
                pid: creation.pid.map(|pid| pid.0),
                tid: creation.tid,
                comm: text(&creation.comm),
                stack: stack(&creation.code),
            }),
            creation_unknown: answer
                .made
                .as_ref()
                .err()
                .map(|absence| Absence::word(*absence)),
            bound: answer.bound.as_ref().map(moment),
            told_of_end: answer.told.as_ref().map(moment),
        }
    }
}
