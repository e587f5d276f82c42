//! A socket that one thread alone holds, in a table of descriptors of its own.
//!
//! `/proc/PID/fd` shows the table of the leader; `/proc/PID/task/TID/fd` the thread's.

use std::io;
use std::os::fd::AsRawFd as _;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use nix::sched::{CloneFlags, unshare};

use super::{Held, Listener, Way};

/// Ends the thread when it is dropped.
struct Thread {
    end: Option<Sender<()>>,
    handle: Option<JoinHandle<()>>,
}

impl Drop for Thread {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(handle) = self.handle.take() {
            // A thread that panicked has said so already.
            let _ = handle.join();
        }
    }
}

/// What the thread tells when it holds the socket.
type Told = io::Result<(Way, u64, u16)>;

/// Starts a thread that opens a socket behind `unshare(CLONE_FILES)`. It also keeps copies of whatever
/// this process has open now.
pub fn own_table() -> io::Result<Held> {
    let (tell, told) = channel();
    let (end, ended) = channel();
    let handle = std::thread::Builder::new()
        .name("own-table".to_owned())
        .spawn(move || hold(&tell, &ended))?;
    let guard = Thread {
        end: Some(end),
        handle: Some(handle),
    };
    let (way, inode, port) = told.recv().map_err(io::Error::other)??;
    Ok(Held {
        way,
        pid: std::process::id(),
        inode,
        port,
        _guard: Box::new(guard),
    })
}

fn hold(tell: &Sender<Told>, ended: &Receiver<()>) {
    let opened = unshare(CloneFlags::CLONE_FILES)
        .map_err(io::Error::from)
        .and_then(|()| Listener::new());
    let listener = match opened {
        Ok(listener) => listener,
        Err(error) => return tell.send(Err(error)).unwrap_or(()),
    };
    let way = Way::OwnTable {
        tid: rustix::thread::gettid()
            .as_raw_nonzero()
            .get()
            .cast_unsigned(),
        fd: listener.socket.as_raw_fd(),
    };
    if tell.send(Ok((way, listener.inode, listener.port))).is_ok() {
        // An error is what ends it: nothing is ever sent.
        let _ = ended.recv();
    }
}
