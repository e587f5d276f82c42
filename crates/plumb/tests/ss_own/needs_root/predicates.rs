//! Plumb's own tests in filters, on living sockets: what they find, what they cannot know, and what the
//! kernel is still asked.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use plumb_testkit::differential::{Call, Lab, Rule, Tool};
use plumb_testkit::sandbox;
use rustix::fs::{Uid, fchown};

use crate::called::{Told, plumb_ss, run};

/// Bytes that lie unread in a connection.
const UNREAD: usize = 1000;

/// A listener of ours, one of `cat`'s, one that belongs to user 65534, and a connection to ours.
struct Sockets {
    cat: Child,
    _ours: (TcpListener, TcpListener, TcpStream, TcpStream),
}

impl Sockets {
    fn new() -> Self {
        let ours = TcpListener::bind("127.0.0.1:7001").expect("loopback is up");
        let cats = TcpListener::bind("127.0.0.1:7002").expect("loopback is up");
        let nobodys = TcpListener::bind("127.0.0.2:7003").expect("loopback is up");
        fchown(&nobodys, Some(Uid::from_raw(65534)), None).expect("root may");
        let mut client = TcpStream::connect("127.0.0.1:7001").expect("it listens");
        client.write_all(&[0; UNREAD]).expect("it is connected");
        let server = ours.accept().expect("it was connected to").0;
        // `cat` cannot read a listener, so it has a pipe for that, and the socket where it complains.
        let cat = Command::new("cat")
            .stdin(Stdio::piped())
            .stderr(OwnedFd::from(cats))
            .spawn()
            .expect("cat starts");
        Self {
            cat,
            _ours: (ours, nobodys, client, server),
        }
    }
}

impl Drop for Sockets {
    fn drop(&mut self) {
        // It ends with the sandbox at the latest.
        let _ = self.cat.kill();
        let _ = self.cat.wait();
    }
}

fn listing(expression: &str) -> Told {
    run(plumb_ss().args(["-HtanO", expression]))
}

/// Gives the ends of all rows that an expression finds: `LOCAL PEER`, without what is chosen by the
/// kernel.
fn found(expression: &str) -> Vec<String> {
    let told = listing(expression);
    assert_eq!(told.status, 0, "{expression}\n{}", told.stderr);
    let end = |text: &str| match text.rsplit_once(':') {
        Some((address, port)) if port.len() == 5 => format!("{address}:client"),
        _ => text.to_owned(),
    };
    let rows = told.stdout.lines().map(|line| {
        let cells: Vec<&str> = line.split_whitespace().collect();
        format!("{} {}", end(cells[3]), end(cells[4]))
    });
    let mut rows: Vec<String> = rows.collect();
    rows.sort();
    rows
}

const OURS: &str = "127.0.0.1:7001 0.0.0.0:*";
const CATS: &str = "127.0.0.1:7002 0.0.0.0:*";
const NOBODYS: &str = "127.0.0.2:7003 0.0.0.0:*";
const SERVER: &str = "127.0.0.1:7001 127.0.0.1:client";
const CLIENT: &str = "127.0.0.1:client 127.0.0.1:7001";

#[test]
fn each_test_finds_its_sockets() {
    sandbox::run(|| {
        let sockets = Sockets::new();
        let cat = sockets.cat.id();
        for (expression, expected) in [
            (format!("pid = {cat}"), &[CATS][..]),
            (format!("pid != {cat} and state = listen"), &[OURS, NOBODYS]),
            ("process = cat".into(), &[CATS]),
            ("process = c?t".into(), &[CATS]),
            ("process = no-such-process".into(), &[]),
            ("user = 65534".into(), &[NOBODYS]),
            ("user = nobody".into(), &[NOBODYS]),
            ("user != root".into(), &[NOBODYS]),
            ("state = listen".into(), &[OURS, CATS, NOBODYS]),
            ("state = estab".into(), &[SERVER, CLIENT]),
            ("state != listen".into(), &[SERVER, CLIENT]),
            (format!("recv-q >= {UNREAD}"), &[SERVER]),
            (format!("recv-q > {UNREAD}"), &[]),
            ("recv-q = 1000".into(), &[SERVER]),
            ("recv-q < 1000 and state = estab".into(), &[CLIENT]),
            (
                "send-q > 1 and state = listen".into(),
                &[OURS, CATS, NOBODYS],
            ),
            ("rtt < 10s".into(), &[SERVER, CLIENT]),
            ("rtt > 10s".into(), &[]),
            ("age > 1h".into(), &[]),
            ("dst != 127.0.0.1".into(), &[OURS, CATS, NOBODYS]),
            (":7001".into(), &[OURS, SERVER, CLIENT]),
            ("port = 7001 and state != listen".into(), &[SERVER, CLIENT]),
            ("port != 7001".into(), &[CATS, NOBODYS]),
            ("fd = 2 and :7002".into(), &[CATS]),
            ("local = 127.0.0.2".into(), &[NOBODYS]),
            ("kind = tcp and not kind = inet".into(), &[]),
            ("kind = tcp and uid = 65534".into(), &[NOBODYS]),
            (format!("unread >= {UNREAD}"), &[SERVER]),
            (format!("bytes-sent = {UNREAD}"), &[CLIENT]),
            (format!("rx = {UNREAD}"), &[SERVER]),
            (format!("rmem > {UNREAD}"), &[SERVER]),
            ("retrans > 0".into(), &[]),
            ("cwnd > 0".into(), &[SERVER, CLIENT]),
            ("drops = 0 and :7002".into(), &[CATS]),
            ("timer = none and :7003".into(), &[NOBODYS]),
            ("src != 127.0.0.1".into(), &[NOBODYS]),
            ("not state = listen and sport = 7001".into(), &[SERVER]),
            (
                format!("( pid = {cat} or user = nobody ) and sport = 7003"),
                &[NOBODYS],
            ),
        ] {
            assert_eq!(found(&expression), expected, "{expression}");
        }
    });
}

/// Runs `plumb ss` as a user who may not look at other processes.
fn as_nobody(words: &[&str]) -> Told {
    let program = std::env::temp_dir().join("plumb");
    std::fs::copy(env!("CARGO_BIN_EXE_plumb"), &program).expect("the folder is ours");
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--clear-groups", "--"]);
    run(command.arg(&program).arg("ss").args(words))
}

#[test]
fn what_is_not_known_matches_nothing_and_is_counted() {
    sandbox::run(|| {
        let sockets = Sockets::new();
        // A listener has no round trip time and no age: nothing that is missing. And where the answer
        // does not depend on it, it does not matter.
        for (expression, rows) in [
            ("rtt > 1us and state = listen", 0),
            ("not rtt > 1us and sport = 7002", 0),
            ("age > 1h and state = listen", 0),
            ("sport = 7002 or rtt > 1us and sport = 7002", 1),
            ("state = listen", 3),
        ] {
            let told = listing(expression);
            assert_eq!(told.stderr, "", "{expression}");
            assert_eq!(told.stdout.lines().count(), rows, "{expression}");
        }
        let told = as_nobody(&["-Htln", "process = cat and sport = 7002"]);
        let one = "ss: 1 socket is not shown: what the expression asks of it is not known\n";
        assert_eq!((told.stdout.as_str(), told.stderr.as_str()), ("", one));
        // Nobody may tell this user whose sockets these are; not to be found is not an answer.
        let expression = format!("pid != {}", sockets.cat.id());
        for expression in ["process = cat", &expression] {
            let told = as_nobody(&["-Htln", expression]);
            assert_eq!(told.stdout, "", "{expression}");
            let expected = "ss: 3 sockets are not shown: ";
            assert!(
                told.stderr.starts_with(expected),
                "{expression}: {}",
                told.stderr
            );
        }
        let told = as_nobody(&["-tln", "--json", "process = cat"]);
        let document: serde_json::Value =
            serde_json::from_str(&told.stdout).expect("a document is JSON");
        assert_eq!(document["complete"], false);
        assert_eq!(document["sockets"].as_array().map(Vec::len), Some(0));
        let reasons = document["reasons"].as_array().expect("there are reasons");
        assert!(
            reasons.iter().any(|reason| reason
                .as_str()
                .is_some_and(|reason| reason.starts_with("ss: 3 sockets are not shown: "))),
            "{reasons:?}"
        );
    });
}

#[test]
fn owners_of_unix_sockets_are_known() {
    sandbox::run(|| {
        use std::os::unix::net::UnixListener;

        let path = std::env::temp_dir().join("socket");
        let listener = UnixListener::bind(path).expect("the folder is ours");
        for (expression, rows) in [
            ("user = root", 1),
            ("user = nobody", 0),
            ("user != root", 0),
        ] {
            let told = run(plumb_ss().args(["-Hxl", expression]));
            assert_eq!(told.stderr, "", "{expression}");
            assert_eq!(told.stdout.lines().count(), rows, "{expression}");
        }
        drop(listener);
    });
}

/// Says whether the kernel is sent a program with the request of a listing.
fn sends_program(expression: &str) -> bool {
    let trace = std::env::temp_dir().join("trace");
    let output = Command::new("strace")
        .args(["-f", "-e", "trace=sendto,sendmsg", "-o"])
        .arg(&trace)
        .arg(env!("CARGO_BIN_EXE_plumb"))
        .args(["ss", "-HtanO", expression])
        .output()
        .expect("strace runs");
    assert!(output.status.success());
    let trace = std::fs::read_to_string(&trace).expect("strace wrote it");
    assert!(trace.contains("SOCK_DIAG_BY_FAMILY"), "{trace}");
    trace.contains("INET_DIAG_REQ_BYTECODE")
}

#[test]
fn the_kernel_decides_what_it_can() {
    sandbox::run(|| {
        let sockets = Sockets::new();
        let cat = sockets.cat.id();
        for (expression, program) in [
            ("sport = 7001".to_owned(), true),
            (format!("sport = 7002 and pid = {cat}"), true),
            (format!("pid = {cat} and sport = 7002"), true),
            ("sport = 7001 and rtt < 10s and dst 127.0.0.1".into(), true),
            (format!("pid = {cat}"), false),
            (format!("sport = 7002 or pid = {cat}"), false),
        ] {
            assert_eq!(sends_program(&expression), program, "{expression}");
        }
        assert_eq!(found(&format!("sport = 7002 and pid = {cat}")), [CATS]);
        assert_eq!(
            found(&format!("sport = 7001 or pid = {cat}")),
            [OURS, SERVER, CATS]
        );
    });
}

#[test]
fn the_original_spelling_refuses_them_as_the_original_does() {
    sandbox::run(|| {
        let lab = Lab::of(Tool::SS, Path::new(env!("CARGO_BIN_EXE_plumb")))
            .expect("a sandbox can hold both programs");
        for expression in [
            "pid = 1",
            "process = cat",
            "user = root",
            "recv-q > 0",
            "send-q > 0",
            "rtt > 20ms",
            "age > 5m",
            "state = listen",
            "sport = 7001 and pid = 1",
        ] {
            lab.compare(&Call::words(["-tan", expression]), &Rule::Exact)
                .unwrap_or_else(|difference| panic!("{expression}\n{difference}"));
        }
        for expression in ["dst != 127.0.0.1", "src ne 127.0.0.1"] {
            lab.compare(&Call::words(["-tan", expression]), &Rule::Complaint)
                .unwrap_or_else(|difference| panic!("{expression}\n{difference}"));
        }
    });
}
