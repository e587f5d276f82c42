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
    let Some(by_exit) = closed_by_exit(&event.what) else {
        return Cow::Borrowed(event);
    };
    let stack = event.stack.filter(|_| !by_exit);
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
    match &mut judged.what {
        What::State(StateChange { by_exit, .. }) | What::Closed { by_exit, .. } => *by_exit = true,
        _ => {}
    }
    Cow::Owned(judged)
}

/// Says of an event that closes whether the end of a process did; `None` of any other.
fn closed_by_exit(what: &What) -> Option<bool> {
    match what {
        // What begins in CLOSE has the code that opened it.
        What::State(change) => (change.old != SocketState::CLOSE).then_some(change.by_exit),
        What::Closed { by_exit, .. } => Some(*by_exit),
        _ => None,
    }
}
