//! `slow-reader-local`, where no window closes: servers that hang, and UNIX sockets.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};
use std::time::Duration;

use crate::lab::{Expected, Scenario, Stage};

/// The scenarios.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "slow-reader-local/hung",
        about: "a server accepts and does nothing with the requests of its four clients",
        make: hung,
    },
    Scenario {
        name: "slow-reader-local/healthy-slow-answers",
        about: "a server has read the requests of its four clients, and its answers take longer than the watch",
        make: slow_answers,
    },
    Scenario {
        name: "slow-reader-local/unix",
        about: "a program accepts at a UNIX socket and never reads; who writes to it waits",
        make: unix,
    },
    Scenario {
        name: "slow-reader-local/unix-busy-process",
        about: "a program never reads its UNIX socket while another of its threads runs; who writes to it waits",
        make: unix_busy,
    },
    Scenario {
        name: "slow-reader-local/healthy-unix-slow",
        about: "a program reads a UNIX socket little by little, and who writes to it waits",
        make: unix_slow,
    },
    Scenario {
        name: "slow-reader-local/unix-datagrams",
        about: "a logging daemon hangs, and who logs waits",
        make: unix_datagrams,
    },
    Scenario {
        name: "slow-reader-local/healthy-unix-bulk",
        about: "a program reads a UNIX socket as fast as it can, and who writes to it is faster",
        make: unix_bulk,
    },
];

const SERVER: &str = "127.0.0.1:8080";
const PAUSE: Duration = Duration::from_millis(100);

fn ask() -> io::Result<TcpStream> {
    let mut client = TcpStream::connect(SERVER)?;
    client.write_all(b"GET / HTTP/1.1\r\nHost: lab\r\n\r\n")?;
    Ok(client)
}

fn hung(stage: &mut Stage) -> io::Result<Expected> {
    let pid = stage.actor(None, &["take", SERVER])?;
    for _ in 0..4 {
        let client = ask()?;
        stage.hold(client);
    }
    // Until they are accepted.
    std::thread::sleep(PAUSE);
    Ok(Expected::subject("pid", pid).and("local", SERVER))
}

fn slow_answers(stage: &mut Stage) -> io::Result<Expected> {
    let listener = TcpListener::bind(SERVER)?;
    for _ in 0..4 {
        let client = ask()?;
        let (mut server, _) = listener.accept()?;
        let read = server.read(&mut [0; 512])?;
        assert!(read > 0, "a request has come");
        stage.hold((client, server));
    }
    stage.hold(listener);
    Ok(Expected::nothing())
}

fn name() -> io::Result<SocketAddr> {
    SocketAddr::from_abstract_name("lab")
}

fn unix(stage: &mut Stage) -> io::Result<Expected> {
    let pid = stage.actor(None, &["take-unix", "lab"])?;
    let mut client = UnixStream::connect_addr(&name()?)?;
    client.set_write_timeout(Some(PAUSE))?;
    while client.write(&[1; 4096]).is_ok() {}
    stage.repeat(move || {
        let _ = client.write(&[1; 4096]);
    });
    Ok(Expected::subject("pid", pid).and("local", "@lab"))
}

fn unix_busy(stage: &mut Stage) -> io::Result<Expected> {
    let pid = stage.actor(None, &["take-unix-busy", "lab"])?;
    stage.actor(None, &["write-unix", "lab"])?;
    Ok(Expected::subject("pid", pid).and("local", "@lab"))
}

fn unix_slow(stage: &mut Stage) -> io::Result<Expected> {
    let listener = UnixListener::bind_addr(&name()?)?;
    stage.actor(None, &["write-unix", "lab"])?;
    let (mut reader, _) = listener.accept()?;
    stage.repeat(move || {
        let _ = reader.read(&mut [0; 1024]);
        std::thread::sleep(PAUSE);
    });
    Ok(Expected::nothing())
}

fn unix_datagrams(stage: &mut Stage) -> io::Result<Expected> {
    let pid = stage.actor(None, &["take-datagrams", "lab"])?;
    let client = UnixDatagram::unbound()?;
    client.connect_addr(&name()?)?;
    client.set_write_timeout(Some(PAUSE))?;
    while client.send(b"something happened").is_ok() {}
    stage.repeat(move || {
        let _ = client.send(b"something else happened");
    });
    Ok(Expected::subject("pid", pid).and("local", "@lab"))
}

fn unix_bulk(stage: &mut Stage) -> io::Result<Expected> {
    let (mut writer, mut reader) = UnixStream::pair()?;
    writer.set_write_timeout(Some(PAUSE))?;
    reader.set_read_timeout(Some(PAUSE))?;
    stage.repeat(move || {
        let _ = writer.write(&[1; 16_384]);
    });
    stage.repeat(move || {
        let _ = reader.read(&mut [0; 16_384]);
    });
    std::thread::sleep(PAUSE);
    Ok(Expected::nothing())
}
