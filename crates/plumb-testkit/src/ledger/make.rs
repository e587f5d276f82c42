//! Network namespaces, and processes in each that make connections and write ledgers.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sched::{CloneFlags, unshare};

use super::worker;

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
/// Ports for connect(), away from those that are given and listened at.
const PORT_RANGE: &str = "20000 65535";

impl Plan {
    /// Connections of each thread.
    pub(super) fn each(&self) -> u64 {
        self.connections
            .div_ceil(NAMESPACES * PROCESSES * THREADS)
            .max(1)
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

    /// Words that make [`super::worker::run`] of them again.
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
    for namespace in 0..NAMESPACES {
        unshare(CloneFlags::CLONE_NEWNET)?;
        crate::loopback::bring_up()?;
        std::fs::write("/proc/sys/net/ipv4/ip_local_port_range", PORT_RANGE)?;
        for process in 0..PROCESSES {
            workers.push(start(
                &program,
                &plan.words(namespace, process),
                Stdio::piped(),
            )?);
        }
    }
    let mut hold = Vec::new();
    for worker in &mut workers {
        // A line says that it has closed everything but its listeners; the end, that it failed.
        let said = worker.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        BufReader::new(said).read_line(&mut String::new())?;
        hold.extend(worker.stdin.take());
    }
    if plan.hold {
        println!("done");
        io::stdout().flush()?;
        io::stdin().read_to_end(&mut Vec::new())?;
    }
    drop(hold);
    for mut worker in workers {
        let ended = worker.wait()?;
        if !ended.success() {
            return Err(io::Error::other(format!("a worker ended with {ended}")));
        }
    }
    Ok(())
}

fn start(program: &Path, words: &[String], input: Stdio) -> io::Result<Child> {
    Command::new(program)
        .arg(worker::WORD)
        .args(words)
        .stdin(input)
        .stdout(Stdio::piped())
        .spawn()
}
