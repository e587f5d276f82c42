//! `half-open-peer`: a peer that is gone without a word, and one that only has nothing to say.

use std::io::{self, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use crate::lab::{Expected, Peer, Scenario, Stage};

/// The scenarios.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "half-open-peer/gone",
        about: "a client has vanished; the server still sends to it",
        make: gone,
    },
    Scenario {
        name: "half-open-peer/gone-talkative",
        about: "a client has vanished; the server goes on to say a little to it, which adds up to much",
        make: gone_talkative,
    },
    Scenario {
        name: "half-open-peer/window-closed",
        about: "a client that did not read has vanished; the server asks in vain whether there is room again",
        make: window_closed,
    },
    Scenario {
        name: "half-open-peer/keepalive",
        about: "a client has vanished, nobody has anything to say, and keepalive asks in vain",
        make: keepalive,
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

fn vanish(stage: &Stage, peer: &Peer) -> io::Result<()> {
    stage.nft(
        Some(peer),
        "add table ip lab; add chain ip lab in { type filter hook prerouting priority 0; }; \
         add rule ip lab in tcp sport 8080 drop",
    )
}

fn keepalive(stage: &mut Stage) -> io::Result<Expected> {
    use rustix::net::sockopt;
    let peer = stage.peer("client")?;
    let kept = connect(stage, &peer)?;
    let second = Duration::from_secs(1);
    sockopt::set_tcp_keepidle(&kept.1, second)?;
    sockopt::set_tcp_keepintvl(&kept.1, second)?;
    sockopt::set_socket_keepalive(&kept.1, true)?;
    vanish(stage, &peer)?;
    let end = kept.0.local_addr()?;
    stage.hold(kept);
    stage.wait_for_counter("TcpExt", "TCPKeepAlive", 3)?;
    Ok(Expected::subject("peer", end))
}

fn gone_talkative(stage: &mut Stage) -> io::Result<Expected> {
    let peer = stage.peer("client")?;
    let (client, mut server, listener) = connect(stage, &peer)?;
    let end = client.local_addr()?;
    server.write_all(&[1; 80])?;
    let heard = || Ok(client.peek(&mut [0; 80])? == 80);
    stage.wait_until("the client hears", heard)?;
    vanish(stage, &peer)?;
    server.set_nonblocking(true)?;
    stage.hold((client, listener));
    stage.repeat(move || {
        let _ = server.write(&[1; 80]);
        std::thread::sleep(Duration::from_millis(50));
    });
    stage.wait_for_counter("Tcp", "RetransSegs", 4)?;
    Ok(Expected::subject("peer", end))
}

fn window_closed(stage: &mut Stage) -> io::Result<Expected> {
    let peer = stage.peer("client")?;
    let (client, mut server, listener) = connect(stage, &peer)?;
    let end = client.local_addr()?;
    server.set_nonblocking(true)?;
    stage.hold((client, listener));
    stage.repeat(move || {
        let _ = server.write(&[1; 16_384]);
        std::thread::sleep(Duration::from_millis(5));
    });
    // Probes of the closed window are answered, and come ever more seldom.
    stage.wait_for_counter("TcpExt", "TCPWinProbe", 4)?;
    vanish(stage, &peer)?;
    stage.wait_for_counter("TcpExt", "TCPWinProbe", 6)?;
    Ok(Expected::subject("peer", end))
}

fn gone(stage: &mut Stage) -> io::Result<Expected> {
    let peer = stage.peer("client")?;
    let (client, mut server, listener) = connect(stage, &peer)?;
    vanish(stage, &peer)?;
    server.write_all(b"are you there?")?;
    let end = client.local_addr()?;
    stage.hold((client, server, listener));
    // Timeouts of 0.2, 0.4, 0.8 and 1.6 seconds.
    stage.wait_for_counter("Tcp", "RetransSegs", 4)?;
    Ok(Expected::subject("peer", end))
}
