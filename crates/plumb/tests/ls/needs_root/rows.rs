//! Which sockets are found, and what is told of them.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::process::{Child, Command, Stdio};

use plumb_testkit::namespace::Namespace;
use plumb_testkit::sandbox;
use rustix::fs::{Uid, fchown};
use serde_json::{Value, json};

use crate::called::{Told, document, found, ls};
use crate::document::{commands, paths, promised};

/// Bytes that lie unread in a connection.
const UNREAD: usize = 1000;

/// A listener of ours and a connection to it whose client is `cat`'s, one that belongs to user 65534, a
/// datagram socket, and a UNIX listener.
pub struct Sockets {
    pub cat: Child,
    pub client_port: u16,
    _ours: (TcpListener, TcpListener, TcpStream, UdpSocket, UnixListener),
}

impl Sockets {
    pub fn new() -> Self {
        let ours = TcpListener::bind("127.0.0.1:7001").expect("loopback is up");
        let nobodys = TcpListener::bind("[::]:7003").expect("loopback is up");
        fchown(&nobodys, Some(Uid::from_raw(65534)), None).expect("root may");
        let datagrams = UdpSocket::bind("127.0.0.1:7004").expect("loopback is up");
        let path = std::env::temp_dir().join("listener");
        let unix = UnixListener::bind(path).expect("the folder is ours");
        let mut client = TcpStream::connect("127.0.0.1:7001").expect("it listens");
        client.write_all(&[0; UNREAD]).expect("it is connected");
        let client_port = client.local_addr().expect("it is bound").port();
        let server = ours.accept().expect("it was connected to").0;
        let cat = Command::new("cat")
            .stdin(Stdio::piped())
            .stderr(OwnedFd::from(client))
            .spawn()
            .expect("cat starts");
        Self {
            cat,
            client_port,
            _ours: (ours, nobodys, server, datagrams, unix),
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

#[test]
fn each_test_finds_its_sockets() {
    sandbox::run(|| {
        let sockets = Sockets::new();
        let (cat, client) = (sockets.cat.id(), sockets.client_port);
        let me = std::process::id();
        let all = [7001, 7001, 7003, 7004, client];
        for (filter, ports) in [
            (String::new(), &all[..]),
            (":7001".into(), &[7001, 7001, client]),
            (format!("port = {client}"), &[7001, client]),
            ("state = listen".into(), &[7001, 7003]),
            ("kind = udp".into(), &[7004]),
            ("kind = tcp and not state listen".into(), &[7001, client]),
            (format!("pid = {cat}"), &[client]),
            ("process = cat".into(), &[client]),
            ("process != cat and sport = :7001".into(), &[7001, 7001]),
            ("exe = cat".into(), &[client]),
            ("cmdline = cat".into(), &[client]),
            ("fd = 2".into(), &[client]),
            ("peer-process = cat".into(), &[7001]),
            (format!("peer-pid = {me} and process = cat"), &[client]),
            ("user = 65534".into(), &[7003]),
            ("uid > 0".into(), &[7003]),
            (format!("recv-q >= {UNREAD}"), &[7001]),
            (format!("unread = {UNREAD} or kind = udp"), &[7001, 7004]),
            ("rmem > 0".into(), &[7001]),
            ("memory > 0 and state != listen".into(), &[7001]),
            ("rtt < 10s and process = cat".into(), &[client]),
            (format!("bytes-sent = {UNREAD}"), &[client]),
            (format!("rx = {UNREAD}"), &[7001]),
            ("drops > 0".into(), &[]),
            ("retrans > 0".into(), &[]),
            ("owner = unknown".into(), &[]),
            ("owner = known and state = listen".into(), &[7001, 7003]),
            ("netns = own".into(), &all),
            (format!("netns = {me}"), &all),
            ("local = 127.0.0.1:7004".into(), &[7004]),
            ("peer = 127.0.0.1 and peer-process = cat".into(), &[7001]),
            ("timer = none and kind = udp".into(), &[7004]),
            ("dst 127.0.0.1:7001".into(), &[client]),
        ] {
            let mut expected: Vec<Value> = ports.iter().map(|port| json!(port)).collect();
            expected.sort_by_key(ToString::to_string);
            assert_eq!(found(&[&filter], "local_port"), expected, "{filter}");
        }
    });
}

#[test]
fn options_of_ss_select_kinds_and_states() {
    sandbox::run(|| {
        let sockets = Sockets::new();
        let client = sockets.client_port;
        let mut tcp = [json!(7001), json!(7001), json!(7003), json!(client)];
        tcp.sort_by_key(ToString::to_string);
        assert_eq!(found(&["-t"], "local_port"), tcp);
        assert_eq!(found(&["-tlnp"], "local_port"), [json!(7001), json!(7003)]);
        assert_eq!(found(&["-u"], "local_port"), [json!(7004)]);
        assert_eq!(
            found(&["-tul"], "local_port"),
            [json!(7001), json!(7003), json!(7004)]
        );
        assert_eq!(found(&["-6", "-t"], "local"), [json!("*:7003")]);
        assert_eq!(found(&["-t4l"], "local"), [json!("127.0.0.1:7001")]);
        let names = found(&["-xl"], "local_address");
        let path = std::env::temp_dir().join("listener");
        assert_eq!(names, [json!(path.to_str().expect("it is text"))]);
        let kinds = found(&["-a"], "kind");
        for kind in ["tcp", "udp", "u_str", "nl"] {
            assert!(kinds.contains(&json!(kind)), "{kind}");
        }
        assert_eq!(
            found(&["kind = unix and state = listen"], "kind"),
            [json!("u_str")]
        );
    });
}

#[test]
fn the_owner_and_the_other_end_are_told() {
    sandbox::run(|| {
        let sockets = Sockets::new();
        let document = document(&["process = cat"]);
        let row = &document["sockets"][0];
        let cat = sockets.cat.id();
        assert_eq!(
            (&row["process"], &row["pid"], &row["fd"]),
            (&json!("cat"), &json!(cat), &json!(2))
        );
        assert_eq!(row["owner_unknown"], Value::Null);
        let owner = &row["owners"][0];
        assert_eq!(owner["held_by"], "fd");
        assert_eq!(owner["cmdline"], json!(["cat"]));
        assert_eq!(owner["uid"], 0);
        assert_eq!(owner["user"], "root");
        assert!(
            owner["exe"]
                .as_str()
                .is_some_and(|exe| exe.ends_with("/cat")),
            "{owner}"
        );
        assert_eq!(row["peer_socket"]["pid"], json!(std::process::id()));
        assert_eq!(row["peer_port"], 7001);
        let table = ls(&["process = cat", "-c", "local,process,peer-process"]).stdout;
        assert!(table.contains(&format!("cat[{cat}]")), "{table}");
        assert!(
            table.contains(&format!("[{}]", std::process::id())),
            "{table}"
        );
    });
}

#[test]
fn sockets_of_other_namespaces_are_seen_and_told_apart() {
    sandbox::run(|| {
        let other = Namespace::new().expect("root may");
        let _there = other.inside(|| TcpListener::bind("127.0.0.1:7009").expect("loopback is up"));
        let _here = TcpListener::bind("127.0.0.1:7008").expect("loopback is up");
        assert_eq!(found(&["-t"], "local_port"), [json!(7008), json!(7009)]);
        assert_eq!(found(&["-t", "--here"], "local_port"), [json!(7008)]);
        let of_other = format!("netns = {}", other.id);
        assert_eq!(found(&[&of_other], "local_port"), [json!(7009)]);
        assert_eq!(found(&["netns != own"], "local_port"), [json!(7009)]);
        let row = document(&["-t", ":7009"]);
        assert_eq!(row["sockets"][0]["netns"], json!(other.id));
        assert_eq!(row["sockets"][0]["pid"], json!(std::process::id()));
    });
}

#[test]
fn time_wait_has_no_owner_and_that_is_known() {
    sandbox::run(|| {
        let listener = TcpListener::bind("127.0.0.1:7001").expect("loopback is up");
        let client = TcpStream::connect("127.0.0.1:7001").expect("it listens");
        let server = listener.accept().expect("it was connected to").0;
        drop(server);
        // Until the client has seen the end, its own end must not close.
        let mut rest = Vec::new();
        std::io::Read::read_to_end(&mut &client, &mut rest).expect("it ends");
        drop(client);
        let document = document(&["state = time-wait"]);
        let rows = document["sockets"].as_array().expect("there are rows");
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0]["owner_unknown"], "time-wait");
        assert_eq!(
            rows[0]["related_pid"],
            json!(std::process::id()),
            "it still listens there"
        );
        assert_eq!(document["complete"], true);
        assert_eq!(document["totals"]["owner_unknown"], json!({"time-wait": 1}));
        assert_eq!(
            found(&["owner-unknown = time-wait"], "state"),
            [json!("TIME_WAIT")]
        );
    });
}

#[test]
fn the_commands_of_the_document_work() {
    sandbox::run(|| {
        let _sockets = Sockets::new();
        let plumb = std::path::Path::new(env!("CARGO_BIN_EXE_plumb"));
        let folder = plumb
            .parent()
            .and_then(std::path::Path::to_str)
            .expect("it is text");
        let path = std::env::var("PATH").expect("there is a path");
        let commands = commands();
        assert!(commands.len() > 6, "{commands:?}");
        for command in commands {
            // Nothing has port 8000 here.
            let expected = i32::from(command.contains("-q :8000"));
            let output = Command::new("sh")
                .args(["-c", &command])
                .env("PATH", format!("{folder}:{path}"))
                .output()
                .expect("there is a shell");
            let told = Told::from(output);
            assert_eq!(
                (told.status, told.stderr.as_str()),
                (expected, ""),
                "{command}"
            );
        }
    });
}

#[test]
fn the_document_has_the_keys_that_are_promised() {
    sandbox::run(|| {
        let _sockets = Sockets::new();
        let mut come = paths(&document(&["-a"]));
        come.extend(paths(&document(&["--group-by", "process"])));
        // The rest needs a container, a pod or another way of holding than a descriptor.
        let rare = |key: &String| {
            let of_workload = ["container.", "pod."].iter().any(|part| key.contains(part));
            of_workload || key == "sockets[].owners[].tid"
        };
        let promised = promised();
        let unpromised: Vec<&String> = come
            .difference(&promised)
            .filter(|key| !rare(key))
            .collect();
        let missing: Vec<&String> = promised
            .difference(&come)
            .filter(|key| !rare(key))
            .collect();
        assert_eq!((unpromised, missing), (vec![], vec![]));
    });
}
