//! The right functions, below the right rows.

use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};

use plumb_testkit::sandbox;
use serde_json::Value;

use super::{Leaking, Place, below, text};

#[test]
fn both_personalities_name_the_functions_that_made_a_connection_needs_root() {
    sandbox::run(|| {
        let place = Place::new();
        let older = TcpListener::bind("127.0.0.1:5000").expect("it is free");
        let _recorder = place.record(&[]);
        let folders = [super::TempDir::new("c"), super::TempDir::new("cpp")];
        let [one, other] = folders.map(|folder| folder.expect("a folder can be made"));
        let _server = Leaking::start("C++, -O2", &other, ["accept", "5151", "1"], "listening");
        let _client = Leaking::start("C, -O2", &one, ["connect", "5151", "1"], "ready");
        for words in [
            ["netstat", "-tapn", "--stack"],
            ["ss", "-tapn", "--stack"],
            ["ss", "-tan", "--stack"],
        ] {
            let listing = text(&mut place.plumb(&words));
            let rows: Vec<&str> = listing
                .lines()
                .filter(|line| line.contains(":5151"))
                .collect();
            assert_eq!(rows.len(), 3, "{listing}");
            assert!(listing.contains("connect() by leak, process "), "{listing}");
            assert!(
                listing.contains("          leak_here (leak.c:20)\n"),
                "{listing}"
            );
            assert!(listing.contains("accept() by leak, process "), "{listing}");
            assert!(
                listing.contains("          pool::Keeper::take_here(int) (leak.cpp:"),
                "{listing}"
            );
            assert!(listing.contains("listen() by leak, process "), "{listing}");
            let listener = below(&listing, "127.0.0.1:5000");
            assert_eq!(
                listener,
                ["(not known who made it: older than the recorder)"]
            );
        }
        let listing = text(&mut place.plumb(&["ls", "-t", "--stack", "-o", "csv"]));
        let row = |part: &str| listing.lines().any(|line| line.contains(part));
        assert!(row("leak_here (leak.c:20) < open_pool < main"), "{listing}");
        assert!(row("pool::Keeper::take_here(int) (leak.cpp:"), "{listing}");
        assert!(row("(older-than-recorder)"), "{listing}");
        let listing = text(&mut place.plumb(&["ls", "-t", "--stack", "--json"]));
        let document: Value = serde_json::from_str(&listing).expect("it is JSON");
        let rows = document["sockets"].as_array().cloned().unwrap_or_default();
        let function = |row: &&Value| row["creation"]["stack"]["function"] == "leak_here";
        assert_eq!(rows.iter().filter(function).count(), 1, "{document}");
        let reasons = document["reasons"].clone();
        // Nobody is asked when nobody wants it.
        let listing = text(&mut place.plumb(&["ls", "-t", "--json"]));
        assert!(!listing.contains("creation"), "{listing}");
        // Other namespaces of the host may have sockets whose holders cannot be seen from here.
        let document: Value = serde_json::from_str(&listing).expect("it is JSON");
        assert_eq!(reasons, document["reasons"], "asking adds none");
        drop(older);
    });
}

#[test]
fn without_the_option_nothing_is_shown_and_rows_are_the_same_with_it_needs_root() {
    sandbox::run(|| {
        let place = Place::new();
        let _recorder = place.record(&[]);
        let listener = TcpListener::bind("127.0.0.1:5000").expect("it is free");
        let _client = TcpStream::connect("127.0.0.1:5000").expect("it listens");
        let _server = listener.accept().expect("it came");
        for words in [["netstat", "-tan"], ["ss", "-tan"], ["ss", "-tie"]] {
            let without = text(&mut place.plumb(&words));
            let with = text(&mut place.plumb(&[&words[..], &["--stack"]].concat()));
            let rows = with.lines().filter(|line| !line.starts_with("        "));
            // What changes by itself: times.
            if words[1] != "-tie" {
                assert_eq!(
                    rows.collect::<Vec<_>>(),
                    without.lines().collect::<Vec<_>>()
                );
            }
            assert!(
                !without.contains("connect()") && with.contains("connect()"),
                "{with}"
            );
        }
        // An abbreviation of it is none.
        let output = place
            .plumb(&["netstat", "-tan", "--stac"])
            .output()
            .expect("it runs");
        assert_eq!(output.status.code(), Some(3));
    });
}

/// What the kernel keeps of a connection has another cookie, its process is gone, and so is its file.
#[test]
fn a_connection_in_time_wait_of_a_process_that_ended_needs_root() {
    sandbox::run(|| {
        let place = Place::new();
        let _recorder = place.record(&[]);
        let listener = TcpListener::bind("127.0.0.1:5000").expect("it is free");
        let folder = super::TempDir::new("gone").expect("a folder can be made");
        let mut client = Leaking::start("C, -O2", &folder, ["connect", "5000", "1"], "ready");
        let listing = || text(&mut place.plumb(&["ss", "-tan", "--stack"]));
        // The recorder has seen the process by now, and holds its files.
        assert!(listing().contains("ESTAB"));
        drop(client.input.take());
        client.child.wait().expect("it ends");
        drop(folder);
        drop(listener.accept().expect("it came"));
        super::wait("TIME_WAIT", || listing().contains("TIME-WAIT"));
        let lines = below(&listing(), "TIME-WAIT");
        assert!(
            lines
                .iter()
                .any(|line| line.starts_with("connect() by leak")),
            "{lines:?}"
        );
        assert!(
            lines.iter().any(|line| line == "leak_here (leak.c:20)"),
            "{lines:?}"
        );
    });
}

/// The code that was told of the end is known although nobody saw the socket made.
#[test]
fn who_was_told_of_the_end_is_known_of_older_sockets_too_needs_root() {
    sandbox::run(|| {
        let place = Place::new();
        let listener = TcpListener::bind("127.0.0.1:5000").expect("it is free");
        let script = r"use Socket; socket(my $c, AF_INET, SOCK_STREAM, 0);
            connect($c, sockaddr_in(5000, INADDR_LOOPBACK)); sysread(STDIN, my $b, 1);
            sysread($c, $b, 10); sysread(STDIN, $b, 1);";
        let mut reader = Command::new("perl")
            .args(["-e", script])
            .stdin(Stdio::piped())
            .spawn()
            .expect("perl is installed");
        let server = listener.accept().expect("it came").0;
        let _recorder = place.record(&[]);
        let mut input = reader.stdin.take().expect("it is piped");
        std::io::Write::write_all(&mut input, b"x").expect("it reads");
        drop(server);
        let listing = || text(&mut place.plumb(&["netstat", "-tn", "--stack"]));
        super::wait("the end", || {
            listing().contains("told of the end by recv()")
        });
        let lines = below(&listing(), "CLOSE_WAIT");
        assert_eq!(
            lines.first().map(String::as_str),
            Some("(not known who made it: older than the recorder)")
        );
        assert!(
            lines
                .iter()
                .any(|line| line.contains("Perl_pp_sysread") || line.contains("perl")),
            "{lines:?}"
        );
        drop(input);
        reader.wait().expect("it ends");
    });
}

#[test]
fn documents_have_the_stack_or_the_reason_needs_root() {
    sandbox::run(|| {
        let place = Place::new();
        let older = TcpListener::bind("127.0.0.1:5000").expect("it is free");
        let pid = std::process::id().to_string();
        let _recorder = place.record(&["-p", &pid]);
        let _client = TcpStream::connect("127.0.0.1:5000").expect("it listens");
        let udp = std::net::UdpSocket::bind("127.0.0.1:5001").expect("it is free");
        udp.connect("127.0.0.1:5002").expect("nobody is asked");
        for face in ["netstat", "ss"] {
            let listing = text(&mut place.plumb(&[face, "-tuan", "--stack", "--json"]));
            let document: Value = serde_json::from_str(&listing).expect("it is JSON");
            assert_eq!(document["complete"], true, "{document}");
            let rows = document["sockets"].as_array().cloned().unwrap_or_default();
            let find = |key: &str, port: u16| {
                let found = rows.iter().find(|row| row[key]["port"] == port);
                found
                    .cloned()
                    .unwrap_or_else(|| panic!("{face}: {key} {port}: {document}"))
            };
            let client = find("peer", 5000);
            assert_eq!(client["creation"]["how"], "connect", "{client}");
            assert_eq!(client["creation"]["pid"], std::process::id());
            let frames = client["creation"]["stack"]["frames"]
                .as_array()
                .map_or(0, Vec::len);
            assert!(frames > 3, "{client}");
            let listener = rows
                .iter()
                .find(|row| row["state"] == "LISTEN")
                .expect("it listens");
            assert_eq!(listener["creation"], Value::Null);
            assert_eq!(listener["creation_unknown"], "older-than-recorder");
            let udp = find("local", 5001);
            assert_eq!(udp["creation"]["how"], "socket", "{udp}");
            assert_eq!(udp["creation"]["pid"], std::process::id(), "{udp}");
            let frames = udp["bound"]["stack"]["frames"].as_array();
            assert!(frames.is_some_and(|frames| frames.len() > 3), "{udp}");
        }
        drop(older);
    });
}
