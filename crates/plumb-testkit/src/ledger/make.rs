//! Network namespaces, and processes in each that make connections and write ledgers.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::Ipv4Addr;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use nix::sched::{CloneFlags, setns, unshare};

use super::{across, ports, worker};
use crate::namespace::ip;

/// What to make.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Connections and attempts, about: a whole number for each thread.
    pub connections: u64,
    /// Where randomness begins.
    pub seed: u64,
    /// Where the ledgers go: a folder that is there.
    pub folder: PathBuf,
    /// Keep the listeners until standard input ends; says `done` before.
    pub hold: bool,
}

impl Plan {
    /// Reads the words that a process of this program is started with: connections, seed, folder.
    pub fn of_words(words: &[&str]) -> Option<Self> {
        let number = |at: usize| words.get(at)?.parse().ok();
        Some(Self {
            connections: number(0)?,
            seed: number(1)?,
            folder: PathBuf::from(words.get(2)?),
            hold: false,
        })
    }
}

/// The words that make a process of this program the maker, and let it hold its listeners.
pub const WORD: &str = "make";
/// See [`WORD`].
pub const HOLD: &str = "hold";
/// Network namespaces.
pub const NAMESPACES: u64 = 3;
/// Processes in each.
pub const PROCESSES: u64 = 2;
/// Threads of each.
pub const THREADS: u64 = 2;
/// Threads that make connections: within namespaces, and from each but the first to the one before it.
const MAKERS: u64 = NAMESPACES * PROCESSES * THREADS + (NAMESPACES - 1) * THREADS;

impl Plan {
    /// Connections of each thread.
    pub(super) fn each(&self) -> u64 {
        self.connections.div_ceil(MAKERS).max(1)
    }

    /// The command that makes them.
    pub(super) fn command(&self, program: &Path) -> Vec<String> {
        let mut words = vec![program.to_string_lossy().into_owned(), WORD.to_owned()];
        words.extend([
            self.connections.to_string(),
            self.seed.to_string(),
            self.folder.to_string_lossy().into_owned(),
        ]);
        words.extend(self.hold.then(|| HOLD.to_owned()));
        words
    }

    /// Words that make [`super::worker::run`] or [`super::across::call`] of them again.
    fn words(&self, namespace: u64, process: u64) -> [String; 5] {
        [
            self.connections.to_string(),
            self.seed.to_string(),
            self.folder.to_string_lossy().into_owned(),
            namespace.to_string(),
            process.to_string(),
        ]
    }
}

/// Makes them; comes back when all are closed. Must be called by a process with one thread: it is in
/// another network namespace then.
pub fn run(plan: &Plan) -> io::Result<()> {
    let program = std::env::current_exe()?;
    let mut workers = Vec::new();
    let mut earlier: Option<Place> = None;
    for namespace in 0..NAMESPACES {
        unshare(CloneFlags::CLONE_NEWNET)?;
        crate::loopback::bring_up()?;
        std::fs::write("/proc/sys/net/ipv4/ip_local_port_range", ports::CHOSEN)?;
        for process in 0..PROCESSES {
            let words = plan.words(namespace, process);
            workers.push(Worker::start(&program, worker::WORD, &words)?);
        }
        let first = workers
            .iter()
            .rev()
            .nth(usize::try_from(PROCESSES).unwrap_or(1) - 1);
        let here = Place::here(first.map_or(0, |worker| worker.child.id()))?;
        if let Some(earlier) = &earlier {
            workers.extend(link(&program, plan, namespace, earlier, &here)?);
        }
        earlier = Some(here);
    }
    for worker in &mut workers {
        // Says that it has closed everything but its listeners.
        worker.wait_for("done")?;
    }
    if plan.hold {
        println!("done");
        io::stdout().flush()?;
        io::stdin().read_to_end(&mut Vec::new())?;
    }
    workers.into_iter().try_for_each(Worker::end)
}

/// A network namespace.
struct Place {
    file: File,
    netns: u64,
    /// A process in it.
    pid: u32,
}

impl Place {
    fn here(pid: u32) -> io::Result<Self> {
        let file = File::open("/proc/self/ns/net")?;
        let netns = file.metadata()?.ino();
        Ok(Self { file, netns, pid })
    }
}

/// Connects the namespace this process is in with an earlier one, and starts a server there and a client here.
fn link(
    program: &Path,
    plan: &Plan,
    number: u64,
    earlier: &Place,
    here: &Place,
) -> io::Result<[Worker; 2]> {
    let names = [format!("served{number}"), format!("calls{number}")];
    let [served, calls] = &names;
    let there = earlier.pid.to_string();
    ip(&[
        "link", "add", calls, "type", "veth", "peer", "name", served, "netns", &there,
    ])?;
    bring_up(calls, across::address(number, false))?;
    setns(&earlier.file, CloneFlags::CLONE_NEWNET)?;
    bring_up(served, across::address(number, true))?;
    let mut server = Worker::start(program, across::SERVE, &[])?;
    server.wait_for(across::READY)?;
    setns(&here.file, CloneFlags::CLONE_NEWNET)?;
    let client = Worker::start(program, across::CALL, &plan.words(number, earlier.netns))?;
    // The client first: if it fails, the server waits for ever.
    Ok([client, server])
}

fn bring_up(name: &str, address: Ipv4Addr) -> io::Result<()> {
    ip(&["address", "add", &format!("{address}/24"), "dev", name])?;
    ip(&["link", "set", name, "up"])
}

/// A process that makes connections.
struct Worker {
    child: Child,
    said: BufReader<ChildStdout>,
    /// It holds its listeners until this is gone.
    hold: ChildStdin,
}

impl Worker {
    fn start(program: &Path, word: &str, words: &[String]) -> io::Result<Self> {
        let mut child = Command::new(program)
            .arg(word)
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let pipes = child.stdout.take().zip(child.stdin.take());
        let (said, hold) = pipes.ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(Self {
            child,
            said: BufReader::new(said),
            hold,
        })
    }

    fn wait_for(&mut self, word: &str) -> io::Result<()> {
        let mut line = String::new();
        self.said.read_line(&mut line)?;
        if line.trim_end() == word {
            return Ok(());
        }
        Err(io::Error::other(format!("a worker does not say {word}")))
    }

    fn end(mut self) -> io::Result<()> {
        drop(self.hold);
        let ended = self.child.wait()?;
        if ended.success() {
            return Ok(());
        }
        Err(io::Error::other(format!("a worker ended with {ended}")))
    }
}
