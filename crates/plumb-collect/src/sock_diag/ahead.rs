//! Receiving on another thread while datagrams that came before are looked at.
//!
//! The kernel collects a dump's rows inside `recv`, so a second core halves the time of a large dump.
//! At most [`BUFFERS`] datagrams wait; the thread ends with the last of the dump.

use std::sync::mpsc::{channel, sync_channel};

use rustix::fd::OwnedFd;
use rustix::io::Errno;

use super::{DATAGRAM_BYTES, receive};

/// Datagrams that may be on their way.
const BUFFERS: usize = 2;

/// What came: a buffer and how much of it counts, or why nothing came.
type Received = Result<(Vec<u8>, usize), Errno>;

/// Receives datagrams until `take` has an answer; `is_last` tells the one behind which nothing
/// follows. Gives `None` if the dump is over and nobody had an answer.
pub fn read<T>(
    socket: &OwnedFd,
    is_last: impl Fn(&[u8]) -> bool + Send,
    mut take: impl FnMut(Result<&[u8], Errno>) -> Option<T>,
) -> Option<T> {
    let (full, received) = sync_channel::<Received>(BUFFERS);
    let (returned, empty) = channel();
    for _ in 0..BUFFERS {
        // The receiving half is alive, it is in this function.
        let _ = returned.send(vec![0; DATAGRAM_BYTES]);
    }
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for mut buffer in empty {
                let outcome = receive(socket, &mut buffer).map(<[u8]>::len);
                let over = match outcome {
                    Err(_) => true,
                    Ok(len) => buffer.get(..len).is_none_or(&is_last),
                };
                if full.send(outcome.map(|len| (buffer, len))).is_err() || over {
                    return;
                }
            }
        });
        for outcome in received {
            let (buffer, len) = match outcome {
                Err(errno) => return take(Err(errno)),
                Ok(filled) => filled,
            };
            if let Some(answer) = take(Ok(buffer.get(..len).unwrap_or(&[]))) {
                return Some(answer);
            }
            // The thread is gone when it has received the last one.
            let _ = returned.send(buffer);
        }
        None
    })
}
