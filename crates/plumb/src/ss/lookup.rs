//! Names, holders and paths for the rows of a listing: looked up when first wanted, then remembered.
//!
//! What the original complains about while it looks something up is gathered in
//! [`Names::complaints`], for the writer to say in its own time.

mod interfaces;

use std::collections::HashMap;
use std::net::IpAddr;
use std::ops::RangeInclusive;

use plumb_collect::cgroups::{CgroupError, Cgroups};
use plumb_collect::holders::{self, Holders};
use plumb_collect::netlink_names::{self, NetlinkNames};
use plumb_collect::owners::extra::Extras;
use plumb_collect::port_range::PortRange;
use plumb_collect::processes::{self, Processes};
use plumb_collect::services::{ServiceProtocol, Services};
use plumb_collect::sys::netdb;
use plumb_filter::{Owner, Owners};
use plumb_model::holder::Holder;
use plumb_model::{Known, Reason, Uid};
use plumb_present::ss::lookup::{Lookup, PortKind};
use plumb_present::ss::users::{Contexts, Other, Style, UNAVAILABLE, write_others, write_users};
use plumb_present::ss::view::Release;

use self::interfaces::Interfaces;

/// What the options ask to be looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// The release to imitate.
    pub release: Release,
    /// -r: host names.
    pub hosts: bool,
    /// -p: holders of sockets.
    pub holders: bool,
    /// -T: those of threads, too.
    pub threads: bool,
    /// --all-owners: those that hold a socket by no descriptor of a process, too.
    pub extras: bool,
    /// -Z, -z: with their contexts.
    pub contexts: Contexts,
}

/// What is known of names so far.
pub struct Names {
    wanted: Wanted,
    hosts: plumb_collect::names::Names,
    services: Services,
    protocols: HashMap<u32, Vec<u8>>,
    port_range: Option<PortRange>,
    interfaces: Interfaces,
    holders: State,
    /// While the rows are shown that waited for exactly these.
    few: Option<Holders>,
    extras: Option<Extras>,
    cgroups: Cgroups,
    cgroup: Vec<u8>,
    mount_told: bool,
    processes: Option<Processes>,
    process: Vec<u8>,
    netlink: Option<NetlinkNames>,
    /// Lines for standard error, in their order.
    pub complaints: Vec<u8>,
}

/// How far the search for holders is.
enum State {
    NotStarted,
    Walking(holders::Started),
    Found(Holders),
}

impl Names {
    /// Starts with nothing looked up.
    pub fn new(wanted: Wanted) -> Self {
        Self {
            wanted,
            hosts: plumb_collect::names::Names::new(),
            services: Services::new(),
            protocols: HashMap::new(),
            port_range: None,
            interfaces: Interfaces::default(),
            holders: State::NotStarted,
            few: None,
            extras: None,
            cgroups: Cgroups::new(),
            cgroup: Vec::new(),
            mount_told: false,
            processes: None,
            process: Vec::new(),
            netlink: None,
            complaints: Vec::new(),
        }
    }

    /// Forgets what belongs to the network namespace that is left.
    pub fn forget_namespace(&mut self) {
        self.interfaces = Interfaces::default();
        self.extras = None;
        self.port_range = None;
    }

    /// Begins to look for holders on the other cores, if they are wanted: a dump that begins now
    /// goes on beside it.
    pub fn expect_holders(&mut self) {
        if self.wanted.holders && matches!(self.holders, State::NotStarted) {
            self.start_holders();
        }
    }

    /// Says whether holders are wanted.
    pub fn wants_holders(&self) -> bool {
        self.wanted.holders
    }

    /// Says whether rows may wait until it is known which few sockets' holders are wanted: nobody looks
    /// for all yet, and no more is wanted of holders than programs can tell.
    pub fn can_look_for_few(&self) -> bool {
        self.wanted.holders
            && matches!(self.holders, State::NotStarted)
            && !self.wanted.threads
            && self.wanted.contexts == Contexts::None
            && processes::root() == std::path::Path::new("/proc")
    }

    /// Knows the holders of these sockets, and of no others, until [`Self::forget_few`].
    pub fn look_for_few(&mut self, inodes: &[u64]) {
        self.few = Some(Holders::of_few(inodes));
    }

    /// Ends what [`Self::look_for_few`] began.
    pub fn forget_few(&mut self) {
        self.few = None;
    }

    fn start_holders(&mut self) {
        let detail = holders::Detail {
            threads: self.wanted.threads,
            contexts: match self.wanted.contexts {
                Contexts::None => holders::Contexts::None,
                Contexts::Processes => holders::Contexts::Processes,
                Contexts::ProcessesAndSockets => holders::Contexts::ProcessesAndSockets,
            },
        };
        self.holders = State::Walking(Holders::start(&processes::root(), detail));
    }

    /// Gives the holders of all sockets, all looked up at once.
    fn holders(&mut self) -> &Holders {
        if self.few.is_none() && matches!(self.holders, State::NotStarted) {
            self.start_holders();
        }
        if let State::Walking(_) = self.holders
            && let State::Walking(started) =
                std::mem::replace(&mut self.holders, State::Found(Holders::default()))
        {
            self.holders = State::Found(started.finish());
        }
        match (&self.few, &self.holders) {
            (Some(few), _) | (None, State::Found(few)) => few,
            (None, State::NotStarted | State::Walking(_)) => {
                unreachable!("the walk was finished above")
            }
        }
    }

    /// Gives the processes that hold a socket, for filters, each once.
    pub fn owners(&mut self, inode: u64) -> Owners<'_> {
        // A socket without an inode has no descriptor, so nobody is missing.
        if inode == 0 {
            return Owners {
                found: Vec::new(),
                complete: true,
            };
        }
        let holders = self.holders();
        let mut found: Vec<Owner<'_>> = holders
            .of(inode)
            .filter_map(|holder| {
                let pid = u32::try_from(holder.pid).ok()?;
                let comm = holder.name;
                let fd = Some(holder.fd);
                Some(Owner { pid, comm, fd })
            })
            .collect();
        found.dedup();
        Owners {
            found,
            complete: !holders.is_incomplete,
        }
    }

    /// Gives every descriptor of a socket, or why none is known, where holders are wanted.
    pub fn all_holders(&mut self, inode: u64) -> Option<Known<Vec<Holder<'_>>>> {
        if !self.wanted.holders {
            return None;
        }
        let holders = self.holders();
        let found: Vec<Holder<'_>> = holders.of(inode).collect();
        Some(if !found.is_empty() {
            Known::Known(found)
        } else if holders.is_incomplete {
            Known::Unknown(Reason::PermissionDenied)
        } else {
            Known::Unknown(Reason::NoHolder)
        })
    }

    /// Says whether holders are wanted and some may be missing.
    pub fn lacks_holders(&mut self) -> bool {
        self.wanted.holders && self.holders().is_incomplete
    }

    /// Gives the name of a user.
    pub fn user(&mut self, uid: Uid) -> Option<&[u8]> {
        self.hosts.user(uid)
    }

    /// Gives the path of a cgroup, and complains of nothing.
    pub fn cgroup_path(&mut self, id: u64) -> Option<&[u8]> {
        self.cgroups.path(id).ok()
    }

    /// Gives the ports the kernel hands out by itself.
    pub fn ephemeral_ports(&mut self) -> RangeInclusive<i64> {
        let range = *self.port_range.get_or_insert_with(PortRange::read);
        i64::from(range.lowest)..=i64::from(range.highest)
    }

    /// Takes over the netlink protocols that the filter has already looked up: their table is read,
    /// and complained of, once.
    pub fn know_netlink(&mut self, names: Option<NetlinkNames>) {
        self.netlink = names;
    }

    /// Gives the netlink protocols of this machine.
    pub fn netlink(&mut self) -> &NetlinkNames {
        if self.netlink.is_none() {
            let (names, complaint) = read_netlink_names(self.wanted.release);
            self.complaints.extend(complaint);
            self.netlink = Some(names);
        }
        self.netlink.get_or_insert_with(|| NetlinkNames::read(&[]))
    }

    fn protocol(&mut self, number: u32) -> &[u8] {
        self.protocols.entry(number).or_insert_with(|| {
            netdb::protocol_name(number).unwrap_or_else(|| format!("ipproto-{number}").into_bytes())
        })
    }

    fn complain_of_cgroup(&mut self, error: CgroupError) {
        self.complaints
            .extend_from_slice(cgroup_complaint(error).as_bytes());
        self.complaints.push(b'\n');
    }
}

/// Reads the machine's netlink protocols; also gives what the original says of a damaged table.
pub fn read_netlink_names(release: Release) -> (NetlinkNames, Vec<u8>) {
    // Newer releases install the table below /usr and keep /etc for changes.
    let paths: &[&str] = if release.since(6, 5) {
        &[netlink_names::ETC, netlink_names::USR]
    } else {
        &[netlink_names::ETC]
    };
    let names = NetlinkNames::read(paths);
    let complaint = match &names.corrupted {
        None => Vec::new(),
        Some((path, line)) => [
            b"Database ",
            path.as_encoded_bytes(),
            b" is corrupted at ",
            line,
            b"\n",
        ]
        .concat(),
    };
    (names, complaint)
}

/// Gives the original's line about a cgroup that cannot be told, without its line feed.
pub fn cgroup_complaint(error: CgroupError) -> String {
    match error {
        CgroupError::NoMount => "Failed to find cgroup2 mount".to_owned(),
        CgroupError::MountNotOpened(_) => "Failed to open cgroup2 mount".to_owned(),
        CgroupError::NoSuchId => "Failed to open cgroup2 by ID".to_owned(),
        CgroupError::NoSuchPath(errno) => {
            format!("Failed to get cgroup2 ID: {}", crate::errno::words(errno))
        }
        _ => "Invalid cgroup2 path".to_owned(),
    }
}

impl Lookup for Names {
    fn host(&mut self, addr: IpAddr) -> Option<&[u8]> {
        if !self.wanted.hosts {
            return None;
        }
        // An IPv4 address inside IPv6 has the name of the IPv4 address.
        self.hosts.host(addr.to_canonical())
    }

    fn port(&mut self, kind: PortKind, port: u32) -> Option<&[u8]> {
        let protocol = match kind {
            PortKind::Tcp => ServiceProtocol::Tcp,
            PortKind::Udp => ServiceProtocol::Udp,
            PortKind::Any => ServiceProtocol::Any,
            PortKind::Raw => return Some(self.protocol(port)),
        };
        if self.ephemeral_ports().contains(&i64::from(port)) {
            return None;
        }
        self.services.name(protocol, u16::try_from(port).ok()?)
    }

    fn interface(&mut self, index: u32) -> &[u8] {
        self.interfaces.name(index)
    }

    fn append_users(&mut self, out: &mut Vec<u8>, inode: u64) {
        if !self.wanted.holders || inode == 0 {
            return;
        }
        let style = Style {
            threads: self.wanted.threads,
            contexts: self.wanted.contexts,
            release: self.wanted.release,
        };
        let start = out.len();
        write_users(out, self.holders().of(inode), style);
        if self.wanted.extras {
            let follows_users = out.len() > start;
            let extras = self.extras.get_or_insert_with(Extras::collect).of(inode);
            let others = extras.iter().map(|extra| Other {
                pid: extra.pid,
                name: &extra.name,
                how: extra.how,
            });
            write_others(out, follows_users, others, style.release);
        }
    }

    fn cgroup(&mut self, id: u64) -> &[u8] {
        // Why nothing can be told is said once for all, then for each socket.
        if !std::mem::replace(&mut self.mount_told, true)
            && let Some(error @ CgroupError::NoMount) = self.cgroups.mount_error()
        {
            self.complain_of_cgroup(error);
        }
        self.cgroup.clear();
        if id == 0 {
            self.cgroup.extend_from_slice(b"unreachable:0");
            self.complaints.extend_from_slice(b"Invalid cgroup2 ID\n");
            return &self.cgroup;
        }
        match self.cgroups.path(id) {
            Ok(path) => self.cgroup.extend_from_slice(path),
            Err(error) => {
                self.cgroup
                    .extend_from_slice(format!("unreachable:{id:x}").as_bytes());
                self.complain_of_cgroup(error);
            }
        }
        &self.cgroup
    }

    fn process_name(&mut self, pid: u32) -> Option<&[u8]> {
        let processes = self.processes.get_or_insert_with(Processes::open);
        self.process = processes.name(pid.cast_signed())?;
        Some(&self.process)
    }

    fn process_context(&mut self, pid: u32) -> &[u8] {
        let processes = self.processes.get_or_insert_with(Processes::open);
        self.process = processes
            .context(pid.cast_signed())
            .unwrap_or_else(|| UNAVAILABLE.to_vec());
        &self.process
    }

    fn netlink_protocol(&mut self, protocol: u32) -> Option<&[u8]> {
        self.netlink().name(protocol)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        Names::new(Wanted {
            release: Release::DEFAULT,
            hosts: false,
            holders: true,
            threads: false,
            extras: false,
            contexts: Contexts::None,
        })
    }

    #[test]
    fn what_has_no_name_shows_its_number() {
        let mut names = names();
        assert_eq!(names.interface(u32::MAX), b"if4294967295");
        assert_eq!(names.port(PortKind::Raw, 6), Some(&b"tcp"[..]));
        assert_eq!(names.port(PortKind::Raw, 254), Some(&b"ipproto-254"[..]));
        assert_eq!(names.netlink_protocol(1000), None);
        assert_eq!(names.process_name(u32::MAX), None);
        assert_eq!(names.process_context(u32::MAX), b"unavailable");
    }

    #[test]
    fn a_cgroup_that_cannot_be_told_is_complained_of_each_time() {
        let mut names = names();
        assert_eq!(names.cgroup(u64::MAX - 1), b"unreachable:fffffffffffffffe");
        let first = names.complaints.len();
        assert!(first > 0);
        names.cgroup(u64::MAX - 1);
        assert!(names.complaints.len() > first);
    }

    #[test]
    fn our_own_sockets_are_ours() {
        use std::os::fd::AsRawFd as _;
        use std::os::unix::fs::MetadataExt as _;

        let (socket, _other) = std::os::unix::net::UnixStream::pair().expect("a pair of sockets");
        let path = format!("/proc/self/fd/{}", socket.as_raw_fd());
        let inode = std::fs::metadata(path).expect("our own descriptor").ino();
        let mut names = names();
        names.expect_holders();
        let mut out = Vec::new();
        names.append_users(&mut out, inode);
        let text = String::from_utf8_lossy(&out).into_owned();
        assert!(text.starts_with(" users:((\""), "{text}");
        let ours = format!(",pid={},fd={})", std::process::id(), socket.as_raw_fd());
        assert!(text.contains(&ours), "{text}");
        assert_eq!(names.owners(inode).found.len(), 1);
        out.clear();
        names.append_users(&mut out, 0);
        assert!(out.is_empty());
    }
}
