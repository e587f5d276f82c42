//! Sockets in flight: sent in a message between unix sockets (SCM_RIGHTS), and received by nobody yet.
//!
//! No process holds such a socket, so no table of files shows it and every walk over processes calls it
//! ownerless. The message waits in the queue of a unix socket, the carrier, and who holds the carrier can
//! receive it. Below `probes/in_flight`.
//!
//! A reading sees the network namespace of the thread that reads, and only carriers in it; what they
//! carry may be of any. [`Probe::load`] once, then [`Probe::read`] in each namespace.
//!
//! Minimum kernel version: 5.17. Below it [`Probe::load`] gives the reason.

use std::os::fd::{AsFd as _, OwnedFd};

use crate::iterator::Reading;
use crate::load::{Program, load_first};
use crate::mailbox::{self, Mailbox};
use crate::privilege;
use crate::socket_file::{self, decode_socket_file};
use crate::sys;
use crate::unavailable::Unavailable;

/// The programs, the better first: `probes/in_flight/unix.bpf.c` and `unix_plain.bpf.c`.
pub(crate) const UNIX: [&Program; 2] = [
    &Program {
        name: "in_flight/unix",
        object: None,
        light: include_bytes!("../probes/in_flight/unix.light"),
        iterator: "unix",
        function: "plumb_unix",
        maps: &mailbox::MAPS,
    },
    &Program {
        name: "in_flight/unix_plain",
        object: None,
        light: include_bytes!("../probes/in_flight/unix_plain.light"),
        iterator: "unix",
        function: "plumb_unix",
        maps: &mailbox::MAPS,
    },
];

/// Bytes of a record: a socket, and two words for the carrier.
const LEN: usize = socket_file::LEN + 16;
/// Records in the shared array (`ROOM`).
const ROOM: usize = 16384;
/// Bytes of `struct control`, and where `count` and `cut_off` stand in it.
const CONTROL: usize = 8;
const COUNT: usize = 0;
const CUT_OFF: usize = 4;

/// A socket in a message that nobody has received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InFlight {
    /// Its inode in sockfs.
    pub inode: u64,
    /// Its cookie; 0 when nobody has asked for it yet.
    pub cookie: u64,
    /// Inode of its network namespace.
    pub netns: u64,
    /// Id of the cgroup it was made in; 0 when this kernel does not tell.
    pub cgroup: u64,
    /// `AF_*`.
    pub family: u16,
    /// `SOCK_*`.
    pub kind: u16,
    /// `IPPROTO_*`, or what the family counts as protocols.
    pub protocol: u16,
    /// Inode of the unix socket in whose queue the message waits; 0 for a connection that nobody has
    /// accepted.
    pub carrier: u64,
    /// Cookie of the carrier; 0 when nobody has asked for it yet.
    pub carrier_cookie: u64,
}

/// What a reading left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Carriers with more in their queues than there was room for, or than was looked at. Room is for
    /// 16384 sockets in each namespace.
    pub cut_off: u32,
}

/// The loaded program.
#[derive(Debug)]
pub struct Probe {
    link: OwnedFd,
    mailbox: Mailbox<LEN>,
}

impl Probe {
    /// Loads the program.
    ///
    /// # Errors
    ///
    /// The reason why it cannot run here.
    pub fn load() -> Result<Self, Unavailable> {
        Self::load_first(&UNIX)
    }

    fn load_first(programs: &[&Program]) -> Result<Self, Unavailable> {
        let loaded = load_first(programs)?;
        Ok(Self {
            mailbox: Mailbox::map(&loaded.maps, CONTROL, ROOM, COUNT)?,
            link: loaded.link_iterator()?,
        })
    }

    /// Tells of every socket in flight in the network namespace of this thread. A socket that was sent
    /// twice is told twice, for each message.
    ///
    /// # Errors
    ///
    /// Reading ended early; what was told is true.
    pub fn read(&mut self, each: &mut dyn FnMut(&InFlight)) -> Result<Summary, Unavailable> {
        let iterator = sys::open_iterator(self.link.as_fd())
            .map_err(|error| Unavailable::new(format!("cannot open the iterator: {error}")))?;
        let mut iterator = Reading::new(iterator);
        let mut each = |record: &[u8; LEN]| each(&decode_in_flight(record));
        self.mailbox.control_mut().fill(0);
        while iterator.read(&mut [0; 64])?.is_some() {
            self.mailbox.empty(&mut each);
        }
        self.mailbox.empty(&mut each);
        Ok(Summary {
            cut_off: u32::from_ne_bytes(self.mailbox.word(CUT_OFF)),
        })
    }
}

/// Says why the program cannot be loaded, without loading it.
pub fn can_run() -> Result<(), Unavailable> {
    privilege::check()
}

fn decode_in_flight(bytes: &[u8; LEN]) -> InFlight {
    let (socket, carrier) = bytes.split_at(socket_file::LEN);
    let socket = socket.first_chunk().map(decode_socket_file);
    let socket = socket.unwrap_or_default();
    let word = |at: usize| {
        let bytes = carrier.get(at..).and_then(<[u8]>::first_chunk);
        bytes.map_or(0, |&bytes| u64::from_ne_bytes(bytes))
    };
    InFlight {
        inode: socket.inode,
        cookie: socket.cookie,
        netns: socket.netns,
        cgroup: socket.cgroup,
        family: socket.family,
        kind: socket.kind,
        protocol: socket.protocol,
        carrier: word(0),
        carrier_cookie: word(8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_carrier_stands_behind_the_socket() {
        let mut bytes = [0; LEN];
        bytes[..8].copy_from_slice(&70_u64.to_ne_bytes());
        bytes[72..80].copy_from_slice(&71_u64.to_ne_bytes());
        bytes[80..].copy_from_slice(&9_u64.to_ne_bytes());
        let told = decode_in_flight(&bytes);
        assert_eq!((told.inode, told.carrier, told.carrier_cookie), (70, 71, 9));
    }

    mod needs_root {
        use std::net::UdpSocket;
        use std::os::unix::net::UnixStream;

        use plumb_testkit::holding::{self, Way, in_flight};
        use plumb_testkit::sandbox;

        use super::*;

        fn told_by(program: &Program) -> Vec<InFlight> {
            let mut told = Vec::new();
            let probe = Probe::load_first(&[program]);
            let mut probe = probe.expect("this kernel has all it needs");
            let summary = probe.read(&mut |socket| told.push(*socket));
            assert_eq!(summary, Ok(Summary { cut_off: 0 }));
            told
        }

        #[test]
        fn a_socket_in_a_message_is_told_with_its_carrier_until_it_is_received() {
            sandbox::run(|| {
                let held = in_flight::in_message().expect("a socket can be sent");
                let Way::InFlight { carrier } = held.way else {
                    unreachable!("it was asked for this way");
                };
                for program in UNIX {
                    let told = told_by(program);
                    let told: Vec<_> = told.iter().map(|one| (one.inode, one.carrier)).collect();
                    assert_eq!(told, [(held.inode, carrier)], "{}", program.name);
                }
                drop(held);
                assert_eq!(told_by(UNIX[0]), []);
            });
        }

        #[test]
        fn what_does_not_fit_is_counted() {
            sandbox::run(|| {
                let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback is up");
                let inode = holding::inode(&socket).expect("it is open");
                let carriers: Vec<_> = (0..300)
                    .map(|_| UnixStream::pair().expect("there is memory"))
                    .collect();
                for (near, _) in &carriers {
                    for _ in 0..60 {
                        in_flight::send(near, std::os::fd::AsFd::as_fd(&socket))
                            .expect("queues have room");
                    }
                }
                for program in UNIX {
                    let mut told = 0;
                    let probe = Probe::load_first(&[program]);
                    let mut probe = probe.expect("this kernel has all it needs");
                    for _ in 0..2 {
                        told = 0;
                        let summary = probe.read(&mut |one| {
                            assert_eq!((one.inode, one.family), (inode, 2));
                            told += 1;
                        });
                        // 300 times 60 are 18000, and the carrier in whose middle it ended.
                        assert_eq!(summary, Ok(Summary { cut_off: 27 }), "{}", program.name);
                    }
                    assert_eq!(told, ROOM, "{}", program.name);
                }
            });
        }
    }
}
