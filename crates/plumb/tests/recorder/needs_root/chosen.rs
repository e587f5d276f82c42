//! Recordings and readings of those connections alone that a filter, a cgroup or a container wants.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use plumb_testkit::sandbox;
use serde_json::Value;

use super::json;

/// Opens connections to two ports again and again until told to stop: to one come a hundred bytes each, to the
/// other ten thousand.
fn connect_on(stop: &Stopped) {
    let small = TcpListener::bind("127.0.0.1:7401").expect("the port is free here");
    let large = TcpListener::bind("127.0.0.1:7402").expect("the port is free here");
    let mut bytes = vec![0; 10_000];
    while !stop.by_now() {
        for (listener, len) in [(&small, 100), (&large, 10_000)] {
            let to = listener.local_addr().expect("it is bound");
            let mut client = TcpStream::connect(to).expect("it listens");
            let mut served = listener.accept().expect("it came").0;
            client.write_all(&bytes[..len]).expect("it takes bytes");
            served.read_exact(&mut bytes[..len]).expect("they come");
        }
    }
}

/// Whether a thread shall stop, which it is also told when a test fails: then the other half is gone.
pub struct Stopped(Receiver<()>);

impl Stopped {
    /// Asks a hundred times a second: others record at the same time, and what floods their rings is lost.
    pub fn by_now(&self) -> bool {
        self.0.recv_timeout(Duration::from_millis(10)) != Err(RecvTimeoutError::Timeout)
    }
}

/// Gives what tells a thread to stop, by going, and what the thread asks.
pub fn stopping() -> (Sender<()>, Stopped) {
    let (told, stopped) = channel();
    (told, Stopped(stopped))
}

/// Runs plumb while connections come and go.
fn meanwhile(words: &[&str]) -> Value {
    let (told, stopped) = stopping();
    let (output, value) = std::thread::scope(|scope| {
        scope.spawn(move || connect_on(&stopped));
        let _told = told;
        json(words)
    });
    assert_eq!(output.status.code(), Some(0), "{words:?}");
    value
}

/// A container as the kernel sees one: a cgroup (v2) with its id for a name, and a process in it that keeps a
/// connection open and opens others.
struct Container {
    id: String,
    path: PathBuf,
    process: Child,
}

const GUEST: &str = r#"
use Socket; $| = 1;
socket(my $k, AF_INET, SOCK_STREAM, 0); connect($k, sockaddr_in(7403, INADDR_LOOPBACK)) or die;
syswrite($k, "x" x 5000);
print "ready\n";
while (1) {
    socket(my $c, AF_INET, SOCK_STREAM, 0); connect($c, sockaddr_in(7401, INADDR_LOOPBACK));
    syswrite($c, "x" x 100); close($c); select(undef, undef, undef, 0.01);
}
"#;

impl Container {
    fn start() -> Self {
        let mounts = std::fs::read_to_string("/proc/mounts").expect("it is there");
        let mount = mounts.lines().find(|line| line.contains(" cgroup2 "));
        let mount = mount.and_then(|line| line.split(' ').nth(1));
        // Process ids are small in a sandbox, and cgroups are everybody's.
        let namespace = std::fs::metadata("/proc/self/ns/pid").expect("it is there");
        let id = format!("{:0>64x}", namespace.ino());
        let path =
            PathBuf::from(mount.expect("there are cgroups")).join(format!("docker-{id}.scope"));
        std::fs::create_dir(&path).expect("root may make one");
        let mut process = Command::new("perl")
            .args(["-e", "<STDIN>;", "-e", GUEST])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("perl runs");
        let procs = path.join("cgroup.procs");
        std::fs::write(procs, process.id().to_string()).expect("it may be moved");
        let mut go = process.stdin.take().expect("it is piped");
        go.write_all(b"\n").expect("it reads");
        let mut ready = [0; 6];
        let out = process.stdout.as_mut().expect("it is piped");
        out.read_exact(&mut ready).expect("it connects");
        Self { id, path, process }
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        // A cgroup is busy until the kernel is done with the last of its processes.
        for _ in 0..1000 {
            match std::fs::remove_dir(&self.path) {
                Err(error) if error.kind() == std::io::ErrorKind::ResourceBusy => {
                    std::thread::yield_now();
                }
                _ => return,
            }
        }
    }
}

fn rows<'v>(value: &'v Value, array: &str) -> &'v [Value] {
    let rows = value[array].as_array().map_or(&[][..], Vec::as_slice);
    assert!(!rows.is_empty(), "no {array} in {value}");
    rows
}

#[test]
fn only_connections_to_a_port_are_traced_on_the_whole_host_needs_root() {
    sandbox::run(|| {
        let words = [
            "trace",
            "--no-calls",
            "--for",
            "500ms",
            "--json",
            "dport = :7401",
        ];
        let trace = meanwhile(&words);
        let events = rows(&trace, "events");
        for event in events {
            // A dropped packet of the connection has no ends of its own.
            let peer = event["peer"].as_str().unwrap_or("127.0.0.1:7401");
            assert_eq!(peer, "127.0.0.1:7401", "{event}");
        }
        // From its first moment on: the ends were known then.
        let begins = |event: &&Value| event["text"] == "CLOSE > SYN_SENT";
        let begun = events.iter().find(begins).expect("one began meanwhile");
        assert_eq!(begun["pid"], std::process::id(), "{begun}");
        let moments: Vec<u64> = events
            .iter()
            .filter_map(|event| event["monotonic_ns"].as_u64())
            .collect();
        assert!(moments.is_sorted(), "{moments:?}");
    });
}

/// What it carried is told at the end of a connection, and then its beginning is shown, too.
#[test]
fn a_connection_that_turns_out_to_be_wanted_is_told_from_its_beginning_needs_root() {
    sandbox::run(|| {
        let filter = format!("pid = {} and bytes-sent > 5k", std::process::id());
        let words = ["trace", "--no-calls", "--for", "500ms", "--json", &filter];
        let trace = meanwhile(&words);
        let events = rows(&trace, "events");
        let peers = || events.iter().filter_map(|event| event["peer"].as_str());
        assert!(peers().all(|peer| peer == "127.0.0.1:7402"), "{trace}");
        let with = |text: &str| {
            let has = |event: &&Value| event["text"].as_str().is_some_and(|is| is.contains(text));
            events.iter().filter(has).count()
        };
        let (begun, sent) = (with("CLOSE > SYN_SENT"), with("sent 10000"));
        assert!(begun > 0 && sent >= begun, "{trace}");
    });
}

#[test]
fn attempts_are_those_that_a_filter_wants_needs_root() {
    sandbox::run(|| {
        let words = [
            "connects",
            "--for",
            "500ms",
            "--json",
            ":7402 and kind = tcp",
        ];
        let connects = meanwhile(&words);
        for attempt in rows(&connects, "connects") {
            assert_eq!(attempt["peer"], "127.0.0.1:7402", "{attempt}");
            assert_eq!(attempt["outcome"], "connected", "{attempt}");
        }
    });
}

/// Of one with connections like its neighbour's, the container's alone are told, by every verb.
#[test]
fn a_container_is_recorded_by_the_beginning_of_its_id_needs_root() {
    sandbox::run(|| {
        let keeper = TcpListener::bind("127.0.0.1:7403").expect("the port is free here");
        let listening = TcpListener::bind("127.0.0.1:7401").expect("the port is free here");
        let guest = Container::start();
        let pid = guest.process.id();
        let name = &guest.id[..];
        let taking = listening.try_clone().expect("it can be");
        // Ends with its process: nobody waits for it.
        std::thread::spawn(move || taking.incoming().for_each(drop));
        let (told, stopped) = stopping();
        let neighbour = move || {
            while !stopped.by_now() {
                drop(TcpStream::connect("127.0.0.1:7401"));
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(neighbour);
            let told = told;
            let words = ["connects", "--for", "500ms", "--json", "--container", name];
            let (_, connects) = json(&words);
            let words = ["top", "--every", "500ms", "--json", "--container", name];
            let (_, top) = json(&words);
            let words = ["mem", "--all", "--json", "--container", name];
            let (_, mem) = json(&words);
            let words = [
                "leaks",
                "--idle",
                "--older-than",
                "1ms",
                "--for",
                "100ms",
                "--json",
            ];
            let leaks = json(&[&words[..], &["--container", name]].concat()).1;
            drop(told);
            for attempt in rows(&connects, "connects") {
                assert_eq!(attempt["pid"], pid, "{attempt}");
            }
            let own = format!("perl {pid}");
            for flow in rows(&top, "flows") {
                assert!(flow["name"] == own, "{top}");
            }
            assert!(
                rows(&top, "flows")[0]["sent_bytes"].as_u64() > Some(100),
                "{top}"
            );
            assert_eq!(rows(&mem, "groups")[0]["name"], own, "{mem}");
            assert_eq!(rows(&mem, "groups").len(), 1, "{mem}");
            for group in rows(&leaks, "groups") {
                assert_eq!(group["pids"], serde_json::json!([pid]), "{leaks}");
            }
        });
        drop(keeper);
    });
}

#[test]
fn a_filter_chooses_what_is_counted_and_a_command_s_run_is_counted_whole_needs_root() {
    sandbox::run(|| {
        let top = meanwhile(&["top", "--by", "port", "--every", "500ms", "--json", ":7402"]);
        let names: Vec<&Value> = rows(&top, "flows")
            .iter()
            .map(|flow| &flow["name"])
            .collect();
        assert!(
            names
                .iter()
                .all(|name| name.as_str().is_some_and(|name| name.ends_with(":7402"))),
            "{top}"
        );
        let listener = TcpListener::bind("127.0.0.1:7404").expect("the port is free here");
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let _ = std::io::copy(&mut stream.expect("it came"), &mut std::io::sink());
            }
        });
        let script = r#"use Socket; for (1..20) {
            socket(my $c, AF_INET, SOCK_STREAM, 0); connect($c, sockaddr_in(7404, INADDR_LOOPBACK));
            syswrite($c, "x" x 1000); close($c); }"#;
        let (output, top) = json(&["top", "--by", "port", "--json", "--", "perl", "-e", script]);
        assert_eq!(output.status.code(), Some(0));
        let flows = rows(&top, "flows");
        assert_eq!(flows.len(), 1, "{top}");
        assert_eq!(flows[0]["name"], "tcp to :7404", "{top}");
        assert_eq!(
            (&flows[0]["sent_bytes"], &flows[0]["opened"]),
            (&20_000.into(), &20.into()),
            "{top}"
        );
        // Which has ended when it is told of, and was never seen by a reading.
        let (_, top) = json(&["top", "--json", "--", "perl", "-e", script]);
        let name = rows(&top, "flows")[0]["name"].as_str().unwrap_or_default();
        assert!(name.starts_with("perl "), "{top}");
        let (output, _) = json(&["top", "--json", "--", "sh", "-c", "exit 7"]);
        assert_eq!(output.status.code(), Some(7));
    });
}

/// What is held now is read, so that more can be asked than events tell.
#[test]
fn leaks_are_chosen_by_what_the_kernel_says_needs_root() {
    sandbox::run(|| {
        let listener = TcpListener::bind("127.0.0.1:7405").expect("the port is free here");
        let kept: Vec<TcpStream> = (0..4)
            .map(|_| TcpStream::connect("127.0.0.1:7405").expect("it listens"))
            .collect();
        let served = listener.accept().expect("it came").0;
        let words = ["leaks", "--older-than", "1ms", "--for", "100ms", "--json"];
        let of = |filter: &str| {
            let (_, leaks) = json(&[&words[..], &[filter]].concat());
            leaks["held_too_long"].as_u64().unwrap_or(0)
        };
        assert_eq!(of("dport = :7405 and rtt < 10s"), 4);
        assert_eq!(of("dport = :7405 and rtt > 10s"), 0);
        drop((kept, served));
    });
}
