//! What goes on between this host and its peer: transfers in one direction, conversations. Faults are made around it.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use crate::lab::{Peer, Stage};

/// Connections over which up to 16 KiB are sent at a time, with a pause behind each, to an end of the peer that reads
/// them as they come.
pub(super) fn transfers(
    stage: &mut Stage,
    peer: &Peer,
    end: &'static str,
    connections: usize,
    pause: Duration,
) -> io::Result<()> {
    let listener = stage.once_in(peer, move || TcpListener::bind(end))?;
    for _ in 0..connections {
        let mut client = TcpStream::connect(end)?;
        client.set_write_timeout(Some(Duration::from_millis(200)))?;
        let (mut server, _) = listener.accept()?;
        server.set_read_timeout(Some(Duration::from_millis(200)))?;
        // It takes more at a time than comes, or it would be the slow one.
        let mut room = vec![0; 1 << 18];
        stage.repeat_in(peer, move || {
            let _ = server.read(&mut room);
        });
        stage.repeat(move || {
            let _ = client.write(&[1; 16_384]);
            std::thread::sleep(pause);
        });
    }
    Ok(())
}

/// A client that asks in one small write, waits for the answer, and asks again after a pause.
pub(super) fn conversation(
    stage: &mut Stage,
    peer: &Peer,
    listener: &TcpListener,
    pause: Duration,
) -> io::Result<()> {
    let mut client = TcpStream::connect(listener.local_addr()?)?;
    let (mut server, _) = listener.accept()?;
    for stream in [&client, &server] {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_millis(500)))?;
    }
    stage.repeat_in(peer, move || {
        if matches!(server.read(&mut [0; 64]), Ok(read) if read > 0) {
            let _ = server.write_all(b"answer");
        }
    });
    stage.repeat(move || {
        let _ = client.write_all(b"question");
        let _ = client.read(&mut [0; 64]);
        std::thread::sleep(pause);
    });
    Ok(())
}
