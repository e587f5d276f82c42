//! `plumb mem` shows what waits in queues, whose it is, and how far the limits are.

use std::io::{ErrorKind, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;

use plumb_testkit::namespace::Namespace;
use plumb_testkit::sandbox;
use rustix::net::sockopt;
use serde_json::Value;

use super::json;

/// Gives the group of a name.
fn group<'m>(mem: &'m Value, name: &str) -> &'m Value {
    let mut groups = mem["groups"].as_array().into_iter().flatten();
    let found = groups.find(|group| group["name"].as_str().is_some_and(|it| it.contains(name)));
    found.unwrap_or_else(|| panic!("{name}: {mem:#}"))
}

fn number(of: &Value, key: &str) -> u64 {
    of[key].as_u64().unwrap_or_else(|| panic!("{key}: {of:#}"))
}

#[test]
fn bytes_that_nobody_reads_are_their_reader_s_needs_root() {
    sandbox::run(|| {
        let listener = TcpListener::bind("127.0.0.1:7300").expect("the port is free here");
        let mut client = TcpStream::connect("127.0.0.1:7300").expect("it listens");
        let served = listener.accept().expect("it came").0;
        client.write_all(&vec![0; 50_000]).expect("there is room");
        let (output, mem) = json(&["mem", "--by", "port", "--json"]);
        assert_eq!(output.status.code(), Some(0));
        let group = group(&mem, "tcp :7300");
        assert!(number(group, "received_bytes") >= 50_000, "{group}");
        // What all of TCP has; the limits are the host's, and not shown to every namespace.
        // The kernel adds it up in batches for each processor, so little may read as nothing.
        assert!(mem["tcp_bytes"].is_u64(), "{mem}");
        drop(served);
    });
}

/// Writes until there is no room.
fn fill(to: &mut impl std::io::Write) {
    loop {
        match to.write(&[0; 10_000]) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return,
            Err(error) => panic!("{error}"),
        }
    }
}

/// A connection from a client with as much to send as there is room for, to a port of this thread's namespace.
fn stuffed(port: u16, receive: Option<usize>) -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port is free here");
    if let Some(receive) = receive {
        sockopt::set_socket_recv_buffer_size(&listener, receive).expect("it is small");
    }
    let mut client = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    let served = listener.accept().expect("it came").0;
    client.set_nonblocking(true).expect("it can be");
    fill(&mut client);
    (client, served)
}

#[test]
fn a_buffer_near_its_limit_says_who_set_it_and_what_to_do_needs_root() {
    sandbox::run(|| {
        let setting = |name: &str, value: &str| {
            std::fs::write(format!("/proc/sys/net/ipv4/{name}"), value).expect("it is ours");
        };
        setting("tcp_wmem", "4096 16384 600000");
        let tuned = stuffed(7301, None);
        let fixed = stuffed(7302, Some(20_000));
        let _unread = UdpSocket::bind("127.0.0.1:7303").expect("the port is free here");
        let sender = UdpSocket::bind("127.0.0.1:0").expect("there is one");
        for _ in 0..2000 {
            let sent = sender.send_to(&[0; 1000], "127.0.0.1:7303");
            sent.expect("loopback takes it and drops it");
        }
        let (mut one, other) = UnixStream::pair().expect("it can be made");
        one.set_nonblocking(true).expect("it can be");
        fill(&mut one);
        let (_, mem) = json(&["mem", "--by", "socket", "--json"]);
        assert_eq!(mem["complete"], true, "{}", mem["reasons"]);

        let sending = group(&mem, "> 127.0.0.1:7301");
        assert_eq!(sending["send_set_by"], "kernel", "{sending}");
        assert_eq!(number(sending, "send_most_bytes"), 600_000);
        assert_eq!(sending["near"], Value::from(vec!["send"]), "{sending}");
        assert_eq!(number(sending, "pid"), u64::from(std::process::id()));

        let reading = group(&mem, "tcp 127.0.0.1:7302 >");
        assert_eq!(reading["receive_set_by"], "program", "{reading}");
        // The kernel doubles what was asked for.
        assert_eq!(number(reading, "receive_limit_bytes"), 40_000);
        assert_eq!(reading["send_set_by"], "kernel", "{reading}");

        let datagrams = group(&mem, "udp 127.0.0.1:7303");
        assert_eq!(datagrams["near"], Value::from(vec!["receive"]));
        assert_eq!(datagrams["receive_set_by"], "nobody", "{datagrams}");
        assert!(number(datagrams, "drops") > 0, "{datagrams}");
        // What was not read counts for who sent it.
        let unix = group(&mem, "u_str");
        assert_eq!(unix["near"], Value::from(vec!["send"]), "{unix}");
        assert_eq!(unix["receive_limit_bytes"], Value::Null);

        let near = mem["near"].as_array().cloned().unwrap_or_default();
        let told = |kind: &str, buffer: &str| {
            let is_it = |near: &&Value| near["kind"] == kind && near["buffer"] == buffer;
            let found = near.iter().find(is_it);
            found.unwrap_or_else(|| panic!("{kind} {buffer}: {near:?}"))
        };
        let hint = |near: &Value| near["what_to_do"].as_str().unwrap_or_default().to_owned();
        assert!(hint(told("tcp", "send")).contains("tcp_wmem"));
        assert!(hint(told("udp", "receive")).contains("net.core.rmem_max"));
        assert!(told("u_str", "send")["why"].as_str().is_some());
        drop((tuned, fixed, other));
    });
}

#[test]
fn limits_are_those_of_the_namespace_of_the_socket_needs_root() {
    sandbox::run(|| {
        let other = Namespace::new().expect("we are root");
        let _kept = other.inside(|| {
            let file = "/proc/sys/net/ipv4/tcp_wmem";
            std::fs::write(file, "4096 16384 333333").expect("it is ours");
            stuffed(7304, None)
        });
        let (_, mem) = json(&["mem", "--by", "socket", "--json"]);
        let sending = group(&mem, "> 127.0.0.1:7304");
        assert_eq!(number(sending, "send_most_bytes"), 333_333, "{sending}");
        let namespaces = mem["namespaces"].as_array().cloned().unwrap_or_default();
        let netns = &sending["netns"];
        let its = namespaces.iter().find(|it| it["netns"] == *netns);
        assert_eq!(its.expect("it was read")["tcp_send_bytes"][2], 333_333);
        assert!(namespaces.len() > 1, "{namespaces:?}");
    });
}
