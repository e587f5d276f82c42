//! -K: asks the kernel to close a socket.

use plumb_collect::sock_destroy::Connection;
use plumb_model::diag::inet::InetDiag;
use plumb_wire::netlink::inet_request::encode_destroy;
use rustix::io::Errno;

/// What became of a socket that was to be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kill {
    /// It is closed.
    Done,
    /// It is gone already, or of a kind that cannot be closed.
    Impossible,
    /// The kernel refuses.
    Refused(Errno),
}

/// The connection over which sockets are closed, opened with the first one.
#[derive(Debug, Default)]
pub struct Killer {
    connection: Option<Connection>,
}

impl Killer {
    /// Closes one socket and waits for the answer.
    pub fn kill(&mut self, row: &InetDiag<'_>) -> Kill {
        match self.ask(row) {
            Ok(()) => Kill::Done,
            Err(Errno::OPNOTSUPP | Errno::NOENT) => Kill::Impossible,
            Err(error) => Kill::Refused(error),
        }
    }

    fn ask(&mut self, row: &InetDiag<'_>) -> Result<(), Errno> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            None => self.connection.insert(Connection::open()?),
        };
        connection.ask(&encode_destroy(row))
    }
}
