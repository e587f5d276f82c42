//! What is wrong behind a port that is asked about: the backend of the proxy that serves it.

use std::io::{self, Read as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use super::path::peer;
use crate::lab::{Expected, Scenario, Stage};

/// The port that is asked about, and where it is served.
const ASKED: &str = ":8080";
const PROXY: &str = "127.0.0.1:8080";
/// Where its backend should be, on this host.
const BACKEND: &str = "127.0.0.1:9000";

/// Where a name server should be.
const NAMES: &str = "127.0.0.1:53";

/// The scenarios.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "no-listener/behind-the-port",
        about: "a proxy's backend on this host does not run; plumb is asked about the proxy's port",
        make: |stage| {
            proxy(stage, PROXY, BACKEND)?;
            come(stage, PROXY);
            stage.wait_for_counter("Tcp", "AttemptFails", 2)?;
            Ok(Expected::subject("local", BACKEND).asked([ASKED]))
        },
    },
    Scenario {
        name: "accept-queue-overflow/behind-the-port",
        about: "a proxy's backend on this host does not accept; plumb is asked about the proxy's port",
        make: |stage| {
            let backend = stage.actor(None, &["listen-few", BACKEND, "2"])?;
            proxy(stage, PROXY, BACKEND)?;
            come(stage, PROXY);
            stage.wait_for_counter("TcpExt", "ListenOverflows", 3)?;
            let expected = Expected::subject("local", BACKEND).and("pid", backend);
            Ok(expected.asked([ASKED]))
        },
    },
    Scenario {
        name: "connect-timeout/behind-the-port",
        about: "a proxy's backend on another host is silent; plumb is asked about the proxy's port",
        make: |stage| {
            let backend = peer(stage)?;
            stage.nft(
                Some(&backend),
                "add table ip lab; add chain ip lab in { type filter hook input priority 0; }; \
                 add rule ip lab in tcp dport 9000 drop",
            )?;
            proxy(stage, PROXY, "10.9.0.2:9000")?;
            for _ in 0..3 {
                come(stage, PROXY);
            }
            stage.wait_for_counter("TcpExt", "TCPSynRetrans", 1)?;
            Ok(Expected::subject("peer", "10.9.0.2:9000").asked([ASKED]))
        },
    },
    Scenario {
        name: "dns-failing/behind-the-port",
        about: "a server looks names up where nobody answers, by sockets it soon closes; plumb is asked about the server's port",
        make: |stage| {
            resolver(stage, PROXY)?;
            Ok(Expected::subject("peer", NAMES).asked([ASKED]))
        },
    },
    Scenario {
        name: "dns-failing/healthy-behind-another-port",
        about: "the same; plumb is asked about another server's port",
        make: |stage| {
            resolver(stage, "127.0.0.1:8081")?;
            let listener = TcpListener::bind(PROXY)?;
            stage.hold(listener);
            Ok(Expected::nothing().asked([ASKED]))
        },
    },
    Scenario {
        name: "no-listener/healthy-behind-another-port",
        about: "the backend of another proxy does not run; plumb is asked about a port that serves well",
        make: |stage| {
            proxy(stage, "127.0.0.1:8081", BACKEND)?;
            come(stage, "127.0.0.1:8081");
            let backend = TcpListener::bind("127.0.0.1:9001")?;
            backend.set_nonblocking(true)?;
            stage.repeat(move || match backend.accept() {
                Ok(taken) => drop(taken),
                Err(_) => std::thread::sleep(Duration::from_millis(5)),
            });
            proxy(stage, PROXY, "127.0.0.1:9001")?;
            come(stage, PROXY);
            stage.wait_for_counter("Tcp", "AttemptFails", 3)?;
            Ok(Expected::nothing().asked([ASKED]))
        },
    },
];

/// A server that looks names up, and a client that comes to it.
fn resolver(stage: &mut Stage, end: &'static str) -> io::Result<()> {
    stage.actor(None, &["look-up", end, NAMES])?;
    come(stage, end);
    stage.wait_for_counter("Udp", "NoPorts", 2)
}

fn proxy(stage: &mut Stage, end: &str, backend: &str) -> io::Result<u32> {
    stage.actor(None, &["pass-on", end, backend])
}

/// A client that comes to the proxy again and again and waits for its end.
fn come(stage: &mut Stage, end: &'static str) {
    stage.repeat(move || {
        if let Ok(mut client) = TcpStream::connect(end) {
            let _ = client.read(&mut [0; 1]);
        }
        std::thread::sleep(Duration::from_millis(100));
    });
}
