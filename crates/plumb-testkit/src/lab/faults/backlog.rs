//! `backlog-drops` of a socket: its process holds it in recv() while a burst comes in, and the backlog is full.
//!
//! recv() holds the socket as long as it copies, and copying waits for the page it copies to. Where somebody else has
//! to bring the page, that is as long as one likes. (What takes processors is in [`super::machine`].)

use std::io::{self, BufRead as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::net::sockopt;

use crate::lab::{Expected, Scenario, Stage};

const HOLDER: &str = include_str!("hold_socket.pl");
const PORT: &str = "7090";
/// Segments of a burst: each has a byte and takes more than a kilobyte of the receiver's memory.
const BURST: usize = 20_000;
/// The sender must not wait for the first acknowledgement, which whoever holds the socket does not send.
const SEND_BUFFER: usize = 50_000_000;
/// Connections are kept, so that their sockets are there to be looked at; no more than these.
const MOST_KEPT: usize = 60;

/// The scenarios.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "backlog-drops/socket",
        about: "bursts come in while their receiver holds the socket for 300 ms",
        make: |stage| {
            bursts(stage, "300")?;
            stage.wait_for_counter("TcpExt", "TCPBacklogDrop", 100)?;
            Ok(Expected::subject("process", "perl"))
        },
    },
    Scenario {
        name: "backlog-drops/healthy-socket",
        about: "the same bursts, and a receiver that reads them at once",
        make: |stage| {
            bursts(stage, "0")?;
            stage.wait_for_counter("Tcp", "InSegs", 2 * BURST as u64)?;
            Ok(Expected::nothing())
        },
    },
];

/// A process that ends with the stage.
struct Ends(Child);

impl Drop for Ends {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Bursts to a receiver that holds each socket for so many milliseconds.
fn bursts(stage: &mut Stage, held_ms: &str) -> io::Result<()> {
    let route = "route replace local 127.0.0.1 dev lo table local initcwnd 8000";
    let output = Command::new("ip").args(route.split(' ')).output()?;
    if !output.status.success() {
        return Err(io::Error::other(format!("ip {route}: {output:?}")));
    }
    let mut child = Command::new("perl")
        .args(["-e", HOLDER, PORT, held_ms, &BURST.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut ready = String::new();
    if let Some(stdout) = child.stdout.take() {
        let mut stdout = io::BufReader::new(stdout);
        stdout.read_line(&mut ready)?;
        stage.hold(stdout);
    }
    stage.hold(Ends(child));
    if ready != "ready\n" {
        return Err(io::Error::other("the receiver did not begin"));
    }
    let mut kept: Vec<TcpStream> = Vec::new();
    stage.repeat(move || {
        if kept.len() < MOST_KEPT {
            kept.extend(burst().ok());
        }
        std::thread::sleep(Duration::from_millis(300));
    });
    Ok(())
}

fn burst() -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(("127.0.0.1", PORT.parse().unwrap_or(0)))?;
    sockopt::set_socket_send_buffer_size_force(&stream, SEND_BUFFER)?;
    stream.set_nodelay(true)?;
    for _ in 0..BURST {
        stream.write_all(b"y")?;
    }
    Ok(stream)
}
