//! What a recorder lets go of, so that it can run for months: stacks that no socket names any more, and sockets
//! whose end was lost.
//!
//! A stack goes in two steps. First the programs forget it, so that it is copied anew if it comes again; then,
//! when everything they told meanwhile has been read and nothing names it, we do.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use plumb_collect::snapshot::{self, Request};
use plumb_model::Cookie;
use plumb_model::event::StackId;
use plumb_model::snapshot::Kind;

use super::kept::{Kept, MAX_SOCKETS};
use super::names::Names;
use crate::verbs::recording::session::Session;

/// Time between two tidyings.
const PAUSE: Duration = Duration::from_secs(30);
/// With fewer stacks than these there is nothing to gain; the programs know 65 536.
const FEW_STACKS: usize = 4_096;

/// What was let go of by the programs, and when that was.
#[derive(Default)]
pub struct Retention {
    last: Option<Instant>,
    /// Forgotten by the programs.
    going: HashSet<StackId>,
    /// Events that were lost when sockets were last looked for.
    lost: u64,
}

impl Retention {
    /// Tidies up, if it is time.
    pub fn tidy(&mut self, session: &mut Session, kept: &mut Kept, names: &mut Names) {
        let now = Instant::now();
        let last = *self.last.get_or_insert(now);
        if now.saturating_duration_since(last) < PAUSE {
            return;
        }
        self.last = Some(now);
        let lost = session.losses().events;
        if lost > self.lost || kept.count() >= MAX_SOCKETS {
            self.lost = lost;
            if let Some(there) = sockets() {
                kept.keep_only(&there);
            }
        }
        if session.code.ids().count() >= FEW_STACKS {
            self.let_stacks_go(session, &kept.stacks(), names);
        }
    }

    fn let_stacks_go(
        &mut self,
        session: &mut Session,
        named: &HashSet<StackId>,
        names: &mut Names,
    ) {
        let unnamed = session.code.ids().filter(|id| !named.contains(id));
        let unnamed: HashSet<StackId> = unnamed.collect();
        for &id in &unnamed {
            if self.going.contains(&id) {
                session.code.forget(id);
                names.forget(id);
            } else {
                session.forget_stack(id);
            }
        }
        self.going = unnamed.difference(&self.going).copied().collect();
    }
}

/// The sockets of TCP and UDP that are there now; `None` if not all of them could be seen.
fn sockets() -> Option<HashSet<Cookie>> {
    let snapshot = snapshot::read(&Request {
        scope: snapshot::Scope::All,
        kinds: vec![Kind::Tcp, Kind::Udp, Kind::UdpLite],
        ..Request::default()
    });
    let cookies = snapshot.sockets.iter();
    let cookies = cookies.filter_map(|socket| socket.cookie.ok()).collect();
    snapshot.gaps.is_empty().then_some(cookies)
}
