//! Names for stacks, found by a thread of its own: reading the symbols of a large program takes a second, and
//! what happens meanwhile must not be lost.

use std::collections::{HashMap, HashSet};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use plumb_bpf::stacks::{Symbolizer, Unwound};
use plumb_model::event::StackId;
use plumb_wire::creation::encode_stack;
use rustix::event::{EventfdFlags, eventfd};

use crate::verbs::recording::code::Code;

/// Named stacks that are kept; beyond, all are forgotten and named again when they are asked for.
const MAX_NAMED: usize = 16_384;

/// Stacks with names, encoded as they are sent.
pub struct Names {
    ask: Sender<(StackId, Unwound)>,
    named: Receiver<(StackId, Arc<[u8]>)>,
    /// Readable when something was named.
    bell: OwnedFd,
    under_way: HashSet<StackId>,
    known: HashMap<StackId, Arc<[u8]>>,
}

/// What is known of the names of a stack.
pub enum Named {
    /// All that there are.
    Ready(Arc<[u8]>),
    /// They are being found.
    Soon,
    /// There is no such stack.
    Lost,
}

impl Names {
    /// Starts the thread, which ends when this is dropped.
    pub fn start() -> std::io::Result<Self> {
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        let bell = eventfd(0, flags)?;
        let ringer = bell.try_clone()?;
        let (ask, asked) = channel();
        let (tell, named) = channel();
        std::thread::Builder::new()
            .name(String::from("names"))
            .spawn(move || name(&asked, &tell, &ringer))?;
        Ok(Self {
            ask,
            named,
            bell,
            under_way: HashSet::new(),
            known: HashMap::new(),
        })
    }

    /// Takes in what was named since the last time.
    pub fn collect(&mut self) {
        let mut rings = [0; 8];
        let _ = rustix::io::read(&self.bell, &mut rings);
        while let Ok((id, stack)) = self.named.try_recv() {
            self.under_way.remove(&id);
            if self.known.len() >= MAX_NAMED {
                self.known.clear();
            }
            self.known.insert(id, stack);
        }
    }

    /// Gives a stack with its names, or has them found.
    pub fn get(&mut self, id: StackId, code: &Code) -> Named {
        if let Some(stack) = self.known.get(&id) {
            return Named::Ready(Arc::clone(stack));
        }
        if self.under_way.contains(&id) {
            return Named::Soon;
        }
        let Some(unwound) = code.unwound(id) else {
            return Named::Lost;
        };
        if self.ask.send((id, unwound.clone())).is_err() {
            return Named::Lost;
        }
        self.under_way.insert(id);
        Named::Soon
    }

    /// Lets go of a stack that is asked for no more.
    pub fn forget(&mut self, id: StackId) {
        self.known.remove(&id);
    }
}

impl AsFd for Names {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}

/// Names one stack after the other, until nobody asks any more.
fn name(asked: &Receiver<(StackId, Unwound)>, tell: &Sender<(StackId, Arc<[u8]>)>, bell: &OwnedFd) {
    let mut symbolizer = Symbolizer::new();
    while let Ok((id, unwound)) = asked.recv() {
        let stack = encode_stack(&symbolizer.symbolize(&unwound));
        if tell.send((id, stack.into())).is_err() {
            return;
        }
        let _ = rustix::io::write(bell, &1_u64.to_ne_bytes());
    }
}
