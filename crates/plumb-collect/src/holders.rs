//! All descriptors of every socket: told by BPF programs, or by one parallel pass over `/proc/PID/fd`.
//!
//! [`crate::owners`] stops at the first process that holds a wanted socket; here every descriptor of
//! every process, and if asked of every thread, is kept, because ss lists them all. The order is
//! fixed: last process first, in each its last thread first, in each the last descriptor first, where
//! "last" is the order of the directories. What could not be read is silently missing, as in ss.

mod told;
mod walk;

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use plumb_bpf::Unavailable;
use plumb_bpf::owners::Wanted;
use plumb_model::holder::Holder;
use rustc_hash::FxHashMap;

use crate::owners::engine::{self, Engine, Purpose};

/// What to find beside the descriptors of processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Detail {
    /// Also those of every thread.
    pub threads: bool,
    /// Also SELinux contexts.
    pub contexts: Contexts,
}

/// Which SELinux contexts are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Contexts {
    /// None.
    #[default]
    None,
    /// Those of processes and threads.
    Processes,
    /// Those of sockets, too, one `getxattr` for each descriptor.
    ProcessesAndSockets,
}

/// No further entry.
const NONE: u32 = u32::MAX;

/// Every descriptor of every socket.
#[derive(Debug, Default)]
pub struct Holders {
    tasks: Vec<Task>,
    /// The first entry of each inode.
    first: FxHashMap<u32, u32>,
    entries: Vec<Entry>,
    /// The descriptors of at least one process or thread were refused (EACCES), or `/proc` could not
    /// be listed: a socket without a holder may have one.
    pub is_incomplete: bool,
    /// Per entry the context of its socket; empty when they were not asked for.
    socket_contexts: Vec<Option<Arc<[u8]>>>,
}

/// A process or thread with at least one socket.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) pid: i32,
    tid: i32,
    pub(crate) name: Box<[u8]>,
    context: Option<Box<[u8]>>,
    /// When the process began, as its `stat` tells it; `None` where it had ended by then.
    pub(crate) start_ticks: Option<u64>,
}

/// A reading under way on other threads.
pub struct Started(Way);

enum Way {
    Walk(walk::Started),
    /// A program tells; if it cannot, the walk begins then.
    Told(JoinHandle<Result<Holders, Unavailable>>),
}

impl Started {
    /// Helps, waits for the end, and gives the holders.
    pub fn finish(self) -> Holders {
        let told = match self.0 {
            Way::Walk(walk) => return walk.finish(),
            Way::Told(told) => told.join(),
        };
        match told {
            Ok(Ok(holders)) => holders,
            // Who asked for the program by name gets nothing else.
            Ok(Err(_)) | Err(_) if engine::forced() == Ok(Some(Engine::Bpf)) => Holders {
                is_incomplete: true,
                ..Holders::default()
            },
            Ok(Err(_)) | Err(_) => walk::start(Path::new("/proc"), Detail::default()).finish(),
        }
    }
}

/// A descriptor, and where the next one of the same socket stands.
#[derive(Debug, Clone, Copy)]
struct Entry {
    task: u32,
    fd: i32,
    next: u32,
}

impl Holders {
    /// Reads all descriptors of the processes below `proc_root` (`/proc`), and waits for the end.
    ///
    /// Never fails: without a readable `proc_root` no socket has a holder.
    pub fn collect(proc_root: &Path, detail: Detail) -> Self {
        Self::start(proc_root, detail).finish()
    }

    /// Starts reading on the other cores; [`Started::finish`] helps and waits.
    ///
    /// Programs are asked where they tell all that is wanted: neither threads nor contexts, of the
    /// processes of this host.
    pub fn start(proc_root: &Path, detail: Detail) -> Started {
        let can_be_told = detail == Detail::default() && proc_root == Path::new("/proc");
        if can_be_told && engine::choose(Purpose::AsTheOriginal).engine == Engine::Bpf {
            return Self::start_told();
        }
        Started(Way::Walk(walk::start(proc_root, detail)))
    }

    /// Reads the descriptors of few sockets, by their inodes, and waits for the end. Who tells them is
    /// asked for no others; a walk finds all anyway.
    pub fn of_few(inodes: &[u64]) -> Self {
        if engine::choose(Purpose::AsTheOriginal).engine == Engine::Bpf
            && let Ok(holders) = told::read(Wanted::Inodes(inodes))
        {
            return holders;
        }
        Self::collect(Path::new("/proc"), Detail::default())
    }

    /// Walks, whatever the engine, and waits for the end.
    pub(crate) fn walk(proc_root: &Path, detail: Detail) -> Self {
        walk::start(proc_root, detail).finish()
    }

    /// Starts reading what programs tell.
    pub(crate) fn start_told() -> Started {
        Started(Way::Told(std::thread::spawn(|| told::read(Wanted::All))))
    }

    /// Gives the holders of a socket in the order of ss. Of the inode the low 32 bits count, which
    /// is all that sockets have.
    pub fn of(&self, inode: u64) -> impl Iterator<Item = Holder<'_>> {
        let mut next = match inode & u64::from(u32::MAX) {
            0 => None,
            low => u32::try_from(low)
                .ok()
                .and_then(|low| self.first.get(&low).copied()),
        };
        std::iter::from_fn(move || {
            let index = usize::try_from(next?).ok()?;
            let entry = self.entries.get(index)?;
            next = (entry.next != NONE).then_some(entry.next);
            self.holder(index, entry)
        })
    }

    fn holder(&self, index: usize, entry: &Entry) -> Option<Holder<'_>> {
        let task = self.tasks.get(usize::try_from(entry.task).ok()?)?;
        Some(Holder {
            pid: task.pid,
            tid: task.tid,
            fd: entry.fd,
            name: &task.name,
            process_context: task.context.as_deref(),
            socket_context: self.socket_contexts.get(index).and_then(Option::as_deref),
        })
    }

    /// Adds a task behind all that were added before, with its sockets in the order of its
    /// descriptors, and their contexts if those were asked for.
    fn add(&mut self, task: Task, sockets: &[Socket], contexts: &[Option<Arc<[u8]>>]) {
        self.tasks.push(task);
        for &socket in sockets {
            self.add_socket(socket);
        }
        self.socket_contexts.extend_from_slice(contexts);
    }

    /// Adds a socket of the last task.
    fn add_socket(&mut self, socket: Socket) {
        let task = u32::try_from(self.tasks.len().saturating_sub(1));
        let index = u32::try_from(self.entries.len());
        let (Ok(task), Ok(index)) = (task, index) else {
            return;
        };
        if index == NONE {
            return;
        }
        let next = self.first.insert(socket.inode, index).unwrap_or(NONE);
        self.entries.push(Entry {
            task,
            fd: socket.fd,
            next,
        });
    }

    /// Gives the tasks that hold a socket and their descriptors, the first of `/proc` last.
    pub(crate) fn tasks_of(&self, inode: u32) -> impl Iterator<Item = (&Task, i32)> {
        let mut next = self.first.get(&inode).copied();
        std::iter::from_fn(move || {
            let entry = self.entries.get(usize::try_from(next?).ok()?)?;
            next = (entry.next != NONE).then_some(entry.next);
            let task = self.tasks.get(usize::try_from(entry.task).ok()?)?;
            Some((task, entry.fd))
        })
    }

    /// Says whether no descriptor of any socket was seen.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// One descriptor as a worker found it.
#[derive(Debug, Clone, Copy)]
struct Socket {
    inode: u32,
    fd: i32,
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;

    use super::*;

    /// A hand-made tree that stands in for `/proc`, removed at the end.
    struct Tree(PathBuf);

    impl Tree {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("plumb-{name}-{}", std::process::id()));
            let _ = std::fs::remove_dir_all(&path);
            std::fs::create_dir_all(&path).expect("a folder of our own");
            Self(path)
        }

        fn task(&self, pid: &str, stat: &[u8], links: &[(&str, &str)]) {
            let task = self.0.join(pid);
            std::fs::create_dir_all(task.join("fd")).expect("a folder of our own");
            std::fs::write(task.join("stat"), stat).expect("a file of our own");
            for (fd, target) in links {
                symlink(target, task.join("fd").join(fd)).expect("a link of our own");
            }
        }

        fn holders(&self, detail: Detail, inode: u64) -> Vec<(i32, i32, i32, String)> {
            let holders = Holders::collect(&self.0, detail);
            holders
                .of(inode)
                .map(|holder| {
                    let name = String::from_utf8_lossy(holder.name).into_owned();
                    (holder.pid, holder.tid, holder.fd, name)
                })
                .collect()
        }
    }

    impl Drop for Tree {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn strange_trees_show_what_the_original_shows() {
        let tree = Tree::new("holders-strange");
        tree.task(
            "100",
            b"100 (a)b) S",
            &[
                ("3", "socket:[77]"),
                ("03", "socket:[78]"),
                ("04", "socket:[78]"),
                ("4x", "socket:[77]"),
                ("99999999999", "socket:[77]"),
                ("5", "socket:77"),
                ("6", "socket:[0]"),
            ],
        );
        tree.task("0x7", b"1 (x)", &[("3", "socket:[77]")]);
        tree.task("net", b"", &[("3", "socket:[77]")]);
        symlink("..", tree.0.join("200")).expect("a link of our own");
        std::fs::create_dir(tree.0.join("300")).expect("a folder of our own");
        symlink("fd", tree.0.join("300/fd")).expect("a loop of our own");
        std::fs::write(tree.0.join("400"), b"no folder").expect("a file of our own");
        let found = tree.holders(Detail::default(), 77);
        // Descriptor 3 is met twice, descriptor 4 is not there.
        assert_eq!(found, vec![(100, 100, 3, "a".to_owned()); 2]);
        assert_eq!(tree.holders(Detail::default(), 0), []);
        assert_eq!(tree.holders(Detail::default(), 78), []);
        // The kernel's inodes have 32 bits, and so have the original's.
        assert_eq!(tree.holders(Detail::default(), (1 << 32) + 77).len(), 2);
    }

    #[test]
    fn without_a_name_the_entry_stays() {
        let tree = Tree::new("holders-nameless");
        tree.task("100", b"nothing of the kind", &[("3", "socket:[77]")]);
        let found = tree.holders(Detail::default(), 77);
        assert_eq!(found, [(100, 100, 3, String::new())]);
    }

    #[test]
    fn a_root_that_is_not_there_has_no_holders() {
        let holders = Holders::collect(Path::new("/proc/self/no-such-root"), Detail::default());
        assert_eq!(holders.of(1).count(), 0);
    }

    /// The order is that of the directory backwards, whatever the number of workers.
    #[test]
    fn many_processes_come_in_one_order() {
        let tree = Tree::new("holders-order");
        for pid in 1..200 {
            let links: Vec<(String, &str)> =
                (0..3).map(|fd| (fd.to_string(), "socket:[9]")).collect();
            let links: Vec<(&str, &str)> =
                links.iter().map(|(fd, to)| (fd.as_str(), *to)).collect();
            tree.task(&pid.to_string(), b"1 (x)", &links);
        }
        let read = |path: &Path| -> Vec<i32> {
            std::fs::read_dir(path)
                .expect("a folder of our own")
                .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
                .collect()
        };
        let mut expected = Vec::new();
        for pid in read(&tree.0) {
            for fd in read(&tree.0.join(pid.to_string()).join("fd")) {
                expected.push((pid, pid, fd, "x".to_owned()));
            }
        }
        expected.reverse();
        assert_eq!(expected.len(), 199 * 3);
        assert_eq!(tree.holders(Detail::default(), 9), expected);
    }

    #[test]
    fn our_own_socket_is_held_by_us() {
        use std::os::fd::AsRawFd as _;
        use std::os::unix::fs::MetadataExt as _;

        let (socket, _other) = std::os::unix::net::UnixStream::pair().expect("a pair of sockets");
        let path = format!("/proc/self/fd/{}", socket.as_raw_fd());
        let inode = std::fs::metadata(path).expect("our own descriptor").ino();
        let detail = Detail {
            threads: true,
            contexts: Contexts::None,
        };
        let holders = Holders::collect(Path::new("/proc"), detail);
        let own = i32::try_from(std::process::id()).expect("process ids are ints");
        let ours: Vec<_> = holders
            .of(inode)
            .filter(|holder| holder.pid == own && holder.fd == socket.as_raw_fd())
            .collect();
        // One entry for each thread, and the main one is the last.
        assert!(ours.len() > 1, "a test runs in a thread of its own");
        assert_eq!(ours.last().map(|main| main.tid), Some(own));
    }
}
