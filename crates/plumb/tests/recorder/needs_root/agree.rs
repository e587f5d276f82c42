//! What `plumb top` adds up is what interfaces and the kernel's counters say, within what docs/trace.md documents.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use plumb_testkit::namespace::Namespace;
use plumb_testkit::sandbox;
use plumb_testkit::temp::TempDir;
use rustix::net::sockopt;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::vanish::wait;

/// Ports that no other test uses: recorders see the whole machine.
const TCP: u16 = 19_991;
const UDP: u16 = 19_992;
/// What is moved.
const CONNECTIONS: u64 = 5;
const ASKED: usize = 200_000;
const ANSWERED: usize = 1000;
const DATAGRAMS: u64 = 300;
const DATAGRAM: usize = 500;
/// Sockets that are made for one datagram.
const SHORT: u64 = 50;
const UNIX: usize = 70_000;
/// For datagrams that wait, with what the kernel needs beside them, and for how long they may be waited for.
const ROOM: usize = 4 << 20;
const LONGEST: Duration = Duration::from_secs(20);

/// `plumb top`, answering again and again into a file.
struct Top {
    child: Child,
    answers: PathBuf,
}

/// Sums of all answers, by name: sent, received, sent again.
type Sums = BTreeMap<String, (u64, u64, u64)>;

impl Top {
    fn start(folder: &TempDir, by: &str) -> Self {
        let answers = folder.path().join(by);
        let child = Command::new(env!("CARGO_BIN_EXE_plumb"))
            .args([
                "top", "--by", by, "--every", "200ms", "-n", "1000", "-o", "ndjson",
            ])
            .stdin(Stdio::null())
            .stdout(File::create(&answers).expect("it can be made"))
            .spawn()
            .expect("plumb runs");
        Self { child, answers }
    }

    fn rows(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.answers).expect("it is there");
        // The last line may not be whole yet.
        let lines = text.lines().map(serde_json::from_str);
        lines.map_while(Result::ok).collect()
    }

    fn count(&self) -> usize {
        let text = std::fs::read_to_string(&self.answers).expect("it is there");
        text.matches(r#""reasons":"#).count()
    }

    fn wait_for(&self, more: usize) {
        let now = self.count();
        wait("answers", || self.count() >= now + more);
    }

    fn finish(mut self) -> Sums {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(id.expect("an id"), Signal::INT).expect("it runs");
        assert!(self.child.wait().expect("it ends").success());
        let mut sums = Sums::new();
        for row in self.rows() {
            let Some(name) = row["name"].as_str() else {
                continue;
            };
            let number = |key: &str| row[key].as_u64().unwrap_or_default();
            let sum = sums.entry(name.to_owned()).or_default();
            sum.0 += number("sent_bytes");
            sum.1 += number("received_bytes");
            sum.2 += number("retransmits");
        }
        sums
    }
}

/// What the kernel has counted in a namespace.
#[derive(Debug, Clone, Copy)]
struct Counted {
    sent_bytes: u64,
    sent_packets: u64,
    segments_again: u64,
    datagrams_sent: u64,
    datagrams_received: u64,
}

impl Counted {
    fn read(namespace: &Namespace, interface: &'static str) -> Self {
        let tid = namespace.tid;
        let file = |name: &str| {
            let path = format!("/proc/{}/task/{tid}/net/{name}", std::process::id());
            std::fs::read_to_string(path).expect("it is there")
        };
        let (dev, snmp) = (file("dev"), file("snmp"));
        let numbers: Vec<u64> = dev
            .lines()
            .find_map(|line| line.trim().strip_prefix(&format!("{interface}:")))
            .expect("the interface is there")
            .split_whitespace()
            .map(|word| word.parse().expect("a number"))
            .collect();
        let counter = |group: &str, name: &str| -> u64 {
            let mut lines = snmp.lines().filter(|line| line.starts_with(group));
            let (names, values) = (lines.next().expect("names"), lines.next().expect("values"));
            let mut both = names.split_whitespace().zip(values.split_whitespace());
            let found = both.find_map(|(known, value)| (known == name).then_some(value));
            found.expect("it is counted").parse().expect("a number")
        };
        Self {
            sent_bytes: numbers[8],
            sent_packets: numbers[9],
            segments_again: counter("Tcp:", "RetransSegs"),
            datagrams_sent: counter("Udp:", "OutDatagrams"),
            datagrams_received: counter("Udp:", "InDatagrams"),
        }
    }
}

/// Moves bytes of every kind from one namespace to the other; gives the listener, by which connections that nobody
/// saw are known as its process's.
fn move_bytes(near: &Namespace, far: &Namespace) -> TcpListener {
    let (listener, datagrams) = far.inside(|| {
        let listener = TcpListener::bind(("10.0.7.2", TCP)).expect("the port is free");
        let datagrams = UdpSocket::bind(("10.0.7.2", UDP)).expect("the port is free");
        // Room for all of them: what is dropped was sent and never received.
        sockopt::set_socket_recv_buffer_size_force(&datagrams, ROOM).expect("we are root");
        datagrams
            .set_read_timeout(Some(LONGEST))
            .expect("it has one");
        (listener, datagrams)
    });
    let server = std::thread::spawn(move || {
        let mut bytes = vec![0; ASKED];
        for _ in 0..CONNECTIONS {
            let mut served = listener.accept().expect("it came").0;
            served.read_exact(&mut bytes).expect("they come");
            served.write_all(&[0; ANSWERED]).expect("it reads");
            assert_eq!(served.read(&mut bytes).expect("it ends"), 0);
        }
        for _ in 0..DATAGRAMS + SHORT {
            datagrams.recv(&mut bytes).expect("they come");
        }
        listener
    });
    near.inside(|| {
        for _ in 0..CONNECTIONS {
            let mut client = TcpStream::connect(("10.0.7.2", TCP)).expect("it listens");
            client.write_all(&vec![0; ASKED]).expect("it reads");
            client.read_exact(&mut [0; ANSWERED]).expect("they come");
        }
        let connected = || {
            let socket = UdpSocket::bind("10.0.7.1:0").expect("there is a port");
            socket.connect(("10.0.7.2", UDP)).expect("there is a way");
            socket
        };
        let socket = connected();
        for _ in 0..DATAGRAMS {
            socket.send(&[0; DATAGRAM]).expect("it is sent");
        }
        for _ in 0..SHORT {
            connected().send(&[0; DATAGRAM]).expect("it is sent");
        }
    });
    let (mut one, mut other) = UnixStream::pair().expect("it can be made");
    one.write_all(&vec![0; UNIX]).expect("there is room");
    other.read_exact(&mut vec![0; UNIX]).expect("they come");
    server.join().expect("all came")
}

#[test]
fn sums_of_top_are_those_of_interface_and_counters_needs_root() {
    sandbox::run(|| {
        let (near, far) = (Namespace::new(), Namespace::new());
        let (near, far) = (near.expect("we are root"), far.expect("we are root"));
        for namespace in [&near, &far] {
            // Nothing but what is moved here: no neighbours, no routers.
            namespace.inside(|| {
                let _ = std::fs::write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
            });
        }
        near.connect(&far, 7).expect("there are veth pairs");
        let folder = TempDir::new("agree").expect("a folder");
        let tops = ["port", "process", "peer", "container"].map(|by| Top::start(&folder, by));
        for top in &tops {
            top.wait_for(1);
        }
        let (before, far_before) = (Counted::read(&near, "near7"), Counted::read(&far, "far7"));
        let _listener = move_bytes(&near, &far);
        for top in &tops {
            top.wait_for(2);
        }
        let (after, far_after) = (Counted::read(&near, "near7"), Counted::read(&far, "far7"));
        let [port, process, peer, container] = tops.map(Top::finish);

        let tcp = (CONNECTIONS * ASKED as u64, CONNECTIONS * ANSWERED as u64);
        let udp = (DATAGRAMS + SHORT) * DATAGRAM as u64;
        let of = |sums: &Sums, name: &str| {
            let found = sums.get(name).copied();
            found.unwrap_or_else(|| panic!("{name}: {sums:?}"))
        };
        let used = of(&port, &format!("tcp to :{TCP}"));
        assert_eq!((used.0, used.1), tcp, "{port:?}");
        let served = of(&port, &format!("tcp :{TCP}"));
        assert_eq!((served.1, served.0), tcp, "{port:?}");
        assert_eq!(of(&port, &format!("udp to :{UDP}")).0, udp, "{port:?}");
        assert_eq!(of(&port, &format!("udp :{UDP}")).1, udp, "{port:?}");
        // What is connected with an address, whatever it speaks.
        assert_eq!(of(&peer, "10.0.7.2").0, tcp.0 + udp, "{peer:?}");
        assert_eq!(of(&peer, "10.0.7.1").1, tcp.0, "{peer:?}");
        // Both ends of everything are this process's.
        let comm = std::fs::read_to_string("/proc/self/comm").expect("it is there");
        let own = format!("{} {}", comm.trim_end(), std::process::id());
        let mine = of(&process, &own);
        let all = tcp.0 + tcp.1 + udp + UNIX as u64;
        assert_eq!((mine.0, mine.1), (all, all), "{process:?}");
        // Others may be in the same container or unit, but nobody in none of them.
        let most = container.values().map(|sum| sum.0).max().unwrap_or(0);
        assert!(most >= all, "{container:?}");

        // The interface counts headers: 42 bytes of a datagram, 66 of a segment, 74 of a SYN, for each packet.
        let packets = after.sent_packets - before.sent_packets;
        let headers = (after.sent_bytes - before.sent_bytes).checked_sub(tcp.0 + udp);
        let headers = headers.expect("an interface counts more than the payload");
        let again = after.segments_again - before.segments_again;
        assert_eq!(used.2, again, "segments sent again: {port:?}");
        assert!(
            headers >= 42 * packets && (again > 0 || headers <= 74 * packets),
            "{headers} bytes of headers in {packets} packets, {again} again"
        );
        let sent = after.datagrams_sent - before.datagrams_sent;
        let received = far_after.datagrams_received - far_before.datagrams_received;
        assert_eq!((sent, received), (DATAGRAMS + SHORT, DATAGRAMS + SHORT));
    });
}
