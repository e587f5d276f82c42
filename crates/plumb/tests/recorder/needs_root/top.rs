//! `plumb top` counts what is moved while it looks, by sockets that stay and by sockets that go.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use plumb_testkit::sandbox;
use serde_json::Value;

/// Moves bytes of every kind again and again until told to stop.
fn move_bytes(stop: &AtomicBool) {
    let listener = TcpListener::bind("127.0.0.1:7100").expect("the port is free here");
    let (one, two) = (
        UdpSocket::bind("127.0.0.1:7200"),
        UdpSocket::bind("127.0.0.1:7201"),
    );
    let (one, two) = (one.expect("it is free"), two.expect("it is free"));
    let mut bytes = [0; 1000];
    while !stop.load(Ordering::Relaxed) {
        let mut client = TcpStream::connect("127.0.0.1:7100").expect("it listens");
        let mut served = listener.accept().expect("it came").0;
        client.write_all(&bytes).expect("it takes bytes");
        served.read_exact(&mut bytes).expect("they come");
        one.send_to(&bytes[..300], "127.0.0.1:7201")
            .expect("it takes bytes");
        two.recv(&mut bytes).expect("they come");
    }
}

#[test]
fn bytes_of_short_connections_and_of_datagrams_are_counted_needs_root() {
    sandbox::run(|| {
        let stop = AtomicBool::new(false);
        let top = std::thread::scope(|scope| {
            scope.spawn(|| move_bytes(&stop));
            let output = Command::new(env!("CARGO_BIN_EXE_plumb"))
                .args(["top", "--by", "port", "--every", "500ms", "--json"])
                .stdin(Stdio::null())
                .output();
            stop.store(true, Ordering::Relaxed);
            output.expect("plumb runs")
        });
        let text = String::from_utf8_lossy(&top.stderr).into_owned();
        let top: Value = serde_json::from_slice(&top.stdout).expect("it is JSON");
        assert_eq!(top["complete"], true, "{} {text}", top["reasons"]);
        let flows = top["flows"].as_array().cloned().unwrap_or_default();
        let flow = |name: &str| flows.iter().find(|flow| flow["name"] == name).cloned();
        let of = |flow: &Value, key: &str| flow[key].as_u64().unwrap_or_default();
        let served = flow("tcp :7100").unwrap_or_else(|| panic!("{top}"));
        let used = flow("tcp to :7100").unwrap_or_else(|| panic!("{top}"));
        let closed = of(&served, "closed");
        assert!(closed > 10, "{served}");
        // Each brought a thousand bytes; only those that began before or have not ended are not whole: a
        // few of thousands, more where the machine has much to do.
        let received = of(&served, "received_bytes");
        let few = 3000 + closed * 10;
        assert!(received.abs_diff(closed * 1000) <= few, "{served}");
        assert_eq!(of(&served, "sent_bytes"), 0);
        assert!(
            received.abs_diff(of(&used, "sent_bytes")) <= few,
            "{served} {used}"
        );
        let datagrams = flow("udp :7200").unwrap_or_else(|| panic!("{top}"));
        assert!(of(&datagrams, "sent_bytes") >= 3000, "{datagrams}");
        assert_eq!(of(&datagrams, "sent_bytes") % 300, 0, "{datagrams}");
    });
}
