//! Connections of a peer that send to this host, into the backlog of its processor.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use super::burst_queue;
use crate::lab::Stage;
use crate::lab::faults::path::peer;

/// How a peer sends: over so many connections, so many bytes at a time, with a pause behind each.
pub(super) struct Streams {
    connections: usize,
    bytes: usize,
    pause: Duration,
    /// How many bytes go at once after a pause, where something sees to it.
    at_once: Option<&'static str>,
}

/// As fast as they may.
pub(super) const FAST: Streams = Streams {
    connections: 3,
    bytes: 16_384,
    pause: Duration::ZERO,
    at_once: None,
};

/// In bursts, of which several packets go at once, as a card of the machine would let them in. A connection that loses some
/// sends ever more seldom, so they are many, and their pauses leave a processor to others.
pub(super) const BURSTS: Streams = Streams {
    connections: 12,
    bytes: 24_000,
    pause: Duration::from_millis(200),
    at_once: Some("8000"),
};

/// Connections of a peer that send into a backlog for so many packets. They are made before, because handshakes are lost as
/// well.
pub(super) fn streams_in(stage: &mut Stage, room: u32, streams: &Streams) -> io::Result<()> {
    let peer = peer(stage)?;
    let listener = TcpListener::bind("10.9.0.1:8080")?;
    let mut pairs = Vec::new();
    for _ in 0..streams.connections {
        let client = stage.once_in(&peer, || TcpStream::connect("10.9.0.1:8080"))?;
        let (server, _) = listener.accept()?;
        client.set_write_timeout(Some(Duration::from_millis(100)))?;
        server.set_read_timeout(Some(Duration::from_millis(100)))?;
        pairs.push((client, server));
    }
    if let Some(bytes) = streams.at_once {
        burst_queue(stage, &peer, bytes)?;
    }
    stage.sysctl("net.core.netdev_max_backlog", room)?;
    let Streams { bytes, pause, .. } = *streams;
    for (mut client, mut server) in pairs {
        stage.repeat_in(&peer, move || {
            let _ = client.write(&vec![1; bytes]);
            std::thread::sleep(pause);
        });
        stage.repeat(move || {
            let _ = server.read(&mut [0; 16_384]);
        });
    }
    stage.hold(listener);
    stage.wait_for_counter("Tcp", "InSegs", 200)
}
