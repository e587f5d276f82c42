//! Interface names by index, each asked for once.

use std::collections::HashMap;

use plumb_collect::sys::ioctl::InterfaceSocket;

/// Interface names of the network namespace this thread is in.
#[derive(Default)]
pub(super) struct Interfaces {
    socket: Option<InterfaceSocket>,
    names: HashMap<u32, Vec<u8>>,
}

impl Interfaces {
    /// Gives a name; `if<INDEX>` when the kernel has none of that index.
    pub(super) fn name(&mut self, index: u32) -> &[u8] {
        if self.socket.is_none() {
            self.socket = InterfaceSocket::open().ok();
        }
        let socket = self.socket.as_ref();
        self.names.entry(index).or_insert_with(|| {
            let name = socket.and_then(|socket| socket.name(index).ok());
            name.unwrap_or_else(|| format!("if{index}").into_bytes())
        })
    }
}
