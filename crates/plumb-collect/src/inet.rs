//! The tables of Internet sockets, from sock_diag or from `/proc/net`, row by row.
//!
//! sock_diag is chosen where it gives the same rows in the same order as `/proc` (TCP and UDP on
//! kernels not excluded below) and `/proc` is the kernel's own; everything else is read from `/proc`.
//! Rows of connection requests (SYN_RECV) lack their user and timer counts in sock_diag; they are
//! taken from `/proc` when somebody will print those.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::PathBuf;

use plumb_model::socket::{Endpoint, InetProtocol, InetSocket, IpVersion, SocketState};
use plumb_wire::netlink::inet_diag::{
    INET_DIAG_INFO, IPPROTO_TCP, IPPROTO_UDP, decode_inet_diag, encode_dump_request, extension,
};
use plumb_wire::proc::inet::InetRows;
use rustc_hash::{FxHashMap, FxHashSet};
use rustix::io::Errno;

use crate::proc::for_each_line;
use crate::sock_diag::steady::Marks;
use crate::sock_diag::{Dump, DumpError, Step, Summary, steady};

/// `PROC_SUPER_MAGIC`: what `statfs` says of the kernel's own `/proc`.
const PROC_SUPER_MAGIC: u64 = 0x9fa0;
/// Kernels from this release on …
const LISTENERS_SPLIT: (u32, u32) = (5, 14);
/// … and before this one may list listeners in another order over sock_diag than in `/proc`: the two
/// moved from one hash table to another at different times. Not tried on such a kernel, so the range
/// is generous; the price is that `/proc` is read there. On 5.10, 6.1, 6.12 and 6.18 both gave the
/// same order for 190 listeners on colliding ports (the tests named `kernel`, in guests).
const LISTENERS_JOINED: (u32, u32) = (5, 19);

/// Where rows come from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Backend {
    /// sock_diag where it equals `/proc`, else `/proc`.
    #[default]
    Auto,
    /// `/proc/net` only.
    Proc,
    /// sock_diag wherever it exists for the protocol; it must work.
    Netlink,
    /// As `Netlink`, with answers recorded in this directory (`tcp4`, `tcp6`, `udp4`, `udp6`).
    Recording(PathBuf),
}

/// What a reader of rows will look at, beyond the plain columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Needs {
    /// The owning user.
    pub user: bool,
    /// Timer, retransmit and probe counts.
    pub timers: bool,
}

/// One step of reading a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A row.
    Socket(InetSocket),
    /// A line or message that is none.
    Bogus,
    /// A good moment to show what was read so far.
    BatchEnd,
}

/// Why a table could not be read, or not to its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Its `/proc` file could not be opened.
    #[error("cannot open {path}: {errno}")]
    Open {
        /// The file.
        path: &'static str,
        /// Why.
        errno: Errno,
    },
    /// The dump failed or broke off.
    #[error("cannot dump {path} over sock_diag: {source}")]
    Dump {
        /// The `/proc` file of the same table.
        path: &'static str,
        /// Why.
        source: DumpError,
    },
    /// All rows were read, but the kernel says that its table changed meanwhile.
    #[error("cannot dump {path} over sock_diag consistently: table changed while it was read")]
    Interrupted {
        /// The `/proc` file of the same table.
        path: &'static str,
    },
}

/// Gives the `/proc` file of a table.
pub fn proc_path(protocol: InetProtocol, version: IpVersion) -> &'static str {
    use InetProtocol::{Raw, Tcp, Udp, UdpLite};
    use IpVersion::{V4, V6};
    match (protocol, version) {
        (Tcp, V4) => "/proc/net/tcp",
        (Tcp, V6) => "/proc/net/tcp6",
        (Udp, V4) => "/proc/net/udp",
        (Udp, V6) => "/proc/net/udp6",
        (UdpLite, V4) => "/proc/net/udplite",
        (UdpLite, V6) => "/proc/net/udplite6",
        (Raw, V4) => "/proc/net/raw",
        (Raw, V6) => "/proc/net/raw6",
    }
}

/// Reads one table of this thread's network namespace; `each` gets rows in kernel order.
pub fn read_table(
    backend: &Backend,
    protocol: InetProtocol,
    version: IpVersion,
    needs: Needs,
    mut each: impl FnMut(Event),
) -> Result<(), ReadError> {
    let path = proc_path(protocol, version);
    let number = match protocol {
        InetProtocol::Tcp => IPPROTO_TCP,
        InetProtocol::Udp => IPPROTO_UDP,
        InetProtocol::UdpLite | InetProtocol::Raw => return read_proc(path, protocol, each),
    };
    let extensions = if needs.timers && protocol == InetProtocol::Tcp {
        extension(INET_DIAG_INFO)
    } else {
        0
    };
    if matches!(backend, Backend::Proc) || *backend == Backend::Auto && !diag_equals_proc(path)? {
        return read_proc(path, protocol, each);
    }
    let mut rows = DiagRows::new(path, protocol, needs);
    let outcome = match backend {
        Backend::Recording(directory) => {
            let name = path.strip_prefix("/proc/net/").unwrap_or(path);
            let suffix = if version == IpVersion::V4 { "4" } else { "" };
            match Dump::replay(&directory.join(format!("{name}{suffix}"))) {
                Ok(dump) => dump.read(|step| each(rows.event(step))),
                Err(error) => Err(DumpError::Refused(
                    error
                        .raw_os_error()
                        .map_or(Errno::IO, Errno::from_raw_os_error),
                )),
            }
        }
        Backend::Auto | Backend::Proc | Backend::Netlink => {
            let request = encode_dump_request(version, number, extensions);
            steady::read(&request, |step| each(rows.event(step)))
        }
    };
    match outcome {
        Ok(Summary { interrupted: false }) => Ok(()),
        Ok(Summary { interrupted: true }) => Err(ReadError::Interrupted { path }),
        Err(DumpError::Refused(_)) if *backend == Backend::Auto => read_proc(path, protocol, each),
        Err(source) => Err(ReadError::Dump { path, source }),
    }
}

/// Reads a `/proc` table. The kernel's own repeats and skips rows when sockets come and go meanwhile,
/// so there each row is handed on once, and what a second reading finds follows; any other file is
/// shown as it stands.
fn read_proc(
    path: &'static str,
    protocol: InetProtocol,
    mut each: impl FnMut(Event),
) -> Result<(), ReadError> {
    let mut handed_on = is_genuine(path).then(|| (Marks::read(), FxHashSet::default()));
    each_proc_row(path, protocol, |event| {
        let is_new = match (&mut handed_on, &event) {
            (Some((_, seen)), Event::Socket(socket)) => seen.insert(identity(socket)),
            _ => true,
        };
        if is_new {
            each(event);
        }
    })?;
    if let Some((before, mut seen)) = handed_on
        && before.have_moved()
    {
        each_proc_row(path, protocol, |event| {
            if matches!(&event, Event::Socket(socket) if seen.insert(identity(socket))) {
                each(event);
            }
        })?;
    }
    Ok(())
}

fn each_proc_row(
    path: &'static str,
    protocol: InetProtocol,
    mut each: impl FnMut(Event),
) -> Result<(), ReadError> {
    let mut rows = InetRows::new(protocol);
    let mut first = true;
    for_each_line(path, |line| {
        if !std::mem::take(&mut first) {
            each(rows.decode(line).map_or(Event::Bogus, Event::Socket));
        }
    })
    .map_err(|errno| ReadError::Open { path, errno })
}

/// What stands for a cookie, which `/proc` does not have: a number of both ends and the inode.
fn identity(socket: &InetSocket) -> u64 {
    let mut hasher = DefaultHasher::new();
    (socket.local, socket.peer, socket.raw_inode).hash(&mut hasher);
    hasher.finish()
}

/// Rows out of the messages of one dump.
struct DiagRows {
    path: &'static str,
    from_proc: bool,
    requests: Requests,
}

impl DiagRows {
    fn new(path: &'static str, protocol: InetProtocol, needs: Needs) -> Self {
        Self {
            path,
            from_proc: protocol == InetProtocol::Tcp && (needs.user || needs.timers),
            requests: Requests::default(),
        }
    }

    #[inline]
    fn event(&mut self, step: Step<'_>) -> Event {
        match step {
            Step::BatchEnd => Event::BatchEnd,
            Step::Message(message) => match decode_inet_diag(message) {
                None => Event::Bogus,
                Some(row) if self.from_proc && row.state == SocketState::SYN_RECV => {
                    Event::Socket(self.requests.complete(self.path, row))
                }
                Some(row) => Event::Socket(row),
            },
        }
    }
}

/// The SYN_RECV rows of a `/proc` table, read when the first is wanted.
#[derive(Default)]
struct Requests {
    rows: Option<FxHashMap<(Endpoint, Endpoint), InetSocket>>,
}

impl Requests {
    /// Gives the `/proc` row of a connection request; the diag row if it is gone there.
    fn complete(&mut self, path: &str, row: InetSocket) -> InetSocket {
        let rows = self.rows.get_or_insert_with(|| {
            let mut rows = FxHashMap::default();
            let mut decoder = InetRows::new(InetProtocol::Tcp);
            // Without the file the diag rows stay as they are.
            let _ = for_each_line(path, |line| {
                if let Some(found) = decoder.decode(line)
                    && found.state == SocketState::SYN_RECV
                {
                    rows.insert((found.local, found.peer), found);
                }
            });
            rows
        });
        let found = rows.get(&(row.local, row.peer));
        found.map_or(row, |found| InetSocket {
            cookie: row.cookie,
            ..*found
        })
    }
}

/// Says whether sock_diag shows what `path` shows, in the same order: `path` is the kernel's own
/// file, and the kernel walks the same tables for both.
fn diag_equals_proc(path: &'static str) -> Result<bool, ReadError> {
    rustix::fs::access(path, rustix::fs::Access::READ_OK)
        .map_err(|errno| ReadError::Open { path, errno })?;
    Ok(is_genuine(path) && kernel_orders_listeners_alike())
}

/// Says whether a file is the kernel's own.
pub(crate) fn is_genuine(path: &str) -> bool {
    rustix::fs::statfs(path)
        .is_ok_and(|fs| u64::try_from(fs.f_type).is_ok_and(|magic| magic == PROC_SUPER_MAGIC))
}

fn kernel_orders_listeners_alike() -> bool {
    let system = rustix::system::uname();
    let mut numbers = system
        .release()
        .to_bytes()
        .split(|b| !b.is_ascii_digit())
        .map(|digits| std::str::from_utf8(digits).ok()?.parse::<u32>().ok());
    match (numbers.next().flatten(), numbers.next().flatten()) {
        (Some(major), Some(minor)) => {
            let release = (major, minor);
            release < LISTENERS_SPLIT || release >= LISTENERS_JOINED
        }
        _ => false,
    }
}
