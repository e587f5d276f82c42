//! The tables of IPX, AX.25, X.25, NET/ROM and ROSE.
//!
//! State numbers without a name are shown as `UNKNOWN(N)`, where the original reads past the end
//! of its list of names.

use plumb_model::legacy::{
    Ax25Socket, IpxAddress, IpxSocket, LinkNumbers, NetRomSocket, RoseSocket, X25Socket,
};

use crate::text::{left, put};

/// Title and heads of the IPX table.
pub const IPX_TITLE: &[u8] = b"Active IPX sockets\n";
/// Column heads of the IPX table, without the line end: -e adds [`IPX_USER_HEAD`].
pub const IPX_HEADER: &[u8] =
    b"Proto Recv-Q Send-Q Local Address              Foreign Address            State";
/// Head of the column that -e adds to the IPX table.
pub const IPX_USER_HEAD: &[u8] = b" User";
/// Title of the AX.25 table.
pub const AX25_TITLE: &[u8] = b"Active AX.25 sockets\n";
/// Column heads of the AX.25 table.
pub const AX25_HEADER: &[u8] =
    b"Dest       Source     Device  State        Vr/Vs    Send-Q  Recv-Q\n";
/// Title of the X.25 table.
pub const X25_TITLE: &[u8] = b"Active X.25 sockets\n";
/// Column heads of the X.25 table.
pub const X25_HEADER: &[u8] =
    b"Dest         Source          Device  LCI  State        Vr/Vs  Send-Q  Recv-Q\n";
/// Title of the NET/ROM table.
pub const NETROM_TITLE: &[u8] = b"Active NET/ROM sockets\n";
/// Column heads of the NET/ROM table.
pub const NETROM_HEADER: &[u8] =
    b"User       Dest       Source     Device  State        Vr/Vs    Send-Q  Recv-Q\n";
/// Title of the ROSE table.
pub const ROSE_TITLE: &[u8] = b"Active ROSE sockets\n";
/// Column heads of the ROSE table.
pub const ROSE_HEADER: &[u8] =
    b"dest_addr   dest_call  src_addr    src_call  dev   lci neigh   state\n";

const AX25_STATES: &[&str] = &[
    "LISTENING",
    "SABM SENT",
    "DISC SENT",
    "ESTABLISHED",
    "RECOVERY",
];
const X25_STATES: &[&str] = &[
    "LISTENING",
    "SABM_SENT",
    "DISC_SENT",
    "ESTABLISHED",
    "RECOVERY",
];
const CALL_STATES: &[&str] = &["LISTENING", "CONN SENT", "DISC SENT", "ESTABLISHED"];

/// Appends an IPX row; `user` is the text of the column that -e adds.
pub fn write_ipx(out: &mut Vec<u8>, socket: &IpxSocket, user: Option<&[u8]>) {
    // The heads say the receive queue comes first; the original prints the other one there.
    put(
        out,
        format_args!("IPX   {:>6} {:>6} ", socket.send_q, socket.recv_q),
    );
    left(out, ipx_address(&socket.local).as_bytes(), 26);
    out.push(b' ');
    left(
        out,
        socket
            .peer
            .map_or("-".to_owned(), |peer| ipx_address(&peer))
            .as_bytes(),
        26,
    );
    out.push(b' ');
    let state: &[u8] = match socket.state {
        1 => b"ESTAB",
        7 => b"",
        _ => b"UNK.",
    };
    left(out, state, 5);
    if let Some(user) = user {
        out.push(b' ');
        left(out, user, 10);
    }
    out.push(b'\n');
}

/// The port is shown as it would lie in memory on a little-endian machine, as the original does.
fn ipx_address(address: &IpxAddress) -> String {
    let port = address.port.swap_bytes();
    let network = address.network & 0xffff_ffff;
    match (address.network, address.node_number()) {
        (0 | 0xffff_ffff, _) => format!(":{port:04X}"),
        (_, 0) => format!("{network:08X}:{port:04X}"),
        (_, node) => format!("{network:08X}:{node:012X}:{port:04X}"),
    }
}

/// Appends an AX.25 row.
pub fn write_ax25(out: &mut Vec<u8>, socket: &Ax25Socket) {
    write_fields(
        out,
        &[
            (&socket.destination, 9),
            (&socket.source, 9),
            (&socket.device, 6),
        ],
        "  ",
    );
    write_link(out, &socket.link, AX25_STATES);
}

/// Appends a NET/ROM row.
pub fn write_netrom(out: &mut Vec<u8>, socket: &NetRomSocket) {
    let fields: [(&[u8], usize); 4] = [
        (&socket.user, 9),
        (&socket.destination, 9),
        (&socket.source, 9),
        (&socket.device, 6),
    ];
    write_fields(out, &fields, "  ");
    write_link(out, &socket.link, CALL_STATES);
}

/// Appends an X.25 row.
pub fn write_x25(out: &mut Vec<u8>, socket: &X25Socket) {
    write_fields(
        out,
        &[
            (&socket.destination, 15),
            (&socket.source, 15),
            (&socket.device, 7),
        ],
        " ",
    );
    put(out, format_args!("{:<3}  ", socket.lci));
    let link = &socket.link;
    left(out, state_name(link.state, X25_STATES).as_bytes(), 11);
    put(
        out,
        format_args!(
            "  {:02}/{:02}  {:<6}  {:<6}\n",
            link.vr, link.vs, link.send_q, link.recv_q
        ),
    );
}

/// Appends a ROSE row.
pub fn write_rose(out: &mut Vec<u8>, socket: &RoseSocket) {
    write_fields(
        out,
        &[(&socket.destination, 10), (&socket.destination_call, 9)],
        "  ",
    );
    write_fields(out, &[(&socket.source, 10)], "  ");
    write_fields(out, &[(&socket.source_call, 9), (&socket.device, 5)], " ");
    let state = state_name(socket.state, CALL_STATES);
    put(
        out,
        format_args!("{:>3} {:>5}   {state}\n", socket.lci, socket.neighbour),
    );
}

/// Gives the name of an AX.25 state.
pub fn ax25_state(state: i32) -> Option<&'static str> {
    named(state, AX25_STATES)
}

/// Gives the name of an X.25 state.
pub fn x25_state(state: i32) -> Option<&'static str> {
    named(state, X25_STATES)
}

/// Gives the name of a NET/ROM or ROSE state.
pub fn call_state(state: i32) -> Option<&'static str> {
    named(state, CALL_STATES)
}

fn named(state: i32, names: &[&'static str]) -> Option<&'static str> {
    usize::try_from(state)
        .ok()
        .and_then(|index| names.get(index))
        .copied()
}

fn state_name(state: i32, names: &[&'static str]) -> String {
    named(state, names).map_or_else(|| format!("UNKNOWN({state})"), str::to_owned)
}

fn write_fields(out: &mut Vec<u8>, fields: &[(&[u8], usize)], gap: &str) {
    for &(field, width) in fields {
        left(out, field, width);
        out.extend_from_slice(gap.as_bytes());
    }
}

fn write_link(out: &mut Vec<u8>, link: &LinkNumbers, states: &[&'static str]) {
    left(out, state_name(link.state, states).as_bytes(), 11);
    put(
        out,
        format_args!(
            "  {:03}/{:03}  {:<6}  {:<6}\n",
            link.vr, link.vs, link.send_q, link.recv_q
        ),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).expect("ASCII in, ASCII out")
    }

    const LINK: LinkNumbers = LinkNumbers {
        state: 3,
        vs: -3,
        vr: 6,
        send_q: 19,
        recv_q: 20,
    };

    #[test]
    fn ipx_rows_swap_ports_and_hide_unknown_networks() {
        let local = IpxAddress {
            network: 1,
            node: [0, 0, 0, 0, 0, 1],
            port: 0x4001,
        };
        let nowhere = IpxAddress {
            network: 0,
            ..local
        };
        let row = IpxSocket {
            local,
            peer: None,
            send_q: 18,
            recv_q: 3,
            state: 1,
            uid: 0,
        };
        assert_eq!(
            text(|out| write_ipx(out, &row, Some(b"root"))),
            "IPX       18      3 00000001:000000000001:0140 -                          ESTAB root      \n"
        );
        assert_eq!(ipx_address(&nowhere), ":0140");
    }

    #[test]
    fn radio_rows_line_up_and_odd_states_are_numbers() {
        let row = NetRomSocket {
            user: b"N0CALL-1 ".to_vec(),
            destination: b"N0CALL-2 ".to_vec(),
            source: b"N0CALL-3 ".to_vec(),
            device: b"nr0".to_vec(),
            link: LINK,
        };
        assert_eq!(
            text(|out| write_netrom(out, &row)),
            "N0CALL-1   N0CALL-2   N0CALL-3   nr0     ESTABLISHED  006/-03  19      20    \n"
        );
        assert_eq!(state_name(9, CALL_STATES), "UNKNOWN(9)");
        assert_eq!(state_name(-1, CALL_STATES), "UNKNOWN(-1)");
    }

    #[test]
    fn rose_and_x25_rows_line_up() {
        let rose = RoseSocket {
            destination: b"1234567890".to_vec(),
            destination_call: b"N0CALL-1".to_vec(),
            source: b"*".to_vec(),
            source_call: b"N0CALL-2".to_vec(),
            device: b"rose0".to_vec(),
            lci: 6,
            neighbour: 7,
            state: 1,
        };
        assert_eq!(
            text(|out| write_rose(out, &rose)),
            "1234567890  N0CALL-1   *           N0CALL-2  rose0   6     7   CONN SENT\n"
        );
        let x25 = X25Socket {
            destination: b"12345     ".to_vec(),
            source: b"67890    ".to_vec(),
            device: b"eth0".to_vec(),
            lci: 11,
            link: LINK,
        };
        assert_eq!(
            text(|out| write_x25(out, &x25)),
            "12345           67890           eth0    11   ESTABLISHED  06/-3  19      20    \n"
        );
    }
}
