//! `plumb mem` shows what waits in queues, and whose it is.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};

use plumb_testkit::sandbox;

use super::json;

#[test]
fn bytes_that_nobody_reads_are_their_reader_s_needs_root() {
    sandbox::run(|| {
        let listener = TcpListener::bind("127.0.0.1:7300").expect("the port is free here");
        let mut client = TcpStream::connect("127.0.0.1:7300").expect("it listens");
        let served = listener.accept().expect("it came").0;
        client.write_all(&vec![0; 50_000]).expect("there is room");
        let (output, mem) = json(&["mem", "--by", "port", "--json"]);
        assert_eq!(output.status.code(), Some(0));
        let groups = mem["groups"].as_array().cloned().unwrap_or_default();
        let group = groups.iter().find(|group| group["name"] == "tcp :7300");
        let group = group.unwrap_or_else(|| panic!("{mem}"));
        assert!(
            group["received_bytes"].as_u64().unwrap_or(0) >= 50_000,
            "{group}"
        );
        // What all of TCP has; the limits are the host's, and not shown to every namespace.
        // The kernel adds it up in batches for each processor, so little may read as nothing.
        assert!(mem["tcp_bytes"].is_u64(), "{mem}");
        drop(served);
    });
}
