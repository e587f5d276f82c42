//! Sockets that a kernel before 5.12 has not named when it tells of them: their id is an address in memory, and the
//! cookie that somebody who lists them gets is another one. They are found by their ends.

use std::collections::HashMap;

use plumb_model::event::{Event, What};
use plumb_model::id::Cookie;
use plumb_model::socket::SocketState;

use super::kept::{Place, place};

/// Set in ids that are addresses; the kernel's counting never reaches it.
const ADDRESS: u64 = 1 << 63;

/// The ids of sockets without a name, by their ends.
#[derive(Default)]
pub struct Unnamed {
    by_place: HashMap<Place, Id>,
}

/// Several sockets are at a place, and whose is whose cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ambiguous;

/// What is at a place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Id {
    One(Cookie),
    /// Listeners that share a port.
    Several,
}

/// Says whether an id is none of the kernel's names.
pub fn is_unnamed(id: Cookie) -> bool {
    id.0 & ADDRESS != 0
}

impl Unnamed {
    /// Gives the id by which the socket of an event is known, and notes where it is. Once it has a name, events tell
    /// of it by that.
    pub fn settle(&mut self, event: &Event) -> Option<Cookie> {
        let told = event.cookie?;
        if !is_unnamed(told) && self.by_place.is_empty() {
            return Some(told);
        }
        let (Some(netns), Some(ends)) = (event.netns, &event.ends) else {
            return Some(told);
        };
        let place = place(netns, ends);
        let id = match self.by_place.get(&place) {
            Some(Id::One(known)) if !is_unnamed(told) => *known,
            _ => told,
        };
        if let What::State(change) = event.what {
            match change.new {
                SocketState::CLOSE => {
                    self.by_place.remove(&place);
                }
                SocketState::LISTEN if is_unnamed(told) => self.listens(place, told),
                // A connection has its port only when connect() has gone on.
                SocketState::SYN_SENT => {}
                _ if is_unnamed(told) => {
                    self.by_place.insert(place, Id::One(told));
                }
                _ => {}
            }
        }
        Some(id)
    }

    fn listens(&mut self, place: Place, id: Cookie) {
        self.by_place
            .entry(place)
            .and_modify(|known| *known = Id::Several)
            .or_insert(Id::One(id));
    }

    /// Gives the id of the socket at a place; `Err` if there are several.
    pub fn at(&self, place: &Place) -> Result<Option<Cookie>, Ambiguous> {
        match self.by_place.get(place) {
            None => Ok(None),
            Some(Id::One(id)) => Ok(Some(*id)),
            Some(Id::Several) => Err(Ambiguous),
        }
    }
}
