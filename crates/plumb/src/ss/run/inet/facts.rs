//! What a filter may ask of an Internet socket.

use std::ops::RangeInclusive;

use plumb_filter::{End, Family, Needs, Owners, Row, Side};
use plumb_model::diag::inet::{AF_INET, InetDiag, Info};
use plumb_model::diag::tcp_info::TcpInfo;
use plumb_model::{Known, Reason};

use crate::ss::lookup::Names;

/// States in which a connection exists, so that its clocks mean something: established to closing,
/// without TIME_WAIT and CLOSE.
const CONNECTED: [u32; 6] = [1, 4, 5, 8, 9, 11];

/// A row, and what was looked up for it.
pub struct Facts<'r> {
    row: &'r InetDiag<'r>,
    ephemeral_ports: RangeInclusive<i64>,
    owners: Owners<'r>,
}

impl<'r> Facts<'r> {
    /// Looks at a row; its owners are looked up only if the filter needs them.
    pub fn new(row: &'r InetDiag<'r>, names: &'r mut Names, needs: Needs) -> Self {
        Self {
            row,
            ephemeral_ports: names.ephemeral_ports(),
            owners: if needs.owners {
                names.owners(row.inode)
            } else {
                Owners {
                    found: Vec::new(),
                    complete: false,
                }
            },
        }
    }

    fn tcp_info(&self, get: impl Fn(&TcpInfo) -> u32) -> Known<u64> {
        match &self.row.extensions.info {
            Some(Info::Tcp(info)) => Known::Known(u64::from(get(info))),
            _ => Known::Unknown(Reason::NotInSource),
        }
    }
}

impl Row for Facts<'_> {
    fn family(&self) -> Family {
        if self.row.family == AF_INET {
            Family::Inet
        } else {
            Family::Inet6
        }
    }

    fn end(&self, side: Side) -> End<'_> {
        let end = match side {
            Side::Local => &self.row.local,
            Side::Peer => &self.row.peer,
        };
        let len = if self.row.family == AF_INET { 4 } else { 16 };
        End {
            address: end.octets.get(..len).unwrap_or(&[]),
            port: i64::from(end.port),
            name: None,
        }
    }

    fn device(&self) -> u32 {
        self.row.interface
    }

    fn mark(&self) -> u32 {
        self.row.extensions.mark.unwrap_or(0)
    }

    fn cgroup(&self) -> u64 {
        self.row.extensions.cgroup_id.unwrap_or(0)
    }

    fn ephemeral_ports(&self) -> RangeInclusive<i64> {
        self.ephemeral_ports.clone()
    }

    fn state(&self) -> Known<u8> {
        u8::try_from(self.row.state).map_or(Known::Unknown(Reason::NotSupported), Known::Known)
    }

    fn recv_q(&self) -> Known<u64> {
        Known::Known(u64::from(self.row.recv_q))
    }

    fn send_q(&self) -> Known<u64> {
        Known::Known(u64::from(self.row.send_q))
    }

    fn rtt_us(&self) -> Known<u64> {
        match self.tcp_info(|info| info.rtt_us) {
            // Not measured yet.
            Known::Known(0) => Known::Unknown(Reason::NotInSource),
            known => known,
        }
    }

    /// The clocks of data and acknowledgements start with the connection, so the longest of them is
    /// a time it has existed for.
    fn age_us(&self) -> Known<u64> {
        if !CONNECTED.contains(&self.row.state) {
            return Known::Unknown(Reason::NotInSource);
        }
        let longest = self.tcp_info(|info| {
            let sent_or_received = info.last_data_sent_ms.max(info.last_data_recv_ms);
            sent_or_received.max(info.last_ack_recv_ms)
        });
        match longest {
            Known::Known(ms) => Known::Known(ms * 1000),
            Known::Unknown(reason) => Known::Unknown(reason),
        }
    }

    fn uid(&self) -> Known<u32> {
        Known::Known(self.row.uid)
    }

    fn owners(&self) -> Owners<'_> {
        self.owners.clone()
    }
}
