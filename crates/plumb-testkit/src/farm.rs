//! A farm of sockets: many processes that hold established loopback TCP connections and do nothing.
//!
//! Each process is a real one (the farm's program started again), listens on one port and connects
//! to itself, so that one process holds both ends; every process has an address of its own within
//! 127.0.0.0/8, so that the ports of one source never run out. A process says one line when all
//! its connections stand, and ends when its standard input closes or when its parent dies.
//! The farm lives in the namespaces of its caller; the `plumb-farm` program makes new ones first.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};

/// The largest number of sockets one process may hold: below the usual hard limit of open files.
pub const MAX_SOCKETS_PER_PROCESS: usize = 18_000;

/// The first word of the command line that makes the farm's program one process of the farm.
pub const WORKER: &str = "worker";

/// What a process of the farm says when its connections stand.
const READY: &str = "ready";

/// Listeners have the ports from here on, one for each process; below the ephemeral ports.
const FIRST_PORT: u16 = 10_000;

/// How many processes fit between [`FIRST_PORT`] and the ephemeral ports.
const MAX_PROCESSES: usize = 20_000;

/// How many sockets in how many processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    sockets: usize,
    processes: usize,
}

impl Plan {
    /// Checks that `sockets` established sockets (both ends counted) can be spread over
    /// `processes`. An odd socket is rounded up to a connection; the listeners come on top.
    pub fn new(sockets: usize, processes: usize) -> Result<Self, String> {
        let plan = Self { sockets, processes };
        if processes == 0 && sockets > 0 {
            return Err(format!("{sockets} sockets need at least one process"));
        }
        if processes > MAX_PROCESSES {
            return Err(format!("at most {MAX_PROCESSES} processes fit into a farm"));
        }
        let most = (0..processes).map(|index| plan.connections_of(index) * 2);
        if most.max().unwrap_or(0) > MAX_SOCKETS_PER_PROCESS {
            let enough = sockets.div_ceil(MAX_SOCKETS_PER_PROCESS) + 1;
            return Err(format!(
                "a process holds at most {MAX_SOCKETS_PER_PROCESS} sockets: \
                 {sockets} need about {enough} processes"
            ));
        }
        Ok(plan)
    }

    /// Gives the number of connections of the process with this number.
    fn connections_of(self, index: usize) -> usize {
        let connections = self.sockets.div_ceil(2);
        let rest = connections % self.processes;
        connections / self.processes + usize::from(index < rest)
    }
}

/// A standing farm; dropping it ends its processes.
#[derive(Debug)]
pub struct Farm {
    workers: Vec<Child>,
}

impl Farm {
    /// Starts the farm from `program` (the `plumb-farm` binary) in the caller's namespaces, where
    /// loopback must be up, and returns when every connection stands.
    pub fn start(program: &Path, plan: Plan) -> io::Result<Self> {
        raise_open_files()?;
        let mut farm = Self {
            workers: Vec::with_capacity(plan.processes),
        };
        let mut outputs = Vec::with_capacity(plan.processes);
        for index in 0..plan.processes {
            let mut worker = Command::new(program)
                .arg(WORKER)
                .arg(index.to_string())
                .arg(plan.connections_of(index).to_string())
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()?;
            outputs.extend(worker.stdout.take());
            farm.workers.push(worker);
        }
        outputs.into_iter().try_for_each(wait_until_ready)?;
        Ok(farm)
    }

    /// Gives the process ids of the farm.
    pub fn pids(&self) -> impl Iterator<Item = u32> + '_ {
        self.workers.iter().map(Child::id)
    }
}

impl Drop for Farm {
    fn drop(&mut self) {
        for worker in &mut self.workers {
            // A worker that has already ended is what we want.
            let _ = worker.kill();
        }
        for worker in &mut self.workers {
            let _ = worker.wait();
        }
    }
}

/// Reads the one line a process says; anything else is its reason for having failed.
fn wait_until_ready(output: ChildStdout) -> io::Result<()> {
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line)?;
    match line.trim_end() {
        READY => Ok(()),
        "" => Err(io::Error::other("a process of the farm died")),
        reason => Err(io::Error::other(format!("the farm: {reason}"))),
    }
}

/// Is one process of the farm: connects, says so, and holds everything until standard input ends.
pub fn work(index: usize, connections: usize) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    let held = raise_open_files().and_then(|()| connect_to_ourselves(index, connections));
    let mut stdout = io::stdout();
    match &held {
        Ok(_) => writeln!(stdout, "{READY}")?,
        Err(error) => writeln!(stdout, "process {index}: {error}")?,
    }
    stdout.flush()?;
    // If the parent died before the death signal was asked for, this ends at once.
    io::stdin().read_to_end(&mut Vec::new())?;
    held.map(drop)
}

/// Makes a listener and both ends of `connections` connections to it.
fn connect_to_ourselves(
    index: usize,
    connections: usize,
) -> io::Result<(TcpListener, Vec<TcpStream>)> {
    let number = u16::try_from(index).map_err(io::Error::other)?;
    let port = FIRST_PORT
        .checked_add(number)
        .ok_or_else(|| io::Error::other("no port left"))?;
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port))?;
    let mut held = Vec::with_capacity(connections * 2);
    for connection in 0..connections {
        let near = TcpStream::connect(address(number, connection, port))?;
        let (far, _) = listener.accept()?;
        // With a reset instead of a goodbye nothing lingers in TIME_WAIT after the farm.
        rustix::net::sockopt::set_socket_linger(&near, Some(std::time::Duration::ZERO))?;
        held.extend([near, far]);
    }
    Ok((listener, held))
}

/// Spreads the far ends over 127.0.0.0/8: one /24 for each process, 250 hosts in each.
fn address(process: u16, connection: usize, port: u16) -> SocketAddr {
    let [high, low] = process.to_be_bytes();
    let host = u8::try_from(connection % 250).unwrap_or(0) + 1;
    SocketAddr::from(([127, high + 1, low, host], port))
}

/// Raises the soft limit of open files to the hard one: nothing else may, without privilege.
fn raise_open_files() -> io::Result<()> {
    let hard = getrlimit(Resource::Nofile).maximum;
    let raised = Rlimit {
        current: hard,
        maximum: hard,
    };
    Ok(setrlimit(Resource::Nofile, raised)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_spread_evenly_and_none_is_lost() {
        let plan = Plan::new(1001, 7).unwrap_or_else(|error| panic!("{error}"));
        let each: Vec<_> = (0..7).map(|index| plan.connections_of(index)).collect();
        assert_eq!(each.iter().sum::<usize>(), 501);
        assert_eq!(each, [72, 72, 72, 72, 71, 71, 71]);
    }

    #[test]
    fn a_plan_that_cannot_stand_is_refused_before_it_starts() {
        assert!(Plan::new(0, 0).is_ok());
        assert!(Plan::new(10, 0).is_err());
        assert!(Plan::new(1_000_000, 56).is_ok());
        assert!(Plan::new(1_000_000, 55).is_err());
        assert!(Plan::new(100, MAX_PROCESSES + 1).is_err());
    }

    #[test]
    fn no_two_processes_share_an_address() {
        assert_ne!(address(0, 0, 10_000), address(256, 0, 10_256));
        assert_eq!(
            address(299, 250, 80),
            SocketAddr::from(([127, 2, 43, 1], 80))
        );
    }
}
