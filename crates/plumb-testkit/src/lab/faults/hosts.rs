//! Whole hosts on which nothing is wrong: idle, and busy with everything at once.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use super::path::remote_server;
use crate::lab::{Expected, Scenario, Stage};

/// The scenarios.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "host/healthy-idle",
        about: "a host with a few listeners and nobody who comes",
        make: |stage| {
            for port in [22, 53, 80, 443, 5432] {
                stage.hold(TcpListener::bind(("0.0.0.0", port))?);
            }
            stage.hold(UdpSocket::bind("0.0.0.0:53")?);
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "host/healthy-busy",
        about: "short and long connections, a transfer, datagrams, a firewall that counts, all well",
        make: busy,
    },
];

fn busy(stage: &mut Stage) -> io::Result<Expected> {
    // A remote server that is asked many times a second.
    remote_server(stage)?;
    stage.nft(
        None,
        "add table ip lab; add chain ip lab in { type filter hook input priority 0; }; \
         add rule ip lab in tcp dport 23 counter drop",
    )?;
    serve(stage)?;
    transfer(stage)?;
    datagrams(stage)?;
    // Some that were closed by mistake or refused, as they are everywhere.
    drop(TcpStream::connect("127.0.0.1:9"));
    stage.wait_for_counter("Tcp", "ActiveOpens", 100)?;
    Ok(Expected::nothing())
}

/// A local server with eight clients that come and go.
fn serve(stage: &mut Stage) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:8000")?;
    for _ in 0..4 {
        let listener = listener.try_clone()?;
        listener.set_nonblocking(true)?;
        stage.repeat(move || match listener.accept() {
            Ok((mut stream, _)) => {
                let _ = stream.set_nonblocking(false);
                let _ = stream.set_read_timeout(Some(Duration::from_millis(500)));
                let mut buffer = [0; 64];
                let _ = stream.read(&mut buffer);
                let _ = stream.write_all(b"answer");
                let _ = stream.read(&mut buffer);
            }
            Err(_) => std::thread::sleep(Duration::from_millis(1)),
        });
        stage.repeat(|| {
            if let Ok(mut stream) = TcpStream::connect("127.0.0.1:8000") {
                let _ = stream.set_read_timeout(Some(Duration::from_millis(500)));
                let _ = stream.write_all(b"question");
                let _ = stream.read(&mut [0; 64]);
            }
            std::thread::sleep(Duration::from_millis(15));
        });
    }
    Ok(())
}

fn transfer(stage: &mut Stage) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:8001")?;
    let mut client = TcpStream::connect("127.0.0.1:8001")?;
    let (mut server, _) = listener.accept()?;
    client.set_write_timeout(Some(Duration::from_millis(200)))?;
    server.set_read_timeout(Some(Duration::from_millis(200)))?;
    stage.repeat(move || {
        let _ = client.write(&[1; 16_384]);
        std::thread::sleep(Duration::from_millis(2));
    });
    stage.repeat(move || {
        let _ = server.read(&mut [0; 16_384]);
    });
    Ok(())
}

fn datagrams(stage: &mut Stage) -> io::Result<()> {
    let receiver = UdpSocket::bind("127.0.0.1:8002")?;
    receiver.set_read_timeout(Some(Duration::from_millis(100)))?;
    stage.repeat(move || {
        let _ = receiver.recv(&mut [0; 64]);
    });
    let sender = UdpSocket::bind("127.0.0.1:0")?;
    stage.repeat(move || {
        let _ = sender.send_to(b"datagram", "127.0.0.1:8002");
        std::thread::sleep(Duration::from_millis(2));
    });
    Ok(())
}
