//! The table of UNIX domain sockets.

use plumb_model::unix::UnixSocket;

use super::inet::{Columns, Extras, Shown, write_program_columns, write_program_heads};
use crate::text::{blanks, left, left_u64, put};

/// Appends the title line.
pub fn write_title(out: &mut Vec<u8>, shown: Shown) {
    out.extend_from_slice(b"Active UNIX domain sockets ");
    out.extend_from_slice(shown.suffix());
}

/// Appends the line of column heads.
pub fn write_header(out: &mut Vec<u8>, columns: Columns) {
    out.extend_from_slice(b"Proto RefCnt Flags       Type       State         I-Node  ");
    write_program_heads(out, columns);
    out.extend_from_slice(b" Path\n");
}

/// Appends one row; `path` is the socket's path as it is to be shown.
pub fn write_row(
    out: &mut Vec<u8>,
    socket: &UnixSocket,
    path: &[u8],
    columns: Columns,
    extras: &Extras<'_>,
) {
    let protocol: &[u8] = if socket.protocol == 0 { b"unix" } else { b"??" };
    left(out, protocol, 5);
    put(out, format_args!(" {:<6} ", socket.ref_count));
    write_flags(out, socket.flags);
    out.push(b' ');
    left(out, type_name(socket.kind), 10);
    out.push(b' ');
    left(out, state_name(socket), 13);
    out.push(b' ');
    match socket.inode {
        Some(inode) => left_u64(out, inode.0, 8),
        None => left(out, b"-", 8),
    }
    write_program_columns(out, columns, extras);
    out.push(b' ');
    out.extend_from_slice(path);
    out.push(b'\n');
}

fn write_flags(out: &mut Vec<u8>, flags: u32) {
    let start = out.len();
    out.extend_from_slice(b"[ ");
    for (bit, word) in [
        (UnixSocket::ACCEPTING, &b"ACC "[..]),
        (UnixSocket::WAITING, b"W "),
        (UnixSocket::NO_SPACE, b"N "),
    ] {
        if flags & bit != 0 {
            out.extend_from_slice(word);
        }
    }
    out.push(b']');
    blanks(out, 11_usize.saturating_sub(out.len() - start));
}

/// Gives the name of a socket type.
pub fn type_name(kind: u32) -> &'static [u8] {
    match kind {
        1 => b"STREAM",
        2 => b"DGRAM",
        3 => b"RAW",
        4 => b"RDM",
        5 => b"SEQPACKET",
        _ => b"UNKNOWN",
    }
}

/// Gives the name of a socket's state; empty for an unconnected socket that does not listen.
pub fn state_name(socket: &UnixSocket) -> &'static [u8] {
    match socket.state {
        0 => b"FREE",
        1 if socket.is_listening() => b"LISTENING",
        1 => b"",
        2 => b"CONNECTING",
        3 => b"CONNECTED",
        4 => b"DISCONNECTING",
        _ => b"UNKNOWN",
    }
}

#[cfg(test)]
mod tests {
    use plumb_model::Inode;

    use super::super::inet::UserText;
    use super::*;

    #[test]
    fn a_listener_with_and_without_the_program_column() {
        let socket = UnixSocket {
            ref_count: 2,
            protocol: 0,
            flags: UnixSocket::ACCEPTING,
            kind: 5,
            state: 1,
            inode: Some(Inode(1234)),
            path: b"/run/udev/control".to_vec(),
        };
        let extras = Extras {
            user: UserText::Number(0),
            inode: Inode(0),
            program: b"1/init",
            context: b"-",
        };
        let mut out = Vec::new();
        let plain = Columns::default();
        let programs = Columns {
            programs: true,
            ..plain
        };
        write_row(&mut out, &socket, &socket.path, plain, &extras);
        write_row(&mut out, &socket, b"", programs, &extras);
        assert_eq!(
            String::from_utf8_lossy(&out),
            "unix  2      [ ACC ]     SEQPACKET  LISTENING     1234     /run/udev/control\n\
             unix  2      [ ACC ]     SEQPACKET  LISTENING     1234     1/init               \n"
        );
    }
}
