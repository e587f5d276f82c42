//! Dumps of sock_diag: one request, many datagrams, every message handed on from the receive
//! buffer.
//!
//! A recorded dump can stand in for the kernel ([`Dump::replay`]), which is how the tests run both
//! sources on one frozen state.

mod ahead;
pub mod steady;

use std::path::Path;

use plumb_model::socket::IpVersion;
use plumb_wire::netlink::frame::{Conversation, Frame, Frames, u32_at};
use plumb_wire::netlink::inet_diag::{SOCK_DIAG_BY_FAMILY, encode_dump_request};
use plumb_wire::netlink::inet_request::{DCCPDIAG_GETSOCK, TCPDIAG_GETSOCK};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::netlink::{self, SocketAddrNetlink};
use rustix::net::{
    AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType, sockopt,
};

/// The kernel builds dump datagrams of at most 32 KiB.
const DATAGRAM_BYTES: usize = 64 * 1024;
/// A dump of fewer datagrams is over before a thread would pay.
const INLINE_DATAGRAMS: usize = 8;
/// Buffers of our own socket, which is in the netlink table that we may be asked to show; these are
/// the ones that iproute2 sets.
const SEND_BUFFER_BYTES: usize = 32 * 1024;
const RECV_BUFFER_BYTES: usize = 1024 * 1024;
/// Where the number of a request stands in its header.
const SEQUENCE_AT: usize = 8;
/// The types of the messages that rows of sockets come in.
const SOCKETS: &[u16] = &[SOCK_DIAG_BY_FAMILY, TCPDIAG_GETSOCK, DCCPDIAG_GETSOCK];

/// Why a dump failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DumpError {
    /// The kernel has no sock_diag for this protocol, or does not let us use it; nothing was read.
    #[error("not available: {0}")]
    Refused(Errno),
    /// The dump broke off after some messages.
    #[error("{0}")]
    BrokenOff(Errno),
    /// The kernel sent bytes that are no netlink messages.
    #[error("malformed netlink message")]
    Malformed,
}

/// What a finished dump says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// The kernel noticed that its table changed while it was being dumped.
    pub interrupted: bool,
}

/// One step of reading a dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// The payload of one message.
    Message(&'a [u8]),
    /// A datagram ended: a good moment to show what was read so far.
    BatchEnd,
}

/// A dump that was asked for and not yet read.
#[derive(Debug)]
pub struct Dump {
    source: Origin,
    /// The message types that are rows; nothing else was asked for.
    rows: Vec<u16>,
    buffer: Vec<u8>,
}

#[derive(Debug)]
enum Origin {
    Kernel(OwnedFd, Conversation),
    Recording(Option<Vec<u8>>),
}

impl Origin {
    /// What answers must have in common; a recording was somebody else's conversation.
    fn conversation(&self) -> Option<Conversation> {
        match self {
            Self::Kernel(_, conversation) => Some(*conversation),
            Self::Recording(_) => None,
        }
    }
}

impl Dump {
    /// Asks the kernel for all sockets of one protocol and IP version in this thread's network
    /// namespace; see [`encode_dump_request`] for `extensions`.
    pub fn request(version: IpVersion, protocol: u8, extensions: u8) -> Result<Self, Errno> {
        Self::send(&encode_dump_request(version, protocol, extensions))
    }

    /// Sends an encoded request, whole message with header, on a socket of its own in this thread's
    /// network namespace. Only what answers it will be read.
    pub fn send(request: &[u8]) -> Result<Self, Errno> {
        Self::send_on(Some(netlink::SOCK_DIAG), SOCKETS, request)
    }

    /// As [`Dump::send`], of another netlink protocol (`None` is rtnetlink), whose rows are messages of
    /// the types `rows`.
    pub(crate) fn send_on(
        protocol: Option<Protocol>,
        rows: &[u16],
        request: &[u8],
    ) -> Result<Self, Errno> {
        let socket = rustix::net::socket_with(
            AddressFamily::NETLINK,
            SocketType::RAW,
            SocketFlags::CLOEXEC,
            protocol,
        )?;
        sockopt::set_socket_send_buffer_size(&socket, SEND_BUFFER_BYTES)?;
        sockopt::set_socket_recv_buffer_size(&socket, RECV_BUFFER_BYTES)?;
        // The kernel chooses the port id.
        rustix::net::bind(&socket, &SocketAddrNetlink::new(0, 0))?;
        let addr = SocketAddrNetlink::try_from(rustix::net::getsockname(&socket)?)?;
        let conversation = Conversation {
            sequence: u32_at(request, SEQUENCE_AT).unwrap_or(0),
            port_id: addr.pid(),
        };
        rustix::net::send(&socket, request, SendFlags::empty())?;
        Ok(Self {
            source: Origin::Kernel(socket, conversation),
            rows: rows.to_vec(),
            buffer: vec![0; DATAGRAM_BYTES],
        })
    }

    /// Gives the size of the first datagram, which stays to be read; 0 where there is none.
    fn first_bytes(&self) -> usize {
        match &self.source {
            Origin::Recording(_) => 0,
            Origin::Kernel(socket, _) => {
                let flags = RecvFlags::PEEK | RecvFlags::TRUNC;
                let mut buffer = [0; 1];
                rustix::net::recv(socket, &mut buffer, flags).map_or(0, |(_, len)| len)
            }
        }
    }

    /// Reads a recorded dump instead: the concatenated messages, `NLMSG_DONE` included.
    pub fn replay(recording: &Path) -> std::io::Result<Self> {
        Ok(Self {
            source: Origin::Recording(Some(std::fs::read(recording)?)),
            rows: SOCKETS.to_vec(),
            buffer: Vec::new(),
        })
    }

    /// Reads the dump to its end. From the [`INLINE_DATAGRAMS`]-th datagram on, another thread
    /// receives while this one looks at what came before.
    #[inline]
    pub fn read(mut self, mut each: impl FnMut(Step<'_>)) -> Result<Summary, DumpError> {
        let conversation = self.source.conversation();
        let mut reading = Reading::new(conversation, std::mem::take(&mut self.rows));
        for _ in 0..INLINE_DATAGRAMS {
            if let Some(end) = reading.take(self.next_datagram(), &mut each) {
                return end;
            }
        }
        // The other thread has buffers of its own.
        self.buffer = Vec::new();
        let end = match &self.source {
            Origin::Recording(_) => None,
            Origin::Kernel(socket, _) => ahead::read(
                socket,
                |datagram| frames(datagram, conversation).any(is_last),
                |datagram| reading.take(datagram, &mut each),
            ),
        };
        end.unwrap_or(Err(DumpError::Malformed))
    }

    /// Reads the one answer to a request that is no dump.
    pub(crate) fn read_one(mut self) -> Result<Vec<u8>, Errno> {
        let rows = std::mem::take(&mut self.rows);
        let conversation = self.source.conversation();
        loop {
            let datagram = self.next_datagram()?;
            if datagram.is_empty() {
                return Err(Errno::BADMSG);
            }
            for frame in frames(datagram, conversation) {
                match frame {
                    Frame::Data { kind, payload, .. } if rows.contains(&kind) => {
                        return Ok(payload.to_vec());
                    }
                    Frame::Data { .. } => {}
                    // An acknowledgement or an end, and nothing before it.
                    Frame::Error(0) | Frame::Done => return Err(Errno::NODATA),
                    Frame::Error(errno) => return Err(Errno::from_raw_os_error(errno)),
                    Frame::Malformed => return Err(Errno::BADMSG),
                }
            }
        }
    }

    /// Hands on the datagrams of the dump as they came, up to and with the last.
    pub fn copy(
        mut self,
        write: &mut dyn FnMut(&[u8]) -> std::io::Result<()>,
    ) -> std::io::Result<()> {
        loop {
            let datagram = self.next_datagram()?;
            write(datagram)?;
            if datagram.is_empty() || Frames::new(datagram).any(is_last) {
                return Ok(());
            }
        }
    }

    fn next_datagram(&mut self) -> Result<&[u8], Errno> {
        match &mut self.source {
            Origin::Recording(recording) => {
                self.buffer = recording.take().unwrap_or_default();
                Ok(&self.buffer)
            }
            Origin::Kernel(socket, _) => receive(socket, &mut self.buffer),
        }
    }
}

/// What was learned of a dump so far.
struct Reading {
    conversation: Option<Conversation>,
    rows: Vec<u16>,
    summary: Summary,
    any: bool,
}

impl Reading {
    fn new(conversation: Option<Conversation>, rows: Vec<u16>) -> Self {
        Self {
            conversation,
            rows,
            summary: Summary { interrupted: false },
            any: false,
        }
    }

    /// Hands on the messages of a datagram; gives the end of the dump when it is reached.
    #[inline]
    fn take(
        &mut self,
        datagram: Result<&[u8], Errno>,
        each: &mut impl FnMut(Step<'_>),
    ) -> Option<Result<Summary, DumpError>> {
        let datagram = match datagram {
            Err(errno) => return Some(Err(failure(self.any, errno))),
            Ok([]) => return Some(Err(DumpError::Malformed)),
            Ok(datagram) => datagram,
        };
        for frame in frames(datagram, self.conversation) {
            match frame {
                Frame::Data {
                    kind,
                    interrupted,
                    payload,
                } if self.rows.contains(&kind) => {
                    self.any = true;
                    self.summary.interrupted |= interrupted;
                    each(Step::Message(payload));
                }
                // Nothing else was asked for; a stray message is not ours to judge.
                Frame::Data { .. } | Frame::Error(0) => {}
                Frame::Done => return Some(Ok(self.summary)),
                Frame::Error(errno) => {
                    return Some(Err(failure(self.any, Errno::from_raw_os_error(errno))));
                }
                Frame::Malformed => return Some(Err(DumpError::Malformed)),
            }
        }
        each(Step::BatchEnd);
        None
    }
}

fn frames(datagram: &[u8], conversation: Option<Conversation>) -> Frames<'_> {
    match conversation {
        Some(conversation) => Frames::answering(datagram, conversation),
        None => Frames::new(datagram),
    }
}

fn is_last(frame: Frame<'_>) -> bool {
    matches!(frame, Frame::Done | Frame::Error(1..) | Frame::Malformed)
}

/// Receives one datagram.
fn receive<'b>(socket: &OwnedFd, buffer: &'b mut [u8]) -> Result<&'b [u8], Errno> {
    loop {
        match rustix::net::recv(socket, &mut *buffer, RecvFlags::TRUNC) {
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
            Ok((_, len)) if len > buffer.len() => return Err(Errno::MSGSIZE),
            Ok((_, len)) => return Ok(buffer.get(..len).unwrap_or(&[])),
        }
    }
}

fn failure(any: bool, errno: Errno) -> DumpError {
    if any {
        DumpError::BrokenOff(errno)
    } else {
        DumpError::Refused(errno)
    }
}
