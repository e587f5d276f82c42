//! `time-wait-pressure`, `orphans`, `connection-churn`: what is left of connections that were closed.

use std::io::{self, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use crate::lab::{Expected, Scenario, Stage};

/// The scenarios.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "time-wait-pressure/buckets",
        about: "60 TIME_WAIT sockets may be, a client opens and closes without end",
        make: |stage| {
            stage.sysctl("net.ipv4.tcp_max_tw_buckets", 60)?;
            churn(stage, Duration::from_millis(2))?;
            stage.wait_for_counter("TcpExt", "TCPTimeWaitOverflow", 5)?;
            Ok(Expected::subject("kind", "host"))
        },
    },
    Scenario {
        name: "time-wait-pressure/healthy",
        about: "the same client where there is room",
        make: |stage| {
            churn(stage, Duration::from_millis(20))?;
            stage.wait_for_counter("TcpExt", "TW", 0)?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "connection-churn/one-destination",
        about: "a client opens hundreds of connections a second to one server",
        make: |stage| {
            churn(stage, Duration::from_millis(2))?;
            stage.wait_for_counter("Tcp", "ActiveOpens", 300)?;
            Ok(Expected::subject("peer", "127.0.0.1:9000"))
        },
    },
    Scenario {
        name: "connection-churn/healthy-pool",
        about: "a client uses one connection for everything",
        make: pool,
    },
    Scenario {
        name: "orphans/peers-gone",
        about: "40 connections are closed with data on the way to a peer that has gone",
        make: |stage| orphans(stage, 40),
    },
    Scenario {
        name: "orphans/peers-do-not-close",
        about: "a server has closed 30 connections, and its clients never do",
        make: peers_do_not_close,
    },
    Scenario {
        name: "orphans/healthy-few",
        about: "two connections wait for their peer, as they do",
        make: |stage| {
            orphans(stage, 2)?;
            Ok(Expected::nothing())
        },
    },
];

/// A server that waits for its clients to close, and a client that does every `pause`.
fn churn(stage: &mut Stage, pause: Duration) -> io::Result<()> {
    use io::Read as _;
    let listener = TcpListener::bind("127.0.0.1:9000")?;
    listener.set_nonblocking(true)?;
    stage.repeat(move || match listener.accept() {
        Ok((mut stream, _)) => {
            // The client says nothing and closes.
            let _ = stream.set_nonblocking(false);
            let _ = stream.read(&mut [0]);
        }
        Err(_) => std::thread::sleep(Duration::from_millis(1)),
    });
    stage.repeat(move || {
        drop(TcpStream::connect("127.0.0.1:9000"));
        std::thread::sleep(pause);
    });
    stage.wait_for_counter("Tcp", "ActiveOpens", 20)
}

fn pool(stage: &mut Stage) -> io::Result<Expected> {
    use io::Read as _;
    let listener = TcpListener::bind("127.0.0.1:9000")?;
    let mut client = TcpStream::connect("127.0.0.1:9000")?;
    let (mut server, _) = listener.accept()?;
    for stream in [&client, &server] {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_millis(500)))?;
    }
    let mut buffer = [0; 64];
    stage.repeat(move || {
        let _ = client.write_all(b"question");
        let _ = server.read(&mut buffer);
        let _ = server.write_all(b"answer");
        let _ = client.read(&mut buffer);
        std::thread::sleep(Duration::from_millis(1));
    });
    stage.hold(listener);
    Ok(Expected::nothing())
}

fn peers_do_not_close(stage: &mut Stage) -> io::Result<Expected> {
    let peer = stage.peer("clients")?;
    stage.veth(&peer, ("veth0", "10.9.0.1/24"), ("veth1", "10.9.0.2/24"))?;
    let listener = TcpListener::bind("10.9.0.1:8080")?;
    let clients = stage.once_in(&peer, || {
        (0..30)
            .map(|_| TcpStream::connect("10.9.0.1:8080"))
            .collect::<io::Result<Vec<_>>>()
    })?;
    for _ in 0..30 {
        drop(listener.accept()?);
    }
    stage.hold((clients, listener));
    Ok(Expected::subject("peer", "10.9.0.2"))
}

fn orphans(stage: &mut Stage, count: usize) -> io::Result<Expected> {
    let peer = stage.peer("clients")?;
    stage.veth(&peer, ("veth0", "10.9.0.1/24"), ("veth1", "10.9.0.2/24"))?;
    let listener = TcpListener::bind("10.9.0.1:8080")?;
    let clients = stage.once_in(&peer, move || {
        (0..count)
            .map(|_| TcpStream::connect("10.9.0.1:8080"))
            .collect::<io::Result<Vec<_>>>()
    })?;
    let accepted: Vec<TcpStream> = (0..count)
        .map(|_| Ok(listener.accept()?.0))
        .collect::<io::Result<_>>()?;
    stage.nft(
        Some(&peer),
        "add table ip lab; add chain ip lab in { type filter hook input priority 0; }; \
         add rule ip lab in tcp sport 8080 drop",
    )?;
    for mut server in accepted {
        server.write_all(b"on its way")?;
        drop(server);
    }
    stage.hold((clients, listener));
    Ok(Expected::subject("peer", "10.9.0.2"))
}
