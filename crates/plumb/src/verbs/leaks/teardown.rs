//! Interpreters that end. CPython closes what its script left open, so the kernel sees a close like any other; for
//! whoever looks for sockets that nobody closed it is none.

use std::borrow::Cow;

use plumb_model::Known;
use plumb_model::event::{Event, StateChange, What};
use plumb_model::socket::SocketState;

use crate::verbs::recording::code::Code;

/// In the names of the functions that take an interpreter apart: `Py_FinalizeEx`, `_Py_Finalize` (3.13).
const TEARDOWN: &str = "Py_Finalize";

/// Gives the event; a close by an interpreter that ends as one by the end of its process.
pub fn judged<'e>(event: &'e Event, code: &mut Code) -> Cow<'e, Event> {
    let What::State(change) = event.what else {
        return Cow::Borrowed(event);
    };
    // What begins in CLOSE has the code that opened it.
    let is_closed = change.old != SocketState::CLOSE;
    let stack = event.stack.filter(|_| is_closed && !change.by_exit);
    let Some(stack) = stack.and_then(|id| code.judge(id)) else {
        return Cow::Borrowed(event);
    };
    let mut functions = stack
        .frames
        .iter()
        .filter_map(|frame| match &frame.function {
            Known::Known(name) => Some(name),
            Known::Unknown(_) => None,
        });
    if !functions.any(|name| name.contains(TEARDOWN)) {
        return Cow::Borrowed(event);
    }
    let mut judged = event.clone();
    judged.what = What::State(StateChange {
        by_exit: true,
        ..change
    });
    Cow::Owned(judged)
}
