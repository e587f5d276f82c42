//! What is wrong with a command that has ended before the second sample: `plumb diagnose -- CMD`.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use super::path::peer;
use crate::lab::{Expected, Scenario, Stage};

/// The scenarios.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "nagle-delayed-ack/command-that-ends",
        about: "a command asks forty times in two small writes each, and ends",
        make: |stage| {
            let peer = peer(stage)?;
            let listener = stage.once_in(&peer, || TcpListener::bind("10.9.0.2:7000"))?;
            stage.repeat_in(&peer, move || {
                if let Ok((stream, _)) = listener.accept() {
                    let _ = answer(stream);
                }
            });
            let expected = Expected::subject("peer", "10.9.0.2:7000");
            command(expected, &["ask-in-pieces", "10.9.0.2:7000", "40"])
        },
    },
    Scenario {
        name: "close-wait-leak/command-that-ends",
        about: "a command keeps thirty connections that its server has closed, for two seconds, and ends",
        make: |stage| {
            closing_server(stage)?;
            let expected = Expected::subject("process", "plumb-lab");
            command(expected, &["keep-closed", "127.0.0.1:7000", "2000"])
        },
    },
    Scenario {
        name: "close-wait-leak/healthy-command-that-ends",
        about: "a command closes what its server has closed, soon after, and ends",
        make: |stage| {
            closing_server(stage)?;
            command(
                Expected::nothing(),
                &["keep-closed", "127.0.0.1:7000", "60"],
            )
        },
    },
    Scenario {
        name: "port-in-use/healthy-command-takes-the-next",
        about: "a command finds its port taken, serves on the next one for a while, and ends",
        make: |stage| {
            stage.hold(TcpListener::bind("127.0.0.1:3000")?);
            command(Expected::nothing(), &["next-port", "3000", "1500"])
        },
    },
    Scenario {
        name: "port-in-use/healthy-command-takes-the-next-and-ends",
        about: "a command finds its port taken, takes the next one and ends at once: no reading ever sees it there",
        make: |stage| {
            stage.hold(TcpListener::bind("127.0.0.1:3000")?);
            command(Expected::nothing(), &["next-port", "3000", "0"])
        },
    },
    Scenario {
        name: "port-in-use/command-that-ends",
        about: "a command finds its port taken and ends",
        make: |stage| {
            stage.hold(TcpListener::bind("127.0.0.1:3000")?);
            let expected = Expected::subject("local", "127.0.0.1:3000");
            command(expected, &["listen", "127.0.0.1:3000"])
        },
    },
];

/// Expects it of an actor that is run as a command.
pub(super) fn command(expected: Expected, actor: &[&str]) -> io::Result<Expected> {
    let program = std::env::current_exe()?;
    let program = program.to_string_lossy();
    let words = ["--", program.as_ref(), crate::lab::actors::ACTOR];
    // The watch ends with the command, however long it takes on a busy machine.
    let expected = Expected {
        seconds: 10,
        ..expected
    };
    Ok(expected.asked(words.into_iter().chain(actor.iter().copied())))
}

/// A server that closes what it accepted.
fn closing_server(stage: &mut Stage) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:7000")?;
    listener.set_nonblocking(true)?;
    stage.repeat(move || {
        if let Ok((stream, _)) = listener.accept() {
            drop(stream);
        } else {
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    Ok(())
}

/// Answers each line.
fn answer(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = [0; 512];
    loop {
        let len = stream.read(&mut buffer)?;
        if len == 0 {
            return Ok(());
        }
        let lines = buffer[..len].iter().filter(|byte| **byte == b'\n');
        for _ in 0..lines.count() {
            stream.write_all(b"ok")?;
        }
    }
}
