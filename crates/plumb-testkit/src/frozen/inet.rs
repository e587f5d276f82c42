//! One description of Internet sockets; from it the rows of `/proc/net/{tcp,udp,udplite,raw}{,6}`
//! and, through [`diag`](super::diag), the answers of `sock_diag` to the same question.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

use super::{ProcTree, diag};

/// `TCP_LISTEN` of `include/net/tcp_states.h`.
pub const LISTEN: u8 = 10;
/// `TCP_NEW_SYN_RECV` is shown as `TCP_SYN_RECV`.
pub const SYN_RECV: u8 = 3;
/// `TCP_TIME_WAIT`.
pub const TIME_WAIT: u8 = 6;

/// The pending timer of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timer {
    /// The kernel's code: 0 none, 1 retransmit, 2 keepalive, 3 `TIME_WAIT`, 4 zero-window probe.
    pub code: u8,
    /// Milliseconds left; `/proc` shows ticks of 10 ms.
    pub left_ms: u32,
    /// `icsk_retransmits`.
    pub retransmits: u8,
    /// `icsk_probes_out`.
    pub probes: u8,
}

/// One Internet socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Socket {
    /// The local end.
    pub local: SocketAddr,
    /// The peer, all zero if there is none.
    pub peer: SocketAddr,
    /// The state number.
    pub state: u8,
    /// Unread bytes; for a listener the connections that wait to be accepted.
    pub recv_q: u32,
    /// Unsent bytes; unused for a listener.
    pub send_q: u32,
    /// For a listener, how many connections may wait: `sock_diag` says it, `/proc` does not.
    pub backlog_limit: u32,
    /// The pending timer.
    pub timer: Timer,
    /// The owner; of a connection request `/proc` alone tells it.
    pub uid: u32,
    /// The socket's inode, 0 if nobody holds it.
    pub inode: u32,
}

impl Socket {
    /// Describes a socket without queues, timer, owner or inode.
    pub fn new(local: SocketAddr, peer: SocketAddr, state: u8) -> Self {
        Self {
            local,
            peer,
            state,
            recv_q: 0,
            send_q: 0,
            backlog_limit: 128,
            timer: Timer::default(),
            uid: 0,
            inode: 0,
        }
    }
}

/// The tables that share one row shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// `/proc/net/tcp`, `tcp6`.
    Tcp,
    /// `/proc/net/udp`, `udp6`.
    Udp,
    /// `/proc/net/udplite`, `udplite6`.
    UdpLite,
    /// `/proc/net/raw`, `raw6`.
    Raw,
}

impl Table {
    /// All of them, as netstat prints them.
    pub const ALL: [Self; 4] = [Self::Tcp, Self::Udp, Self::UdpLite, Self::Raw];

    /// Gives the name of the IPv4 file; the IPv6 file has a `6` behind it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::UdpLite => "udplite",
            Self::Raw => "raw",
        }
    }
}

/// All Internet sockets of a state, in the order of the kernel's tables.
#[derive(Debug, Clone, Default)]
pub struct Tables {
    v4: [Vec<Socket>; 4],
    v6: [Vec<Socket>; 4],
}

impl Tables {
    /// Adds a socket to the table of its local address' IP version.
    pub fn push(&mut self, table: Table, socket: Socket) {
        let versions = match socket.local {
            SocketAddr::V4(_) => &mut self.v4,
            SocketAddr::V6(_) => &mut self.v6,
        };
        versions[table as usize].push(socket);
    }

    /// Gives the IPv4 or the IPv6 sockets of a table.
    pub fn of(&self, table: Table, v6: bool) -> &[Socket] {
        let versions = if v6 { &self.v6 } else { &self.v4 };
        &versions[table as usize]
    }

    /// Writes all eight files.
    pub fn write(&self, tree: &ProcTree) -> io::Result<()> {
        for table in Table::ALL {
            let name = table.name();
            tree.file(
                &format!("net/{name}"),
                text(table, false, self.of(table, false)),
            )?;
            tree.file(
                &format!("net/{name}6"),
                text(table, true, self.of(table, true)),
            )?;
        }
        Ok(())
    }

    /// Writes the `sock_diag` dumps for the same sockets: `tcp4`, `tcp6`, `udp4`, `udp6` in `dir`.
    pub fn write_diag(&self, dir: &Path) -> io::Result<()> {
        for (table, name) in [(Table::Tcp, "tcp"), (Table::Udp, "udp")] {
            for (v6, digit) in [(false, 4), (true, 6)] {
                let dump = diag::dump(table, self.of(table, v6));
                fs::write(dir.join(format!("{name}{digit}")), dump)?;
            }
        }
        Ok(())
    }
}

/// Gives a whole file: header and rows.
pub fn text(table: Table, v6: bool, sockets: &[Socket]) -> String {
    let mut text = header(table, v6);
    for (index, socket) in sockets.iter().enumerate() {
        text.push_str(&row(table, v6, index, socket));
    }
    text
}

/// The kernel pads IPv4 rows to this many bytes before the newline; `raw` and IPv6 not at all.
fn width(table: Table, v6: bool) -> usize {
    match (table, v6) {
        (Table::Tcp, false) => 149,
        (Table::Udp | Table::UdpLite, false) => 127,
        _ => 0,
    }
}

/// Gives the first line of a file.
pub fn header(table: Table, v6: bool) -> String {
    let ends = if v6 {
        "  sl  local_address                         remote_address                        st "
    } else if table == Table::Udp || table == Table::UdpLite {
        "   sl  local_address rem_address   st "
    } else {
        "  sl  local_address rem_address   st "
    };
    let rest = "tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";
    let more = if table == Table::Tcp {
        ""
    } else {
        " ref pointer drops"
    };
    format!("{:<1$}\n", format!("{ends}{rest}{more}"), width(table, v6))
}

/// Gives one row with its newline.
pub fn row(table: Table, v6: bool, index: usize, socket: &Socket) -> String {
    let ticks = socket.timer.left_ms / 10;
    let mut row = format!(
        "{index:4}: {} {} {:02X} {:08X}:{:08X} {:02X}:{ticks:08X} {:08X} {:5} {:8} {}",
        endpoint(socket.local),
        endpoint(socket.peer),
        socket.state,
        if socket.state == LISTEN {
            0
        } else {
            socket.send_q
        },
        socket.recv_q,
        socket.timer.code,
        socket.timer.retransmits,
        socket.uid,
        socket.timer.probes,
        socket.inode,
    );
    row.push_str(match table {
        Table::Tcp => " 1 0000000000000000 20 4 30 10 -1",
        Table::Udp | Table::UdpLite | Table::Raw => " 2 0000000000000000 0",
    });
    format!("{row:<0$}\n", width(table, v6))
}

/// Writes an address as the kernel does: 32-bit words in the machine's byte order, then the port.
pub fn endpoint(end: SocketAddr) -> String {
    let mut text = match end.ip() {
        IpAddr::V4(v4) => hex_words(&v4.octets()),
        IpAddr::V6(v6) => hex_words(&v6.octets()),
    };
    // Writing into a string cannot fail.
    let _ = write!(text, ":{:04X}", end.port());
    text
}

fn hex_words(octets: &[u8]) -> String {
    let words = octets.chunks_exact(4).map(|word| {
        let word = <[u8; 4]>::try_from(word).unwrap_or_default();
        format!("{:08X}", u32::from_ne_bytes(word))
    });
    words.collect()
}

/// Gives the unspecified address with port 0 of an IP version: "no peer".
pub fn nobody(v6: bool) -> SocketAddr {
    if v6 {
        SocketAddr::from(([0_u16; 8], 0))
    } else {
        SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // From `cat /proc/net/tcp` of Linux 6.18 (little-endian), sl and pointer apart.
    #[test]
    fn a_tcp_row_reads_as_the_kernels() {
        let mut socket = Socket::new(
            SocketAddr::from(([127, 0, 0, 1], 8080)),
            SocketAddr::from(([10, 0, 0, 2], 51_000)),
            1,
        );
        socket.send_q = 0x11;
        socket.recv_q = 0x22;
        socket.timer = Timer {
            code: 1,
            left_ms: 2_345,
            retransmits: 3,
            probes: 4,
        };
        socket.uid = 1000;
        socket.inode = 4711;
        let row = row(Table::Tcp, false, 0, &socket);
        assert!(
            row.starts_with(
                "   0: 0100007F:1F90 0200000A:C738 01 00000011:00000022 01:000000EA \
                 00000003  1000        4 4711 1 "
            ),
            "{row}"
        );
        assert_eq!(row.len(), 150);
    }

    #[test]
    fn headers_are_as_wide_as_rows() {
        assert_eq!(header(Table::Tcp, false).len(), 150);
        assert_eq!(header(Table::Udp, false).len(), 128);
        assert!(header(Table::Raw, true).ends_with("inode ref pointer drops\n"));
    }

    #[test]
    fn an_ipv6_address_is_four_words_of_machine_order() {
        let end: SocketAddr = "[::1]:80".parse().expect("it is an address");
        assert_eq!(endpoint(end), "00000000000000000000000001000000:0050");
    }

    #[test]
    fn a_listener_hides_its_limit_from_proc() {
        let mut socket = Socket::new(SocketAddr::from(([0, 0, 0, 0], 22)), nobody(false), LISTEN);
        socket.send_q = 4096;
        assert!(row(Table::Tcp, false, 0, &socket).contains(" 0A 00000000:00000000 "));
    }
}
