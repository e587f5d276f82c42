//! `unix-backlog-full`: UNIX listeners without room, seen from the host, from the listener and from its clients.

use std::io;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use super::commands::command;
use super::elsewhere::waits_for_room;
use crate::lab::{Expected, Scenario, Stage};

/// The scenarios.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "unix-backlog-full/never-accepts",
        about: "a program listens on a UNIX socket and never accepts",
        make: |stage| {
            let (listener, path) = listen(2)?;
            for _ in 0..3 {
                stage.hold(UnixStream::connect(&path)?);
            }
            stage.hold(listener);
            Ok(Expected::subject("local", path))
        },
    },
    Scenario {
        name: "unix-backlog-full/command-waits",
        about: "a backlog of 0, and nothing there yet: a command fills the queue with its first connection and waits in its second",
        make: |stage| {
            let (listener, path) = listen(0)?;
            stage.hold(listener);
            let expected = command(
                Expected::subject("local", &path).and("pid", std::process::id()),
                &["come-unix", &path, "9000"],
            )?;
            Ok(Expected {
                seconds: 3,
                ..expected
            })
        },
    },
    Scenario {
        name: "unix-backlog-full/asked-about-its-client",
        about: "a program waits for room at a listener that does not accept; plumb is asked about that program",
        make: |stage| {
            let (listener, path) = listen(0)?;
            stage.hold(listener);
            let client = stage.actor(None, &["wait-unix", &path])?;
            stage.wait_until("a client that waits", || {
                waits_for_room(&client.to_string())
            })?;
            let client = client.to_string();
            let expected = Expected::subject("local", path).and("pid", std::process::id());
            Ok(expected.asked([client.as_str()]))
        },
    },
    Scenario {
        name: "unix-backlog-full/sent-away",
        about: "clients that do not wait find no room nine times of ten; the queue is empty in between",
        make: |stage| {
            let (listener, path) = listen(0)?;
            stage.repeat(move || {
                let _ = listener.accept();
                std::thread::sleep(Duration::from_millis(200));
            });
            stage.repeat({
                let path = path.clone();
                move || {
                    let _ = try_once(&path);
                    std::thread::sleep(Duration::from_millis(20));
                }
            });
            Ok(Expected::subject("local", path))
        },
    },
    Scenario {
        name: "unix-backlog-full/healthy",
        about: "a program accepts what comes to its UNIX socket",
        make: |stage| serve(stage, 2),
    },
    Scenario {
        name: "unix-backlog-full/healthy-backlog-of-none",
        about: "the same with a backlog of 0: each client waits for a moment now and then",
        make: |stage| serve(stage, 0),
    },
];

/// A listener at a path of this scenario's own.
fn listen(backlog: i32) -> io::Result<(UnixListener, String)> {
    // That folder is the sandbox's own.
    let path = std::env::temp_dir().join("lab.socket");
    let listener = UnixListener::bind(&path)?;
    rustix::net::listen(&listener, backlog)?;
    Ok((listener, path.to_string_lossy().into_owned()))
}

/// A server that accepts at once, and two clients.
fn serve(stage: &mut Stage, backlog: i32) -> io::Result<Expected> {
    let (listener, path) = listen(backlog)?;
    listener.set_nonblocking(true)?;
    stage.repeat(move || match listener.accept() {
        Ok((stream, _)) => drop(stream),
        Err(_) => std::thread::sleep(Duration::from_millis(1)),
    });
    for _ in 0..2 {
        let path = path.clone();
        stage.repeat(move || {
            drop(UnixStream::connect(&path));
            std::thread::sleep(Duration::from_millis(5));
        });
    }
    Ok(Expected::nothing())
}

/// Connects without waiting.
fn try_once(path: impl AsRef<Path>) -> io::Result<()> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    let address = SocketAddrUnix::new(path.as_ref())?;
    Ok(rustix::net::connect(&socket, &address)?)
}
