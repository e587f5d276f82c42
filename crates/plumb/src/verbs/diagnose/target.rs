//! What a diagnosis is about, from the words of the command line.
//!
//! A name may be that of a process or of a host. Processes come first, whether they hold sockets or not: a
//! program that cannot bind its port holds none. A name that is neither is one of a process only if calls of
//! it were refused meanwhile, as those of a service that is started again and again.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use plumb_analyze::diagnose::Focus;
use plumb_collect::processes::{self, Processes};
use plumb_model::id::Pid;

use super::look::Refused;
use crate::verbs::resolve;

/// The kernel keeps so many bytes of the name of a program (`TASK_COMM_LEN` without its end).
const COMM_BYTES: usize = 15;

/// What somebody asks about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// Everything.
    Host,
    /// A port of either end.
    Port(u16),
    /// A process, and those that descend from it.
    Process(Pid),
    /// All processes of a name, cut as the kernel cuts it, and those that descend from them.
    Name(String),
    /// Another end.
    Peer(Vec<IpAddr>, Option<u16>),
    /// A name that is none of a process now and of no host, and why it is of none.
    Unknown(String, String),
}

impl Target {
    /// Reads the word of the command line; the error says what is wrong with it.
    pub fn read(word: Option<&str>) -> Result<Self, String> {
        let Some(word) = word else {
            return Ok(Self::Host);
        };
        if let Some(word) = word.strip_prefix(':').filter(|rest| !rest.starts_with(':')) {
            let port = resolve::port(word).filter(|&port| port > 0);
            return port
                .map(Self::Port)
                .ok_or_else(|| format!("{word:?} is no port and no known service"));
        }
        if let Ok(pid) = word.parse::<u32>() {
            return match processes::of_thread(Pid(pid)) {
                None if pid > u16::MAX.into() => Err(format!("there is no process {pid}")),
                None => Err(format!(
                    "there is no process {pid}; a port is written :{pid}"
                )),
                Some(process) if process.0 != pid => Err(format!(
                    "{pid} is a thread of process {}; ask for that",
                    process.0
                )),
                Some(process) => Ok(Self::Process(process)),
            };
        }
        let name = comm(word);
        if !pids_named(&name).is_empty() {
            return Ok(Self::Name(name));
        }
        match peer(word) {
            Err(why) if !word.contains(':') => Ok(Self::Unknown(word.to_owned(), why)),
            other => other,
        }
    }

    /// Gives the processes that are meant now.
    pub fn processes(&self) -> BTreeSet<Pid> {
        let roots = match self {
            Self::Process(pid) => vec![*pid],
            Self::Name(name) => pids_named(name),
            _ => Vec::new(),
        };
        roots.into_iter().flat_map(processes::descendants).collect()
    }

    /// Gives the ends that are asked about, of a port alone none: it may be anywhere.
    pub fn ends(&self) -> Vec<SocketAddr> {
        match self {
            Self::Peer(hosts, Some(port)) => {
                hosts.iter().map(|ip| SocketAddr::new(*ip, *port)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Gives what findings must concern: `pids` are the processes that were meant at any time, `refused` the
    /// calls that were.
    pub fn focus(&self, pids: &BTreeSet<Pid>, refused: &Refused) -> Result<Focus, String> {
        let mut focus = Focus {
            pids: pids.iter().map(|pid| pid.0).collect(),
            ..Focus::default()
        };
        match self {
            Self::Host | Self::Process(_) => {}
            Self::Port(port) => focus.port = Some(*port),
            Self::Name(name) => focus.names = vec![name.clone()],
            Self::Peer(hosts, port) => (focus.hosts, focus.port) = (hosts.clone(), *port),
            Self::Unknown(word, why) => {
                let name = comm(word);
                if !refused.is_told_of(&name) {
                    return Err(format!("no process is called {word}, and as a host: {why}"));
                }
                focus.names = vec![name];
            }
        }
        Ok(focus)
    }
}

/// Cuts a name as the kernel does.
fn comm(word: &str) -> String {
    let mut end = word.len().min(COMM_BYTES);
    while !word.is_char_boundary(end) {
        end -= 1;
    }
    word.get(..end).unwrap_or(word).to_owned()
}

fn pids_named(name: &str) -> Vec<Pid> {
    let known = Processes::open();
    let folders = std::fs::read_dir(processes::root()).into_iter().flatten();
    let pids = folders
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let named = pids.filter(|pid| {
        let comm = i32::try_from(*pid).ok().and_then(|pid| known.name(pid));
        comm.is_some_and(|comm| comm == name.as_bytes())
    });
    named.map(Pid).collect()
}

/// Reads `HOST` and `HOST:PORT`, whose names are looked up.
fn peer(word: &str) -> Result<Target, String> {
    let (name, port) = resolve::host_and_port(word)?;
    let found = match resolve::literal(name, 0)? {
        Some(address) => vec![address],
        None => resolve::lookup(name, 0)?,
    };
    let hosts = found.into_iter().map(|end| end.ip()).collect();
    Ok(Target::Peer(hosts, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports_are_read_as_people_write_them() {
        let loopback: IpAddr = "::1".parse().expect("an address");
        let read = |word| Target::read(Some(word));
        assert_eq!(read("::1"), Ok(Target::Peer(vec![loopback], None)));
        assert_eq!(read("[::1]:80"), Ok(Target::Peer(vec![loopback], Some(80))));
        let mapped = IpAddr::from([192, 0, 2, 1]);
        assert_eq!(
            read("::ffff:192.0.2.1"),
            Ok(Target::Peer(vec![mapped], None))
        );
        assert_eq!(read(":443"), Ok(Target::Port(443)));
        for wrong in [":0", ":", ":99999", ":no-such-service", "[::1", "a:0"] {
            read(wrong).expect_err(wrong);
        }
        // Where there is a database of services, it has this one.
        if std::path::Path::new("/etc/services").exists() {
            assert_eq!(read(":domain"), Ok(Target::Port(53)));
        }
    }

    #[test]
    fn only_what_could_be_a_port_is_said_to_be_written_as_one() {
        let why = |word| Target::read(Some(word)).expect_err("no kernel has so many processes");
        assert_eq!(why("99999999"), "there is no process 99999999");
    }
}
