//! Causes in another network namespace than that of the program, or of the looker, which is asked about by its process id.

use std::io::{self, Read as _};
use std::net::TcpListener;
use std::time::Duration;

use super::path::peer;
use crate::lab::{Expected, Peer, Scenario, Stage};

/// The scenarios.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "unix-backlog-full/listener-elsewhere",
        about: "a program waits for room at the UNIX listener of a program in another network namespace; plumb is asked about the first",
        make: |stage| {
            let other = stage.peer("container")?;
            let path = path();
            let server = stage.actor(Some(&other), &["listen-unix", &path, "0"])?;
            let client = waiting(stage, None, &path)?;
            let expected = Expected::subject("local", path).and("pid", server);
            Ok(expected.asked([client.as_str()]))
        },
    },
    Scenario {
        name: "unix-backlog-full/client-elsewhere",
        about: "the same from the other side: the program that waits is in another network namespace, the listener in ours",
        make: |stage| {
            let other = stage.peer("container")?;
            let path = path();
            let server = stage.actor(None, &["listen-unix", &path, "0"])?;
            let client = waiting(stage, Some(&other), &path)?;
            let expected = Expected::subject("local", path).and("pid", server);
            Ok(expected.asked([client.as_str()]))
        },
    },
    Scenario {
        name: "accept-queue-overflow/listener-elsewhere",
        about: "a program connects to a container whose server does not accept; plumb is asked about the program",
        make: |stage| {
            let other = peer(stage)?;
            let end = "10.9.0.2:8080";
            let server = stage.actor(Some(&other), &["listen-few", end, "2"])?;
            let client = stage.actor(None, &["come", end])?.to_string();
            stage.wait_for_counter("TcpExt", "TCPTimeouts", 2)?;
            let expected = Expected::subject("local", end).and("pid", server);
            Ok(expected.asked([client.as_str()]))
        },
    },
    Scenario {
        name: "accept-queue-overflow/asked-about-a-container",
        about: "the same; plumb is asked about the container's address and port",
        make: |stage| {
            let other = peer(stage)?;
            let end = "10.9.0.2:8080";
            let server = stage.actor(Some(&other), &["listen-few", end, "2"])?;
            stage.actor(None, &["come", end])?;
            stage.wait_for_counter("TcpExt", "TCPTimeouts", 2)?;
            let expected = Expected::subject("local", end).and("pid", server);
            Ok(expected.asked([end]))
        },
    },
    Scenario {
        name: "slow-reader-local/reader-elsewhere",
        about: "a program writes to a container whose server does not read; plumb is asked about the program",
        make: |stage| {
            let other = peer(stage)?;
            let end = "10.9.0.2:8080";
            let server = stage.actor(Some(&other), &["take", end])?;
            let client = stage.actor(None, &["write", end])?.to_string();
            std::thread::sleep(Duration::from_secs(1));
            let expected = Expected::subject("local", end).and("pid", server);
            Ok(expected
                .explains(&["slow-reader-peer"])
                .asked([client.as_str()]))
        },
    },
    Scenario {
        name: "fd-limit/asked-about-its-client",
        about: "a server has every descriptor it may have, and its queue is full; plumb is asked about a program that connects to it",
        make: |stage| {
            let end = "127.0.0.1:8080";
            let server = stage.actor(None, &["hoard", "64", "0", end])?;
            let fill: Vec<_> = (0..200)
                .map_while(|_| {
                    let end = end.parse().expect("an address of ours");
                    std::net::TcpStream::connect_timeout(&end, Duration::from_millis(200)).ok()
                })
                .collect();
            stage.hold(fill);
            let client = stage.actor(None, &["come", end])?.to_string();
            stage.wait_for_counter("TcpExt", "ListenOverflows", 3)?;
            let expected = Expected::subject("pid", server);
            Ok(expected.asked([client.as_str()]))
        },
    },
    Scenario {
        name: "accept-queue-overflow/client-elsewhere",
        about: "a container's program connects to a server of ours that does not accept; plumb is asked about the program",
        make: |stage| {
            let other = peer(stage)?;
            let end = "10.9.0.1:8080";
            let server = stage.actor(None, &["listen-few", end, "2"])?;
            let client = stage.actor(Some(&other), &["come", end])?.to_string();
            stage.wait_for_counter("TcpExt", "ListenOverflows", 3)?;
            let expected = Expected::subject("local", end).and("pid", server);
            Ok(expected.asked([client.as_str()]))
        },
    },
    Scenario {
        name: "accept-queue-overflow/healthy-client-elsewhere",
        about: "a container's program connects to a server of ours that accepts, and closes what its clients close; plumb is asked about the program",
        make: |stage| {
            let other = peer(stage)?;
            let listener = TcpListener::bind("10.9.0.1:8080")?;
            listener.set_nonblocking(true)?;
            let mut clients = Vec::new();
            stage.repeat(move || {
                while let Ok((client, _)) = listener.accept() {
                    let _ = client.set_nonblocking(true);
                    clients.push(client);
                }
                clients.retain_mut(|client| !matches!(client.read(&mut [0; 64]), Ok(0)));
                std::thread::sleep(Duration::from_millis(5));
            });
            let client = stage.actor(Some(&other), &["come", "10.9.0.1:8080"])?;
            stage.wait_for_counter("Tcp", "PassiveOpens", 3)?;
            Ok(Expected::nothing().asked([client.to_string().as_str()]))
        },
    },
];

/// A path of this scenario's own: the folder is the sandbox's.
fn path() -> String {
    let path = std::env::temp_dir().join("lab.socket");
    path.to_string_lossy().into_owned()
}

/// A program of which one thread waits for room at a UNIX listener. Gives its process id.
fn waiting(stage: &mut Stage, at: Option<&Peer>, path: &str) -> io::Result<String> {
    let client = stage.actor(at, &["wait-unix", path])?.to_string();
    stage.wait_until("a client that waits", || waits_for_room(&client))?;
    Ok(client)
}

/// Says whether a thread of a process waits for room at a UNIX listener.
pub(super) fn waits_for_room(pid: &str) -> io::Result<bool> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task"))?;
    Ok(tasks.flatten().any(|task| {
        let place = std::fs::read_to_string(task.path().join("wchan"));
        place.is_ok_and(|place| place.contains("unix_wait_for_peer"))
    }))
}
