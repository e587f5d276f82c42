//! `half-open-peer`: a peer that is gone without a word, and one that only has nothing to say.

use std::io::{self, Write as _};
use std::net::{TcpListener, TcpStream};

use crate::lab::{Expected, Peer, Scenario, Stage};

/// The scenarios.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "half-open-peer/gone",
        about: "a client has vanished; the server still sends to it",
        make: gone,
    },
    Scenario {
        name: "half-open-peer/healthy-idle",
        about: "a connection on which nobody has anything to say",
        make: |stage| {
            let peer = stage.peer("client")?;
            let kept = connect(stage, &peer)?;
            stage.hold(kept);
            Ok(Expected::nothing())
        },
    },
];

/// A connection from a peer: both ends and the listener.
type Connected = (TcpStream, TcpStream, TcpListener);

fn connect(stage: &mut Stage, peer: &Peer) -> io::Result<Connected> {
    stage.veth(peer, ("veth0", "10.9.0.1/24"), ("veth1", "10.9.0.2/24"))?;
    let listener = TcpListener::bind("10.9.0.1:8080")?;
    let client = stage.once_in(peer, || TcpStream::connect("10.9.0.1:8080"))?;
    let (server, _) = listener.accept()?;
    Ok((client, server, listener))
}

fn gone(stage: &mut Stage) -> io::Result<Expected> {
    let peer = stage.peer("client")?;
    let (client, mut server, listener) = connect(stage, &peer)?;
    stage.nft(
        Some(&peer),
        "add table ip lab; add chain ip lab in { type filter hook prerouting priority 0; }; \
         add rule ip lab in tcp sport 8080 drop",
    )?;
    server.write_all(b"are you there?")?;
    let end = client.local_addr()?;
    stage.hold((client, server, listener));
    // Timeouts of 0.2, 0.4, 0.8 and 1.6 seconds.
    stage.wait_for_counter("Tcp", "RetransSegs", 4)?;
    Ok(Expected::subject("peer", end))
}
