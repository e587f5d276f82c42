//! Where a scenario is made: the host under test, peers across veth, and what keeps running.
//!
//! The calling process is the first one of its own namespaces ([`crate::sandbox`]); its network is the
//! host under test. Peers are further network namespaces, reached by threads that enter them or by
//! programs under `ip netns exec`. What was started is ended when the stage is dropped, and settings and
//! links are as they were, because some stages have the network of a whole machine.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Longest wait for a condition.
const PATIENCE: Duration = Duration::from_secs(20);

/// Longest wait for the workers at the end, and how often one looks.
const FAREWELL: Duration = Duration::from_secs(3);
const LOOK: Duration = Duration::from_millis(10);

/// A network namespace beside the host under test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer(String);

impl Peer {
    /// Gives its name for `ip netns`.
    pub fn name(&self) -> &str {
        &self.0
    }
}

/// The stage of one scenario.
#[derive(Debug, Default)]
pub struct Stage {
    threads: Vec<JoinHandle<()>>,
    children: Vec<Child>,
    stop: Arc<AtomicBool>,
    held: Vec<Held>,
    links: Vec<String>,
    settings: Vec<(PathBuf, Vec<u8>)>,
}

/// Something that must live as long as the stage.
struct Held(#[expect(dead_code, reason = "held for its drop alone")] Box<dyn std::any::Any + Send>);

impl std::fmt::Debug for Held {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Held")
    }
}

impl Stage {
    /// Prepares an empty stage; the process must be in a sandbox of its own.
    pub fn new() -> io::Result<Self> {
        // Names of namespaces are files, which must not be left on the machine.
        std::fs::create_dir_all("/run/netns")?;
        rustix::mount::mount(
            "tmpfs",
            "/run/netns",
            "tmpfs",
            rustix::mount::MountFlags::empty(),
            None,
        )?;
        Ok(Self::default())
    }

    /// Makes a peer with its loopback up.
    pub fn peer(&mut self, name: &str) -> io::Result<Peer> {
        run("ip", ["netns", "add", name])?;
        run("ip", ["-n", name, "link", "set", "lo", "up"])?;
        Ok(Peer(name.to_owned()))
    }

    /// Joins the host under test and a peer by veth: interface `here` with `address` on our side,
    /// `there` with `peer_address` on theirs, both as `10.9.0.1/24`.
    pub fn veth(
        &mut self,
        peer: &Peer,
        (here, address): (&str, &str),
        (there, peer_address): (&str, &str),
    ) -> io::Result<()> {
        let name = peer.name();
        run(
            "ip",
            [
                "link", "add", here, "type", "veth", "peer", "name", there, "netns", name,
            ],
        )?;
        self.links.push(here.to_owned());
        run("ip", ["addr", "add", address, "dev", here, "nodad"])?;
        run("ip", ["link", "set", here, "up"])?;
        run(
            "ip",
            [
                "-n",
                name,
                "addr",
                "add",
                peer_address,
                "dev",
                there,
                "nodad",
            ],
        )?;
        run("ip", ["-n", name, "link", "set", there, "up"])?;
        self.wait_for_link(None, here)?;
        self.wait_for_link(Some(peer), there)
    }

    /// Waits until an interface that was switched on, and whose other end was, lets packets out: until the kernel has seen
    /// to its carrier, which may take a second, it throws away the first, and whoever sent them waits for a timer.
    pub fn wait_for_link(&self, peer: Option<&Peer>, link: &str) -> io::Result<()> {
        self.wait_until(&format!("the carrier of {link}"), || {
            let mut ip = Command::new("ip");
            if let Some(peer) = peer {
                ip.args(["-n", peer.name()]);
            }
            let output = ip.args(["-o", "link", "show", "dev", link]).output()?;
            Ok(String::from_utf8_lossy(&output.stdout).contains(" state UP "))
        })
    }

    /// Runs a program to its end on the host under test; a failure is an error.
    pub fn run<const N: usize>(&self, program: &str, arguments: [&str; N]) -> io::Result<()> {
        run(program, arguments)
    }

    /// Runs a program to its end in a peer; a failure is an error.
    pub fn run_in<const N: usize>(
        &self,
        peer: &Peer,
        program: &str,
        arguments: [&str; N],
    ) -> io::Result<()> {
        let mut all = vec!["netns", "exec", peer.name(), program];
        all.extend(arguments);
        run("ip", all)
    }

    /// Loads an nftables ruleset on the host under test, or in a peer.
    pub fn nft(&self, peer: Option<&Peer>, rules: &str) -> io::Result<()> {
        match peer {
            None => self.run("nft", [rules]),
            Some(peer) => self.run_in(peer, "nft", [rules]),
        }
    }

    /// Sets a sysctl of the host under test, as `net.ipv4.tcp_syncookies`, until the stage is dropped.
    pub fn sysctl(&mut self, name: &str, value: impl std::fmt::Display) -> io::Result<()> {
        let path = Path::new("/proc/sys").join(name.replace('.', "/"));
        let before = std::fs::read(&path)?;
        std::fs::write(&path, value.to_string())?;
        self.settings.push((path, before));
        Ok(())
    }

    /// Keeps something alive until the stage is dropped: sockets, say.
    pub fn hold(&mut self, kept: impl Send + 'static) {
        self.held.push(Held(Box::new(kept)));
    }

    /// Runs `work` again and again in a thread on the host under test until the stage is dropped.
    pub fn repeat(&mut self, mut work: impl FnMut() + Send + 'static) {
        let stop = Arc::clone(&self.stop);
        self.threads.push(std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                work();
            }
        }));
    }

    /// Accepts and closes what comes to a listener, wherever it was made, until the stage is dropped.
    pub fn repeat_accepting(&mut self, listener: std::net::TcpListener) -> io::Result<()> {
        listener.set_nonblocking(true)?;
        self.repeat(move || {
            if listener.accept().is_err() {
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        Ok(())
    }

    /// As [`Stage::repeat`], in a peer.
    pub fn repeat_in(&mut self, peer: &Peer, mut work: impl FnMut() + Send + 'static) {
        let stop = Arc::clone(&self.stop);
        let peer = peer.clone();
        self.threads.push(std::thread::spawn(move || {
            enter(&peer).expect("the peer was made by this stage");
            while !stop.load(Ordering::Relaxed) {
                work();
            }
        }));
    }

    /// Runs `work` once in a peer and gives what it gave: sockets made there stay there.
    pub fn once_in<T: Send + 'static>(
        &self,
        peer: &Peer,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let peer = peer.clone();
        let thread = std::thread::spawn(move || {
            enter(&peer)?;
            work()
        });
        thread
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the work in a peer panicked")))
    }

    /// Starts an actor (see [`super::actors`]) as a process of its own on the host under test, or in
    /// a peer, and waits until it says that it is ready. Gives its process id.
    pub fn actor(&mut self, peer: Option<&Peer>, words: &[&str]) -> io::Result<u32> {
        use std::io::BufRead as _;
        let program = std::env::current_exe()?;
        let mut command = match peer {
            None => Command::new(&program),
            Some(peer) => {
                let mut ip = Command::new("ip");
                ip.args(["netns", "exec", peer.name()]).arg(&program);
                ip
            }
        };
        let mut child = command
            .arg(super::actors::ACTOR)
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            let mut stdout = io::BufReader::new(stdout);
            stdout.read_line(&mut line)?;
            self.hold(stdout);
        }
        let pid = child.id();
        self.children.push(child);
        if line.trim() == super::actors::READY {
            Ok(pid)
        } else {
            Err(io::Error::other(format!("actor {words:?} said {line:?}")))
        }
    }

    /// Waits until a condition holds; an error says what was waited for.
    pub fn wait_until(
        &self,
        what: &str,
        mut condition: impl FnMut() -> io::Result<bool>,
    ) -> io::Result<()> {
        let start = Instant::now();
        while !condition()? {
            if start.elapsed() > PATIENCE {
                return Err(io::Error::other(format!("waited in vain for {what}")));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Waits until a counter of `/proc/net/netstat` or `snmp` of the host under test is at least
    /// `value`, as `TcpExt`, `ListenOverflows`.
    pub fn wait_for_counter(&self, group: &str, name: &str, value: u64) -> io::Result<()> {
        self.wait_until(&format!("{group}.{name} >= {value}"), || {
            Ok(counter(group, name)?.unwrap_or(0) >= value)
        })
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for child in &mut self.children {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
        self.held.clear();
        let end = Instant::now() + FAREWELL;
        for thread in self.threads.drain(..) {
            while !thread.is_finished() && Instant::now() < end {
                std::thread::sleep(LOOK);
            }
            // One that waits for a connection nobody makes any more ends with the process of its scenario. A
            // worker that panicked was only making traffic.
            if thread.is_finished() {
                let _ = thread.join();
            }
        }
        for (path, before) in self.settings.drain(..).rev() {
            // In a namespace that ends with us nobody misses it.
            let _ = std::fs::write(path, before);
        }
        for link in self.links.drain(..) {
            let _ = run("ip", ["link", "del", &link]);
        }
    }
}

/// Reads one counter of this network namespace; `None` when there is none of that name.
pub fn counter(group: &str, name: &str) -> io::Result<Option<u64>> {
    for file in [
        "/proc/thread-self/net/netstat",
        "/proc/thread-self/net/snmp",
    ] {
        let text = std::fs::read_to_string(file)?;
        let mut lines = text.lines();
        while let (Some(names), Some(values)) = (lines.next(), lines.next()) {
            let mut names = names.split_whitespace();
            if names.next().and_then(|title| title.strip_suffix(':')) != Some(group) {
                continue;
            }
            if let Some(place) = names.position(|is| is == name) {
                let value = values.split_whitespace().nth(place + 1);
                return Ok(value.and_then(|value| value.parse().ok()));
            }
        }
    }
    Ok(None)
}

/// Moves the calling thread into a peer.
fn enter(peer: &Peer) -> io::Result<()> {
    let namespace = std::fs::File::open(Path::new("/run/netns").join(peer.name()))?;
    let kind = rustix::thread::LinkNameSpaceType::Network;
    rustix::thread::move_into_link_name_space(std::os::fd::AsFd::as_fd(&namespace), Some(kind))?;
    Ok(())
}

fn run(program: &str, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> io::Result<()> {
    let arguments: Vec<_> = arguments
        .into_iter()
        .map(|word| word.as_ref().to_owned())
        .collect();
    let Output { status, stderr, .. } = Command::new(program)
        .args(&arguments)
        .stdin(Stdio::null())
        .output()?;
    if status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&stderr);
    Err(io::Error::other(format!(
        "{program} {arguments:?}: {status}: {}",
        said.trim()
    )))
}
