//! Names for numbers: hosts, services, users, networks, each looked up once per run.
//!
//! Everything is lazy: a run that prints numbers never touches NSS. Results, "no name" included,
//! are cached for the life of the value.

use std::ffi::CString;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use plumb_model::Uid;
use rustc_hash::FxHashMap;

use crate::sys::nss;

/// Longest service name shown, in bytes.
const SERVICE_BYTES: usize = 63;

/// Most reverse lookups under way at a time; more would look like an attack to a name server.
const LOOKUPS_AT_ONCE: usize = 8;

/// The namespace of port numbers a name is looked up in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ServiceKind {
    /// `PORT/tcp`.
    Tcp,
    /// `PORT/udp`, which UDP-Lite shares.
    Udp,
    /// `PORT/raw`, and every IP protocol number.
    Raw,
}

/// Finds a group by what a person says: its number or its name.
pub fn group_named(text: &str) -> Option<u32> {
    match text.parse() {
        Ok(gid) => Some(gid),
        Err(_) => nss::group_id(&CString::new(text).ok()?),
    }
}

/// A caching front of the name services.
#[derive(Debug, Default)]
pub struct Names {
    hosts: FxHashMap<IpAddr, Option<Vec<u8>>>,
    resolver: Option<Resolver>,
    users: FxHashMap<Uid, Option<Vec<u8>>>,
    services: Option<FxHashMap<(ServiceKind, u32), Vec<u8>>>,
}

impl Names {
    /// Starts with nothing looked up.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives the name of an address (NSS reverse lookup), or `None` when it has none.
    pub fn host(&mut self, addr: IpAddr) -> Option<&[u8]> {
        if !self.hosts.contains_key(&addr) {
            let found = self.look_up(vec![addr]);
            self.hosts.extend(found);
        }
        self.hosts.get(&addr)?.as_deref()
    }

    /// Forgets the names of IPv6 addresses. The original asks for them again in every round of -c,
    /// while those of IPv4 addresses stay what they were at first.
    pub fn forget_ipv6_hosts(&mut self) {
        self.hosts.retain(|addr, _| addr.is_ipv4());
    }

    /// Looks up several addresses at once, so that slow name servers are waited for side by side.
    ///
    /// Changes nothing that [`Names::host`] gives, only when it is known.
    pub fn prefetch_hosts(&mut self, addrs: impl IntoIterator<Item = IpAddr>) {
        let mut unknown: Vec<IpAddr> = addrs
            .into_iter()
            .filter(|addr| !self.hosts.contains_key(addr))
            .collect();
        unknown.sort_unstable();
        unknown.dedup();
        if unknown.len() < 2 {
            return;
        }
        let found = self.look_up(unknown);
        self.hosts.extend(found);
    }

    /// From now on looks hosts up in the network namespace this thread is in at this moment,
    /// whichever namespaces it enters later: name servers are reachable at home.
    pub fn resolve_from_here(&mut self) {
        self.resolver = Some(Resolver::start());
    }

    fn look_up(&self, addrs: Vec<IpAddr>) -> Vec<HostName> {
        match &self.resolver {
            Some(resolver) => resolver.look_up(addrs),
            None => resolve(&addrs),
        }
    }

    /// Gives the name of a user, or `None` when the user database has none.
    pub fn user(&mut self, uid: Uid) -> Option<&[u8]> {
        self.users
            .entry(uid)
            .or_insert_with(|| nss::user_name(uid.0))
            .as_deref()
    }

    /// Gives the name of a port, or for [`ServiceKind::Raw`] of an IP protocol.
    pub fn service(&mut self, kind: ServiceKind, port: u32) -> Option<&[u8]> {
        self.services
            .get_or_insert_with(load_services)
            .get(&(kind, port))
            .map(Vec::as_slice)
    }

    /// Gives the name of an IPv4 network from the networks database.
    pub fn network(&mut self, addr: Ipv4Addr) -> Option<Vec<u8>> {
        nss::network_name(u32::from(addr))
    }
}

/// An address with its name, or `None` where it has none.
type HostName = (IpAddr, Option<Vec<u8>>);

/// A thread that stays in the namespace it was started in, and looks up what it is asked.
#[derive(Debug)]
struct Resolver {
    questions: Sender<Vec<IpAddr>>,
    answers: Receiver<Vec<HostName>>,
}

impl Resolver {
    /// Starts the thread; it ends when this value does.
    fn start() -> Self {
        let (questions, asked) = channel::<Vec<IpAddr>>();
        let (answer, answers) = channel();
        std::thread::spawn(move || {
            for addrs in asked {
                if answer.send(resolve(&addrs)).is_err() {
                    break;
                }
            }
        });
        Self { questions, answers }
    }

    /// Asks, and waits for the answer; nothing comes back only if the thread is gone.
    fn look_up(&self, addrs: Vec<IpAddr>) -> Vec<HostName> {
        match self.questions.send(addrs) {
            Ok(()) => self.answers.recv().unwrap_or_default(),
            Err(_) => Vec::new(),
        }
    }
}

/// Looks addresses up, several at a time.
fn resolve(addrs: &[IpAddr]) -> Vec<HostName> {
    if let [addr] = addrs {
        return vec![(*addr, nss::host_name(*addr))];
    }
    let next = AtomicUsize::new(0);
    let work = || {
        let mut found = Vec::new();
        while let Some(&addr) = addrs.get(next.fetch_add(1, Ordering::Relaxed)) {
            found.push((addr, nss::host_name(addr)));
        }
        found
    };
    std::thread::scope(|scope| {
        let workers = addrs.len().min(LOOKUPS_AT_ONCE);
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        // What a worker could not tell is looked up again when it is wanted.
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap_or_default())
            .collect()
    })
}

/// Builds the table of port names. A later entry of the database replaces an earlier one, and
/// protocol numbers replace `raw` services.
fn load_services() -> FxHashMap<(ServiceKind, u32), Vec<u8>> {
    let mut table = FxHashMap::default();
    for service in nss::services() {
        let kind = match service.protocol.as_slice() {
            b"tcp" => ServiceKind::Tcp,
            b"udp" => ServiceKind::Udp,
            b"raw" => ServiceKind::Raw,
            _ => continue,
        };
        table.insert((kind, u32::from(service.port)), shortened(service.name));
    }
    for protocol in nss::protocols() {
        if let Ok(number) = u32::try_from(protocol.number) {
            table.insert((ServiceKind::Raw, number), shortened(protocol.name));
        }
    }
    table
}

fn shortened(mut name: Vec<u8>) -> Vec<u8> {
    name.truncate(SERVICE_BYTES);
    name
}
