//! Which code makes sockets of one kind: what is seen of new ones is likely true of older ones like them.
//!
//! Alike are sockets of one process to one service (of who comes to us: at one port of ours). It stays an inference,
//! and whoever shows it says so.

use std::collections::HashMap;

use plumb_model::event::{Ends, StackId};
use plumb_model::id::Pid;

use super::Held;

/// Services of processes that are told apart at most.
const MAX_SERVICES: usize = 65_536;

/// The code that made sockets, counted.
#[derive(Debug, Default)]
pub struct Makers {
    counts: HashMap<Service, HashMap<StackId, u64>>,
}

/// What sockets that are alike have in common.
type Service = (Pid, std::net::SocketAddr);

impl Makers {
    /// Counts a socket whose maker was seen.
    pub fn note(&mut self, pid: Pid, ends: &Ends, incoming: bool, made_by: StackId) {
        let service = service(pid, ends, incoming);
        if self.counts.len() < MAX_SERVICES || self.counts.contains_key(&service) {
            *self
                .counts
                .entry(service)
                .or_default()
                .entry(made_by)
                .or_default() += 1;
        }
    }

    /// Gives the code that made most of those like this one.
    pub fn likely(&self, held: &Held) -> Option<StackId> {
        let service = service(held.pid?, held.ends.as_ref()?, held.incoming);
        let counts = self.counts.get(&service)?;
        let most = counts.iter().max_by_key(|(id, count)| (**count, **id));
        most.map(|(id, _)| *id)
    }
}

fn service(pid: Pid, ends: &Ends, incoming: bool) -> Service {
    let end = if incoming {
        // Wherever it came in: listeners have many addresses.
        let anywhere = match ends.local {
            std::net::SocketAddr::V4(_) => std::net::Ipv4Addr::UNSPECIFIED.into(),
            std::net::SocketAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
        };
        std::net::SocketAddr::new(anywhere, ends.local.port())
    } else {
        ends.peer
    };
    (pid, end)
}
