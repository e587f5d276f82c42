//! `slow-reader-local`, `slow-reader-peer`, `send-buffer-limited`, `receive-buffer-limited`,
//! `nagle-delayed-ack`: connected, and slow.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use rustix::net::sockopt;

use crate::lab::{Expected, Peer, Scenario, Stage};

/// The scenarios.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "slow-reader-local/never",
        about: "a peer sends without end, our process never reads",
        make: |stage| local(stage, |_| std::thread::sleep(Duration::from_millis(50))),
    },
    Scenario {
        name: "slow-reader-local/slow",
        about: "a peer sends without end, our process reads 16 KiB every 50 ms",
        make: |stage| {
            local(stage, |stream| {
                let _ = stream.read(&mut [0; 16_384]);
                std::thread::sleep(Duration::from_millis(50));
            })
        },
    },
    Scenario {
        name: "slow-reader-local/within-host",
        about: "both ends are on this host; the reader is named, not the writer",
        make: within_host,
    },
    Scenario {
        name: "slow-reader-local/healthy-fast",
        about: "a peer sends without end, our process reads as it comes",
        make: |stage| {
            local(stage, |stream| {
                let _ = stream.read(&mut [0; 16_384]);
            })?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "slow-reader-peer/never",
        about: "we send to a peer that does not read",
        make: slow_peer,
    },
    Scenario {
        name: "slow-reader-peer/healthy",
        about: "we send to a peer that reads as it comes",
        make: |stage| {
            let (peer, listener) = remote(stage)?;
            let mut client = TcpStream::connect(REMOTE)?;
            let (mut server, _) = listener.accept()?;
            stage.repeat_in(&peer, move || {
                let _ = server.read(&mut [0; 16_384]);
            });
            stage.repeat(move || {
                let _ = client.write_all(&[1; 16_384]);
            });
            stage.wait_for_counter("Tcp", "OutSegs", 100)?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "send-buffer-limited/small",
        about: "a sender set SO_SNDBUF to 4 KiB and sends over a path that takes its time",
        make: |stage| send_buffer(stage, 1024, Duration::ZERO),
    },
    Scenario {
        name: "send-buffer-limited/healthy-little",
        about: "the same buffer and path, and a sender that says little",
        make: |stage| {
            send_buffer(stage, 100, Duration::from_millis(150))?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "receive-buffer-limited/small",
        about: "our process set SO_RCVBUF to 8 KiB and reads at once what a peer sends",
        make: |stage| {
            receive_buffer(stage, 8192)?;
            Ok(Expected::subject("local", SERVER))
        },
    },
    Scenario {
        name: "receive-buffer-limited/healthy-large",
        about: "the same with a buffer of 4 MiB",
        make: |stage| {
            receive_buffer(stage, 4 << 20)?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "nagle-delayed-ack/two-writes",
        about: "a client writes its request in two pieces and waits for the answer",
        make: |stage| conversation(stage, false),
    },
    Scenario {
        name: "nagle-delayed-ack/healthy-nodelay",
        about: "the same client with TCP_NODELAY",
        make: |stage| conversation(stage, true),
    },
    Scenario {
        name: "nagle-delayed-ack/healthy-seldom",
        about: "a client writes a few bytes ten times a second; the peer reads and acknowledges late, and nothing waits for it",
        make: seldom,
    },
    Scenario {
        name: "nagle-delayed-ack/healthy-thinking",
        about: "a client asks in one write, and thinks for 25 ms before it asks again, with which it acknowledges the answer",
        make: thinking,
    },
];

const SERVER: &str = "10.9.0.1:8080";
const REMOTE: &str = "10.9.0.2:8080";

fn peer(stage: &mut Stage) -> io::Result<Peer> {
    let peer = stage.peer("peer")?;
    stage.veth(&peer, ("veth0", "10.9.0.1/24"), ("veth1", "10.9.0.2/24"))?;
    Ok(peer)
}

/// A peer, and a listener in it.
fn remote(stage: &mut Stage) -> io::Result<(Peer, TcpListener)> {
    let peer = peer(stage)?;
    let listener = stage.once_in(&peer, || TcpListener::bind(REMOTE))?;
    Ok((peer, listener))
}

fn seldom(stage: &mut Stage) -> io::Result<Expected> {
    let (peer, listener) = remote(stage)?;
    let mut client = TcpStream::connect(REMOTE)?;
    let (mut server, _) = listener.accept()?;
    server.set_read_timeout(Some(Duration::from_millis(200)))?;
    stage.repeat_in(&peer, move || {
        let _ = server.read(&mut [0; 64]);
        // Who reads at once acknowledges at once.
        std::thread::sleep(Duration::from_millis(150));
    });
    stage.repeat(move || {
        let _ = client.write_all(b"tic");
        std::thread::sleep(Duration::from_millis(100));
    });
    // In the beginning the peer acknowledges at once; the mean forgets that slowly.
    std::thread::sleep(Duration::from_secs(4));
    Ok(Expected::nothing())
}

fn thinking(stage: &mut Stage) -> io::Result<Expected> {
    let peer = peer(stage)?;
    let listener = TcpListener::bind(SERVER)?;
    let mut client = stage.once_in(&peer, || TcpStream::connect(SERVER))?;
    let (mut server, _) = listener.accept()?;
    client.set_read_timeout(Some(Duration::from_secs(1)))?;
    server.set_read_timeout(Some(Duration::from_millis(500)))?;
    stage.repeat_in(&peer, move || {
        let _ = client.write_all(b"question");
        let _ = client.read_exact(&mut [0; 6]);
        std::thread::sleep(Duration::from_millis(25));
    });
    stage.repeat(move || {
        if server.read_exact(&mut [0; 8]).is_ok() {
            let _ = server.write_all(b"answer");
        }
    });
    stage.hold(listener);
    // In the beginning the peer acknowledges at once.
    stage.wait_for_counter("Tcp", "OutSegs", 60)?;
    Ok(Expected::nothing())
}

/// A connection from a peer that sends without end, which we read by `read`.
fn local(stage: &mut Stage, read: fn(&mut TcpStream)) -> io::Result<Expected> {
    let peer = peer(stage)?;
    let listener = TcpListener::bind(SERVER)?;
    let mut client = stage.once_in(&peer, || TcpStream::connect(SERVER))?;
    let (mut server, from) = listener.accept()?;
    client.set_write_timeout(Some(Duration::from_millis(200)))?;
    stage.repeat_in(&peer, move || {
        let _ = client.write(&[1; 16_384]);
    });
    stage.repeat(move || read(&mut server));
    stage.hold(listener);
    stage.wait_for_counter("Tcp", "InSegs", 20)?;
    // A reader that keeps pace has no queue to wait for.
    std::thread::sleep(Duration::from_millis(500));
    Ok(Expected::subject("local", SERVER).and("peer", from))
}

fn within_host(stage: &mut Stage) -> io::Result<Expected> {
    let listener = TcpListener::bind("127.0.0.1:8080")?;
    let mut client = TcpStream::connect("127.0.0.1:8080")?;
    let (server, _) = listener.accept()?;
    client.set_write_timeout(Some(Duration::from_millis(200)))?;
    stage.hold(server);
    stage.repeat(move || {
        let _ = client.write(&[1; 16_384]);
    });
    stage.hold(listener);
    stage.wait_for_counter("TcpExt", "TCPToZeroWindowAdv", 1)?;
    Ok(Expected::subject("local", "127.0.0.1:8080").and("pid", std::process::id()))
}

fn slow_peer(stage: &mut Stage) -> io::Result<Expected> {
    let (_peer, listener) = remote(stage)?;
    let mut client = TcpStream::connect(REMOTE)?;
    let (server, _) = listener.accept()?;
    client.set_write_timeout(Some(Duration::from_millis(200)))?;
    stage.hold((server, listener));
    stage.repeat(move || {
        let _ = client.write(&[1; 16_384]);
    });
    stage.wait_for_counter("TcpExt", "TCPFromZeroWindowAdv", 0)?;
    std::thread::sleep(Duration::from_millis(1500));
    Ok(Expected::subject("peer", REMOTE))
}

/// Sends pieces of so many bytes, with a pause between, through 64 kbit/s.
fn send_buffer(stage: &mut Stage, bytes: usize, pause: Duration) -> io::Result<Expected> {
    let (peer, listener) = remote(stage)?;
    // What takes its time: acknowledgements wait in a bucket.
    stage.run_in(
        &peer,
        "tc",
        [
            "qdisc", "add", "dev", "veth1", "root", "tbf", "rate", "16kbit", "burst", "1600",
            "limit", "100000",
        ],
    )?;
    let mut client = TcpStream::connect(REMOTE)?;
    sockopt::set_socket_send_buffer_size(&client, 4096)?;
    let (mut server, _) = listener.accept()?;
    stage.repeat_in(&peer, move || {
        let _ = server.read(&mut [0; 16_384]);
    });
    stage.repeat(move || {
        let _ = client.write_all(&vec![1; bytes]);
        std::thread::sleep(pause);
    });
    stage.wait_for_counter("Tcp", "OutSegs", 20)?;
    Ok(Expected::subject("peer", REMOTE))
}

fn receive_buffer(stage: &mut Stage, bytes: usize) -> io::Result<()> {
    let peer = peer(stage)?;
    let listener = TcpListener::bind(SERVER)?;
    sockopt::set_socket_recv_buffer_size(&listener, bytes)?;
    let mut client = stage.once_in(&peer, || TcpStream::connect(SERVER))?;
    let (mut server, _) = listener.accept()?;
    client.set_write_timeout(Some(Duration::from_millis(200)))?;
    stage.repeat_in(&peer, move || {
        let _ = client.write(&[1; 16_384]);
    });
    stage.repeat(move || {
        let _ = server.read(&mut [0; 16_384]);
    });
    stage.hold(listener);
    stage.wait_for_counter("Tcp", "InSegs", 40)
}

fn conversation(stage: &mut Stage, no_delay: bool) -> io::Result<Expected> {
    let (peer, listener) = remote(stage)?;
    let mut client = TcpStream::connect(REMOTE)?;
    client.set_nodelay(no_delay)?;
    client.set_read_timeout(Some(Duration::from_secs(1)))?;
    let (mut server, _) = listener.accept()?;
    server.set_read_timeout(Some(Duration::from_millis(500)))?;
    stage.repeat_in(&peer, move || {
        let mut request = [0; 16];
        if server.read_exact(&mut request).is_ok() {
            let _ = server.write_all(b"answer");
        }
    });
    stage.repeat(move || {
        let _ = client.write_all(b"head....");
        let _ = client.write_all(b"body....");
        let _ = client.read_exact(&mut [0; 6]);
        std::thread::sleep(Duration::from_millis(2));
    });
    stage.wait_for_counter("Tcp", "OutSegs", 40)?;
    if no_delay {
        Ok(Expected::nothing())
    } else {
        Ok(Expected::subject("peer", REMOTE))
    }
}
