//! `close-wait-leak`: servers that do not close what their clients closed, and one that is only slow.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use crate::lab::{Expected, Scenario, Stage};

/// The scenarios.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "close-wait-leak/server-forgets",
        about: "a server keeps 60 accepted connections whose clients have closed",
        make: server_forgets,
    },
    Scenario {
        name: "close-wait-leak/client-forgets",
        about: "a client keeps 40 connections that its server has closed",
        make: client_forgets,
    },
    Scenario {
        name: "close-wait-leak/unread",
        about: "clients send a request and close; the server never reads, 30 connections",
        make: unread,
    },
    Scenario {
        name: "close-wait-leak/many-processes",
        about: "a server of eight processes forgets 48 connections, a few in each",
        make: many_processes,
    },
    Scenario {
        name: "close-wait-leak/young",
        about: "a server that closes nothing has begun a moment ago; a client comes ten times a second",
        make: young,
    },
    Scenario {
        name: "close-wait-leak/healthy-half-closed",
        about: "25 clients have closed their half and read what the server still sends",
        make: healthy_half_closed,
    },
    Scenario {
        name: "close-wait-leak/healthy-slow",
        about: "a server takes half a second to close what its clients closed, but closes",
        make: healthy_slow,
    },
];

fn server_forgets(stage: &mut Stage) -> io::Result<Expected> {
    let pid = stage.actor(None, &["accept-and-forget", "127.0.0.1:8080", "60"])?;
    Ok(Expected::subject("pid", pid).and("local", "127.0.0.1:8080"))
}

fn client_forgets(stage: &mut Stage) -> io::Result<Expected> {
    let listener = TcpListener::bind("127.0.0.1:9000")?;
    for _ in 0..40 {
        let client = TcpStream::connect("127.0.0.1:9000")?;
        drop(listener.accept()?);
        stage.hold(client);
    }
    stage.hold(listener);
    Ok(Expected::subject("pid", std::process::id()))
}

fn unread(stage: &mut Stage) -> io::Result<Expected> {
    use io::Write as _;
    let listener = TcpListener::bind("127.0.0.1:8081")?;
    for _ in 0..30 {
        let mut client = TcpStream::connect("127.0.0.1:8081")?;
        let (accepted, _) = listener.accept()?;
        client.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
        drop(client);
        stage.hold(accepted);
    }
    stage.hold(listener);
    Ok(Expected::subject("local", "127.0.0.1:8081"))
}

fn young(stage: &mut Stage) -> io::Result<Expected> {
    let listener = TcpListener::bind("127.0.0.1:8082")?;
    let mut kept = Vec::new();
    for _ in 0..8 {
        drop(TcpStream::connect("127.0.0.1:8082")?);
        kept.push(listener.accept()?);
    }
    stage.repeat(move || {
        if TcpStream::connect("127.0.0.1:8082").is_ok() {
            kept.extend(listener.accept());
        }
        std::thread::sleep(Duration::from_millis(100));
    });
    Ok(Expected::subject("local", "127.0.0.1:8082"))
}

fn many_processes(stage: &mut Stage) -> io::Result<Expected> {
    for _ in 0..8 {
        stage.actor(None, &["share", "127.0.0.1:8080", "2"])?;
    }
    for _ in 0..48 {
        drop(TcpStream::connect("127.0.0.1:8080")?);
    }
    Ok(Expected::subject("local", "127.0.0.1:8080").and("kind", "listener"))
}

fn healthy_half_closed(stage: &mut Stage) -> io::Result<Expected> {
    use io::{Read as _, Write as _};
    let listener = TcpListener::bind("127.0.0.1:8080")?;
    let mut connected = Vec::new();
    for _ in 0..25 {
        let client = TcpStream::connect("127.0.0.1:8080")?;
        client.shutdown(std::net::Shutdown::Write)?;
        connected.push((client, listener.accept()?.0));
    }
    stage.hold(listener);
    let mut part = [0; 8192];
    stage.repeat(move || {
        for (client, server) in &mut connected {
            // What was written is there to be read at once.
            let _ = server.write_all(&part);
            let _ = client.read(&mut part);
        }
        std::thread::sleep(Duration::from_millis(50));
    });
    Ok(Expected::nothing())
}

fn healthy_slow(stage: &mut Stage) -> io::Result<Expected> {
    let listener = TcpListener::bind("127.0.0.1:8080")?;
    for _ in 0..4 {
        let listener = listener.try_clone()?;
        stage.repeat(move || {
            if let Ok((accepted, _)) = listener.accept() {
                std::thread::sleep(Duration::from_millis(500));
                drop(accepted);
            }
        });
        stage.repeat(|| {
            drop(TcpStream::connect("127.0.0.1:8080"));
            std::thread::sleep(Duration::from_millis(600));
        });
    }
    stage.wait_for_counter("Tcp", "PassiveOpens", 8)?;
    Ok(Expected::nothing())
}
