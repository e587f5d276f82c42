//! The table of Internet sockets: headers, rows, and the optional columns other tables share.
//!
//! The hot path of plumb: a row is appended straight to the output buffer, without allocation.

use plumb_model::Inode;
use plumb_model::owner::Owner;
use plumb_model::socket::{InetProtocol, InetSocket, IpVersion, SocketState, Timer};

use super::address::{Width, write_endpoint};
use crate::text::{Decimal, blanks, left, left_u64, put, right};

/// Bytes of the program text that are shown.
const PROGRAM_BYTES: usize = 19;
/// Bytes of a security context that are shown: the last ones.
const CONTEXT_BYTES: usize = 48;
/// Contexts up to this length are shown whole.
const CONTEXT_WHOLE: usize = 49;

/// Which optional columns a listing has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Columns {
    /// -e: user and inode.
    pub extend: bool,
    /// -p: process.
    pub programs: bool,
    /// -Z: security context.
    pub contexts: bool,
    /// -o: timer.
    pub timers: bool,
}

/// Which sockets the title line announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Default.
    Connected,
    /// -l.
    Servers,
    /// -a.
    Both,
}

impl Shown {
    /// Gives the words in parentheses behind a title.
    pub fn suffix(self) -> &'static [u8] {
        match self {
            Self::Connected => b"(w/o servers)\n",
            Self::Servers => b"(only servers)\n",
            Self::Both => b"(servers and established)\n",
        }
    }
}

/// A user column: a name, or the number the kernel gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserText<'a> {
    /// From the user database.
    Name(&'a [u8]),
    /// As a signed 32-bit number.
    Number(i32),
}

/// The texts of the optional columns of one row.
#[derive(Debug, Clone, Copy)]
pub struct Extras<'a> {
    /// User, for -e.
    pub user: UserText<'a>,
    /// Inode, for -e.
    pub inode: Inode,
    /// Process text (see [`write_program`]), for -p.
    pub program: &'a [u8],
    /// Security context, for -Z; `-` when unknown.
    pub context: &'a [u8],
}

/// One end's text: address and port, as they are to be shown.
#[derive(Debug, Clone, Copy)]
pub struct EndpointText<'a> {
    /// Address or host name.
    pub addr: &'a [u8],
    /// Port number, service name or `*`.
    pub port: &'a [u8],
}

/// Appends the title line of the Internet listing.
pub fn write_title(out: &mut Vec<u8>, shown: Shown) {
    out.extend_from_slice(b"Active Internet connections ");
    out.extend_from_slice(shown.suffix());
}

/// Appends the line of column heads.
pub fn write_header(out: &mut Vec<u8>, columns: Columns) {
    out.extend_from_slice(
        b"Proto Recv-Q Send-Q Local Address           Foreign Address         State      ",
    );
    if columns.extend {
        out.extend_from_slice(b" User       Inode     ");
    }
    write_program_heads(out, columns);
    if columns.timers {
        out.extend_from_slice(b" Timer");
    }
    out.push(b'\n');
}

/// Appends the heads of the -p and -Z columns, which the UNIX table shares.
pub fn write_program_heads(out: &mut Vec<u8>, columns: Columns) {
    if columns.programs {
        out.extend_from_slice(b" PID/Program name    ");
    }
    if columns.contexts {
        left(out, b" Security Context", 50);
    }
}

/// Gives the label of a row.
pub fn protocol_label(protocol: InetProtocol, version: IpVersion) -> &'static [u8] {
    match (protocol, version) {
        (InetProtocol::Tcp, IpVersion::V4) => b"tcp",
        (InetProtocol::Tcp, IpVersion::V6) => b"tcp6",
        (InetProtocol::Udp, IpVersion::V4) => b"udp",
        (InetProtocol::Udp, IpVersion::V6) => b"udp6",
        (InetProtocol::UdpLite, IpVersion::V4) => b"udpl",
        (InetProtocol::UdpLite, IpVersion::V6) => b"udpl6",
        (InetProtocol::Raw, IpVersion::V4) => b"raw",
        (InetProtocol::Raw, IpVersion::V6) => b"raw6",
    }
}

/// Appends the fixed part of a row, up to and including the state.
#[inline]
pub fn write_fixed(
    out: &mut Vec<u8>,
    table: (InetProtocol, IpVersion),
    socket: &InetSocket,
    ends: (EndpointText<'_>, EndpointText<'_>),
    width: Width,
) {
    left(out, protocol_label(table.0, table.1), 5);
    out.push(b' ');
    write_queue(out, socket.recv_q);
    out.push(b' ');
    write_queue(out, socket.send_q);
    out.push(b' ');
    write_endpoint(out, ends.0.addr, ends.0.port, width);
    out.push(b' ');
    write_endpoint(out, ends.1.addr, ends.1.port, width);
    out.push(b' ');
    write_state(out, table.0, socket.state);
}

/// Appends a queue size as the original's signed `%6ld`.
fn write_queue(out: &mut Vec<u8>, bytes: u64) {
    let signed = bytes.cast_signed();
    if signed < 0 {
        put(out, format_args!("{signed:>6}"));
    } else {
        right(out, Decimal::new(bytes).as_bytes(), 6);
    }
}

fn write_state(out: &mut Vec<u8>, protocol: InetProtocol, state: SocketState) {
    match (protocol, state) {
        // The original's table of names starts with an empty one.
        (InetProtocol::Tcp, SocketState(0)) => blanks(out, 11),
        (InetProtocol::Tcp, _) => match state.tcp_name() {
            Some(name) => left(out, name.as_bytes(), 11),
            None => left(out, format!("UNKNOWN({})", state.0).as_bytes(), 11),
        },
        (InetProtocol::Raw, _) => put(out, format_args!("{:<11}", state.0.cast_signed())),
        (_, SocketState::ESTABLISHED) => left(out, b"ESTABLISHED", 11),
        (_, SocketState::CLOSE) => blanks(out, 11),
        _ => left(out, b"UNKNOWN", 11),
    }
}

/// Appends the optional columns other than the timer.
pub fn write_extras(out: &mut Vec<u8>, columns: Columns, extras: &Extras<'_>) {
    if columns.extend {
        out.push(b' ');
        match extras.user {
            UserText::Name(name) => left(out, name, 10),
            UserText::Number(uid) => put(out, format_args!("{uid:<10}")),
        }
        out.push(b' ');
        left_u64(out, extras.inode.0, 10);
    }
    write_program_columns(out, columns, extras);
}

/// Appends the -p and -Z columns, which the UNIX table shares.
pub fn write_program_columns(out: &mut Vec<u8>, columns: Columns, extras: &Extras<'_>) {
    if columns.programs {
        out.push(b' ');
        left(out, extras.program, 20);
    }
    if columns.contexts {
        let context = extras.context;
        let from = if context.len() > CONTEXT_WHOLE {
            context.len() - CONTEXT_BYTES
        } else {
            0
        };
        out.push(b' ');
        left(out, context.get(from..).unwrap_or(context), 50);
    }
}

/// Appends `PID/NAME`, at most 19 bytes: argv[0] without its directory, if it starts with one.
pub fn write_program(out: &mut Vec<u8>, owner: &Owner) {
    let start = out.len();
    out.extend_from_slice(Decimal::new(u64::from(owner.pid.0)).as_bytes());
    out.push(b'/');
    out.extend_from_slice(program_name(&owner.argv0));
    out.truncate(start + PROGRAM_BYTES);
}

/// Gives the part of argv[0] that is shown: behind its last slash, if it starts with one.
pub fn program_name(argv0: &[u8]) -> &[u8] {
    if argv0.first() == Some(&b'/') {
        argv0.rsplit(|&b| b == b'/').next().unwrap_or(argv0)
    } else {
        argv0
    }
}

/// Appends the timer column with its leading blank.
pub fn write_timer(out: &mut Vec<u8>, protocol: InetProtocol, timer: &Timer) {
    out.push(b' ');
    let retransmits = match protocol {
        InetProtocol::Udp | InetProtocol::UdpLite => 0,
        InetProtocol::Tcp | InetProtocol::Raw => timer.retransmits.cast_signed(),
    };
    match (timer_name(protocol, timer.code), timer.code) {
        (Some(name), _) => out.extend_from_slice(name),
        (None, code) => put(out, format_args!("unkn-{}", code.cast_signed())),
    }
    out.extend_from_slice(b" (");
    let ticks = if timer.code == 0 {
        0
    } else {
        timer.expires_ticks
    };
    write_seconds(out, ticks);
    put(out, format_args!("/{retransmits}/{})", timer.probes));
}

fn timer_name(protocol: InetProtocol, code: u32) -> Option<&'static [u8]> {
    Some(match (protocol, code) {
        (_, 0) => b"off",
        (InetProtocol::Tcp, 1) => b"on",
        (InetProtocol::Tcp, 2) => b"keepalive",
        (InetProtocol::Tcp, 3) => b"timewait",
        (InetProtocol::Tcp, 4) => b"probe",
        (InetProtocol::Udp | InetProtocol::UdpLite | InetProtocol::Raw, 1) => b"on1",
        (InetProtocol::Udp | InetProtocol::UdpLite | InetProtocol::Raw, 2) => b"on2",
        _ => return None,
    })
}

fn write_seconds(out: &mut Vec<u8>, ticks: u64) {
    // The original divides as floating point; up to 2^52 whole numbers give the same digits.
    if ticks < 1 << 52 {
        put(out, format_args!("{}.{:02}", ticks / 100, ticks % 100));
    } else {
        #[expect(
            clippy::cast_precision_loss,
            reason = "the original loses it the same way"
        )]
        let seconds = ticks as f64 / 100.0;
        put(out, format_args!("{seconds:.2}"));
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use plumb_model::socket::Endpoint;
    use plumb_model::{Known, Pid, Port, Reason, Uid};

    use super::*;

    fn socket() -> InetSocket {
        InetSocket {
            local: Endpoint {
                addr: IpAddr::from([10, 1, 2, 3]),
                port: Port(1001),
            },
            peer: Endpoint {
                addr: IpAddr::from([192, 168, 100, 200]),
                port: Port(443),
            },
            state: SocketState::ESTABLISHED,
            recv_q: 7,
            send_q: 1000,
            timer: Timer {
                code: 1,
                expires_ticks: 123,
                retransmits: 1,
                probes: 1,
            },
            raw_uid: Uid(0),
            raw_inode: Inode(10001),
            cookie: Known::Unknown(Reason::NotInSource),
        }
    }

    #[test]
    fn a_row_with_every_column() {
        let columns = Columns {
            extend: true,
            programs: true,
            contexts: false,
            timers: true,
        };
        let mut out = Vec::new();
        write_header(&mut out, columns);
        let local = EndpointText {
            addr: b"10.1.2.3",
            port: b"1001",
        };
        let peer = EndpointText {
            addr: b"192.168.100.200",
            port: b"443",
        };
        let table = (InetProtocol::Tcp, IpVersion::V4);
        write_fixed(&mut out, table, &socket(), (local, peer), Width::Column);
        let extras = Extras {
            user: UserText::Number(0),
            inode: Inode(10001),
            program: b"-",
            context: b"-",
        };
        write_extras(&mut out, columns, &extras);
        write_timer(&mut out, InetProtocol::Tcp, &socket().timer);
        // What `netstat -anteop` of net-tools 2.10 prints of such a row.
        assert_eq!(
            String::from_utf8_lossy(&out),
            "Proto Recv-Q Send-Q Local Address           Foreign Address         State       User       Inode      PID/Program name     Timer\n\
             tcp        7   1000 10.1.2.3:1001           192.168.100.200:443     ESTABLISHED 0          10001      -                    on (1.23/1/1)"
        );
    }

    #[test]
    fn the_pid_eats_into_the_program_name() {
        let owner = Owner {
            pid: Pid(12345),
            argv0: b"/usr/lib/averyveryverylongname".to_vec(),
        };
        let mut out = Vec::new();
        write_program(&mut out, &owner);
        assert_eq!(out, b"12345/averyveryvery");
        assert_eq!(program_name(b"./rel/sleep"), b"./rel/sleep");
        assert_eq!(program_name(b"/opt/python3 /srv/y.py --a=/b/c"), b"c");
        assert_eq!(program_name(b""), b"");
    }

    #[test]
    fn udp_never_shows_retransmits_and_off_never_a_time() {
        let mut out = Vec::new();
        let timer = Timer {
            code: 0,
            ..socket().timer
        };
        write_timer(&mut out, InetProtocol::Udp, &timer);
        write_timer(&mut out, InetProtocol::Raw, &Timer { code: 2, ..timer });
        write_timer(&mut out, InetProtocol::Tcp, &Timer { code: 9, ..timer });
        assert_eq!(
            String::from_utf8_lossy(&out),
            " off (0.00/0/1) on2 (1.23/1/1) unkn-9 (1.23/1/1)"
        );
    }

    #[test]
    fn states_without_a_name_say_their_number() {
        let mut out = Vec::new();
        write_state(&mut out, InetProtocol::Tcp, SocketState(12));
        write_state(&mut out, InetProtocol::Tcp, SocketState(0));
        write_state(&mut out, InetProtocol::Udp, SocketState(12));
        assert_eq!(
            String::from_utf8_lossy(&out),
            "UNKNOWN(12)           UNKNOWN    "
        );
    }

    #[test]
    fn a_long_security_context_keeps_its_end() {
        let columns = Columns {
            contexts: true,
            ..Columns::default()
        };
        let context = [b"system_u:system_r:".as_slice(), &[b'x'; 40], b":s0"].concat();
        let extras = Extras {
            user: UserText::Number(0),
            inode: Inode(0),
            program: b"-",
            context: &context,
        };
        let mut out = Vec::new();
        write_program_columns(&mut out, columns, &extras);
        assert_eq!(out.len(), 51);
        assert_eq!(out.get(1..49), context.get(context.len() - 48..));
    }
}
