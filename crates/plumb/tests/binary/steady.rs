//! Tables that change while they are read: every socket that stays is shown exactly once.

mod needs_root {
    use std::collections::BTreeMap;
    use std::fs::File;
    use std::io::{BufRead as _, BufReader};
    use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
    use std::os::fd::AsFd as _;
    use std::process::{Command, Stdio};
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

    use plumb_collect::snapshot::{self, Request};
    use plumb_model::snapshot::Kind;
    use plumb_testkit::{loopback, sandbox};
    use rustix::net::{AddressFamily, SocketType};
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

    /// Connections that stay, of two sockets each.
    const CONNECTIONS: usize = 3000;
    /// Buckets of the hash table: so few that every pause of a dump is amid one.
    const BUCKETS: &str = "512";
    /// How often each source is read; `cargo xtask test --full` asks for more.
    const DUMPS: u64 = 10;
    const DUMPS_VARIABLE: &str = "PLUMB_CHURN_DUMPS";
    /// Where those connect that come and go.
    const CHURN_PORT: u16 = 9999;

    #[test]
    fn what_stays_is_shown_once_while_others_come_and_go() {
        sandbox::run(|| {
            enter_small_table();
            let (listener, held) = connections();
            let port = listener.local_addr().expect("it is bound").port();
            let made = AtomicU64::new(0);
            let over = AtomicBool::new(false);
            std::thread::scope(|scope| {
                scope.spawn(|| churn(&made, &over));
                let outcome = std::panic::catch_unwind(|| {
                    for _ in 0..dumps() {
                        read_all_sources(port, &made);
                    }
                });
                over.store(true, Ordering::Relaxed);
                outcome.expect("every socket was there once");
            });
            drop(held);
        });
    }

    fn dumps() -> u64 {
        let asked = std::env::var(DUMPS_VARIABLE).ok();
        asked.map_or(DUMPS, |number| number.parse().expect("a number"))
    }

    /// Reads every source once and looks for each of the sockets that stay.
    fn read_all_sources(port: u16, made: &AtomicU64) {
        let own = |local: u16, peer: u16| local == port || peer == port;
        for source in ["netlink", "proc"] {
            let before = made.load(Ordering::Relaxed);
            check(source, listed(source, own));
            let came = made.load(Ordering::Relaxed) - before;
            assert!(came > 0, "nothing came or went beside {source}");
        }
        let snapshot = snapshot::read(&Request {
            kinds: vec![Kind::Tcp],
            owners: false,
            ..Request::default()
        });
        assert_eq!(snapshot.gaps, []);
        let ends = snapshot.sockets.iter().filter_map(|socket| {
            let (local, peer) = (socket.local.port()?, socket.peer.port()?);
            own(local, peer).then(|| format!("{:?} {:?}", socket.local, socket.peer))
        });
        check("a snapshot", ends.collect());
    }

    fn check(source: &str, rows: Vec<String>) {
        let mut times: BTreeMap<String, u32> = BTreeMap::new();
        for row in rows {
            *times.entry(row).or_default() += 1;
        }
        let repeated: Vec<_> = times.iter().filter(|(_, times)| **times > 1).collect();
        assert!(repeated.is_empty(), "{source} repeats {repeated:?}");
        let lacking = CONNECTIONS * 2 - times.len();
        assert_eq!(lacking, 0, "{source} lacks sockets");
    }

    /// What `netstat -tan` shows of the sockets that stay: both ends of each.
    fn listed(source: &str, own: impl Fn(u16, u16) -> bool) -> Vec<String> {
        let mut command = super::super::needs_root::netstat(&["-tan"]);
        let output = command.env("PLUMB_SOURCE", source).stderr(Stdio::inherit());
        let output = output.output().expect("the program starts");
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).expect("numbers are ASCII");
        let rows = text.lines().filter_map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [_, _, _, local, peer, "ESTABLISHED"] = words.as_slice() else {
                return None;
            };
            let port = |end: &str| end.rsplit(':').next()?.parse().ok();
            own(port(local)?, port(peer)?).then(|| format!("{local} {peer}"))
        });
        rows.collect()
    }

    /// Enters a network namespace whose hash table of connections is its own and small.
    fn enter_small_table() {
        let status = Command::new("sysctl")
            .args([
                "-qw",
                &format!("net.ipv4.tcp_child_ehash_entries={BUCKETS}"),
            ])
            .status();
        assert!(status.expect("sysctl is there").success());
        // Only a namespace made now gets it.
        let mut other = Command::new("unshare")
            .args(["--net", "sh", "-c", "echo ready; exec cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare is there");
        let mut ready = String::new();
        BufReader::new(other.stdout.take().expect("it is piped"))
            .read_line(&mut ready)
            .expect("it speaks");
        assert_eq!(ready, "ready\n");
        let namespace = File::open(format!("/proc/{}/ns/net", other.id())).expect("it is there");
        let kind = Some(LinkNameSpaceType::Network);
        move_into_link_name_space(namespace.as_fd(), kind).expect("root may enter");
        drop(other.stdin.take());
        other.wait().expect("it ends with its input");
        loopback::bring_up().expect("it is there");
    }

    fn connections() -> (TcpListener, Vec<TcpStream>) {
        let hard = getrlimit(Resource::Nofile).maximum;
        let raised = Rlimit {
            current: hard,
            maximum: hard,
        };
        setrlimit(Resource::Nofile, raised).expect("the soft limit is ours");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        let addr = listener.local_addr().expect("it is bound");
        let mut held = Vec::new();
        for _ in 0..CONNECTIONS {
            let near = TcpStream::connect(addr).expect("it listens");
            let (far, _) = listener.accept().expect("somebody came");
            held.extend([near, far]);
        }
        (listener, held)
    }

    /// Opens and closes connections until it is over.
    fn churn(made: &AtomicU64, over: &AtomicBool) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, CHURN_PORT)).expect("it is free");
        let target = listener.local_addr().expect("it is bound");
        let mut host = 1_u8;
        while !over.load(Ordering::Relaxed) {
            // A client address has so many ports; what they leave in TIME_WAIT takes one each.
            host = host.wrapping_add(1).max(2);
            let client = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None)
                .expect("there is room");
            let from = SocketAddrV4::new(Ipv4Addr::new(127, 0, 0, host), 0);
            if rustix::net::bind(&client, &from).is_ok()
                && rustix::net::connect(&client, &target).is_ok()
            {
                drop(client);
                drop(listener.accept());
                made.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}
