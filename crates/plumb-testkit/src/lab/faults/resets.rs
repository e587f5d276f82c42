//! `reset-by-us`, `reset-by-peer`: connections that end in resets, and those that end well.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use crate::lab::{Expected, Peer, Scenario, Stage};

/// The scenarios.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "reset-by-us/unread",
        about: "a server closes without having read what its clients sent",
        make: |stage| {
            let peer = peer(stage)?;
            serve(stage, |stream| {
                // The data comes and is not read.
                let _ = stream.peek(&mut [0; 4]);
            })?;
            ask(stage, Some(&peer));
            stage.wait_for_counter("TcpExt", "TCPAbortOnClose", 3)?;
            Ok(Expected::subject("local", SERVER))
        },
    },
    Scenario {
        name: "reset-by-us/linger-zero",
        about: "a server closes with SO_LINGER 0",
        make: |stage| {
            let peer = peer(stage)?;
            serve(stage, |stream| {
                let _ = stream.read(&mut [0; 64]);
                let _ = rustix::net::sockopt::set_socket_linger(&*stream, Some(Duration::ZERO));
            })?;
            ask(stage, Some(&peer));
            stage.wait_for_counter("TcpExt", "TCPAbortOnData", 3)?;
            Ok(Expected::subject("local", SERVER))
        },
    },
    Scenario {
        name: "reset-by-us/late",
        about: "a server closes after the question; its clients go on to talk when TIME_WAIT is all that is left",
        make: late,
    },
    Scenario {
        name: "reset-by-us/healthy",
        about: "a server reads, answers and closes",
        make: |stage| {
            let peer = peer(stage)?;
            serve(stage, answer)?;
            ask(stage, Some(&peer));
            stage.wait_for_counter("Tcp", "PassiveOpens", 10)?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "reset-by-peer/clients-abort",
        about: "clients reset their connections instead of closing them",
        make: by_clients,
    },
    Scenario {
        name: "reset-by-peer/server-aborts",
        about: "a remote server resets the connections of our client",
        make: by_server,
    },
    Scenario {
        name: "reset-by-peer/healthy-checks",
        about: "a load balancer connects to the server and leaves with a reset, nothing sent, many times a second",
        make: |stage| {
            let peer = peer(stage)?;
            serve(stage, answer)?;
            stage.repeat_in(&peer, || {
                let end: SocketAddr = SERVER.parse().expect("an address of ours");
                if let Ok(mut stream) = TcpStream::connect_timeout(&end, Duration::from_secs(1)) {
                    abort(&mut stream);
                }
                std::thread::sleep(Duration::from_millis(20));
            });
            stage.wait_for_counter("Tcp", "EstabResets", 3)?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "reset-by-peer/healthy-remote",
        about: "a remote server answers and closes",
        make: |stage| {
            let peer = peer(stage)?;
            serve_in(stage, &peer, answer)?;
            ask_remote(stage);
            stage.wait_for_counter("Tcp", "ActiveOpens", 10)?;
            Ok(Expected::nothing())
        },
    },
];

const SERVER: &str = "10.9.0.1:8080";
const REMOTE: &str = "10.9.0.2:8080";

fn peer(stage: &mut Stage) -> io::Result<Peer> {
    let peer = stage.peer("peer")?;
    stage.veth(&peer, ("veth0", "10.9.0.1/24"), ("veth1", "10.9.0.2/24"))?;
    Ok(peer)
}

fn answer(stream: &mut TcpStream) {
    let mut buffer = [0; 64];
    let _ = stream.read(&mut buffer);
    let _ = stream.write_all(b"answer");
    // The client closes first.
    let _ = stream.read(&mut buffer);
}

/// Accepts on a listener and lets `end` have each connection before it is dropped.
fn accept(listener: &TcpListener, end: fn(&mut TcpStream)) {
    match listener.accept() {
        Ok((mut stream, _)) => {
            let _ = stream.set_nonblocking(false);
            let _ = stream.set_read_timeout(Some(Duration::from_millis(500)));
            end(&mut stream);
        }
        Err(_) => std::thread::sleep(Duration::from_millis(1)),
    }
}

fn serve(stage: &mut Stage, end: fn(&mut TcpStream)) -> io::Result<()> {
    let listener = TcpListener::bind(SERVER)?;
    listener.set_nonblocking(true)?;
    stage.repeat(move || accept(&listener, end));
    Ok(())
}

fn serve_in(stage: &mut Stage, peer: &Peer, end: fn(&mut TcpStream)) -> io::Result<()> {
    let listener = stage.once_in(peer, || TcpListener::bind(REMOTE))?;
    listener.set_nonblocking(true)?;
    stage.repeat_in(peer, move || accept(&listener, end));
    Ok(())
}

/// Asks and waits for the answer and the end.
fn converse(end: &str) {
    let end: SocketAddr = end.parse().expect("an address of ours");
    if let Ok(mut stream) = TcpStream::connect_timeout(&end, Duration::from_secs(1)) {
        let _ = stream.set_read_timeout(Some(Duration::from_millis(500)));
        let _ = stream.write_all(b"question");
        let _ = stream.read(&mut [0; 64]);
    }
    std::thread::sleep(Duration::from_millis(30));
}

fn ask(stage: &mut Stage, peer: Option<&Peer>) {
    match peer {
        Some(peer) => stage.repeat_in(peer, || converse(SERVER)),
        None => stage.repeat(|| converse(SERVER)),
    }
}

fn ask_remote(stage: &mut Stage) {
    stage.repeat(|| converse(REMOTE));
}

fn late(stage: &mut Stage) -> io::Result<Expected> {
    let peer = peer(stage)?;
    serve(stage, |stream| {
        let _ = stream.read(&mut [0; 64]);
    })?;
    stage.repeat_in(&peer, || {
        let end: SocketAddr = SERVER.parse().expect("an address of ours");
        if let Ok(mut stream) = TcpStream::connect_timeout(&end, Duration::from_secs(1)) {
            let _ = stream.set_read_timeout(Some(Duration::from_millis(500)));
            let _ = stream.write_all(b"question");
            // The server's end.
            let _ = stream.read(&mut [0; 64]);
            std::thread::sleep(Duration::from_millis(20));
            let _ = stream.write_all(b"and more");
        }
        std::thread::sleep(Duration::from_millis(30));
    });
    stage.wait_for_counter("Tcp", "OutRsts", 3)?;
    Ok(Expected::subject("local", SERVER))
}

fn abort(stream: &mut TcpStream) {
    let _ = rustix::net::sockopt::set_socket_linger(&*stream, Some(Duration::ZERO));
}

fn by_clients(stage: &mut Stage) -> io::Result<Expected> {
    let peer = peer(stage)?;
    serve(stage, |stream| {
        let mut buffer = [0; 64];
        while matches!(stream.read(&mut buffer), Ok(read) if read > 0) {}
    })?;
    stage.repeat_in(&peer, || {
        let end: SocketAddr = SERVER.parse().expect("an address of ours");
        if let Ok(mut stream) = TcpStream::connect_timeout(&end, Duration::from_secs(1)) {
            let _ = stream.write_all(b"question");
            std::thread::sleep(Duration::from_millis(20));
            abort(&mut stream);
        }
    });
    stage.wait_for_counter("Tcp", "EstabResets", 3)?;
    Ok(Expected::subject("local", SERVER).and("peer", "10.9.0.2"))
}

fn by_server(stage: &mut Stage) -> io::Result<Expected> {
    let peer = peer(stage)?;
    serve_in(stage, &peer, |stream| {
        let _ = stream.read(&mut [0; 64]);
        abort(stream);
    })?;
    ask_remote(stage);
    stage.wait_for_counter("Tcp", "EstabResets", 3)?;
    Ok(Expected::subject("peer", REMOTE))
}
