//! A name server of a few lines, on 127.0.0.1 of a sandbox.

use std::net::UdpSocket;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Answers every reverse lookup with `peer-NNN.test.`, NNN being the last byte of the address.
pub struct NameServer {
    end: Arc<AtomicBool>,
    most_waiting: Arc<AtomicUsize>,
    asked: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl NameServer {
    /// Starts it, and makes it the only source of host names in this mount namespace.
    ///
    /// It answers when `together` questions wait for it, or after a tenth of a second without a new one.
    pub fn start(dir: &Path, together: usize) -> Self {
        mount_over(dir, "/etc/resolv.conf", "nameserver 127.0.0.1\n");
        mount_over(dir, "/etc/nsswitch.conf", "hosts: dns\n");
        let socket = UdpSocket::bind("127.0.0.1:53").expect("root may take port 53 here");
        socket
            .set_read_timeout(Some(Duration::from_millis(100)))
            .expect("it is a valid time");
        let (end, most) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicUsize::new(0)),
        );
        let asked = Arc::new(AtomicUsize::new(0));
        let (its_end, its_most) = (Arc::clone(&end), Arc::clone(&most));
        let its_asked = Arc::clone(&asked);
        let thread = std::thread::spawn(move || {
            let mut waiting = Vec::new();
            while !its_end.load(Ordering::Relaxed) {
                let mut question = [0; 512];
                let received = socket.recv_from(&mut question);
                if let Ok((len, from)) = received {
                    waiting.push((question[..len].to_vec(), from));
                    its_asked.fetch_add(1, Ordering::Relaxed);
                    its_most.fetch_max(waiting.len(), Ordering::Relaxed);
                }
                if received.is_err() || waiting.len() >= together {
                    for (question, from) in waiting.drain(..) {
                        // Who stopped waiting misses nothing.
                        let _ = socket.send_to(&answer(&question), from);
                    }
                }
            }
        });
        Self {
            end,
            most_waiting: most,
            asked,
            thread: Some(thread),
        }
    }

    /// Gives the largest number of questions that waited at the same time.
    pub fn most_waiting(&self) -> usize {
        self.most_waiting.load(Ordering::Relaxed)
    }

    /// Gives the number of questions so far.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It ends within its read timeout.
            let _ = thread.join();
        }
    }
}

/// Makes the answer to a PTR question (RFC 1035).
fn answer(question: &[u8]) -> Vec<u8> {
    // The first label is the last byte of the address, in decimal.
    let digits = usize::from(question[12]);
    let number = String::from_utf8_lossy(&question[13..13 + digits]).into_owned();
    let name = format!("peer-{number}");
    let mut rdata = vec![u8::try_from(name.len()).expect("a short name")];
    rdata.extend(name.as_bytes());
    rdata.extend(b"\x04test\x00");
    let end = 12
        + question[12..]
            .iter()
            .position(|&b| b == 0)
            .expect("a root label")
        + 5;
    let mut message = question[..2].to_vec();
    message.extend([0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
    message.extend(&question[12..end]);
    message.extend([0xc0, 12, 0, 12, 0, 1, 0, 0, 0, 60, 0]);
    message.push(u8::try_from(rdata.len()).expect("a short name"));
    message.extend(rdata);
    message
}

fn mount_over(dir: &Path, path: &str, content: &str) {
    let file = dir.join(path.replace('/', "_"));
    std::fs::write(&file, content).expect("the sandbox has room");
    rustix::mount::mount_bind(&file, path).expect("root can mount here");
}
