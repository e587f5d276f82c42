//! The tables of IPX, AX.25, X.25, NET/ROM and ROSE.
//!
//! Ordinary kernels have none of them, and then the only question is whether to say so.

use plumb_collect::proc;
use plumb_model::Uid;
use plumb_model::legacy::IpxSocket;
use plumb_present::json::legacy::{Ipx, Link};
use plumb_present::netstat::legacy as text;
use plumb_wire::proc::legacy as wire;
use rustix::io::Errno;

use super::sockets::{self, Plan};
use crate::errno;
use crate::netstat::options::{Family, SocketFilter};
use crate::netstat::session::Session;

/// One of the five tables.
struct Table {
    path: &'static str,
    array: &'static str,
    title: &'static [u8],
    header: &'static [u8],
    rows: fn(&mut Session, &[u8]) -> u8,
}

fn table(family: Family) -> Option<Table> {
    Some(match family {
        Family::Ipx => Table {
            path: "/proc/net/ipx/socket",
            array: "ipx",
            title: text::IPX_TITLE,
            header: text::IPX_HEADER,
            rows: ipx_rows,
        },
        Family::Ax25 => Table {
            path: "/proc/net/ax25",
            array: "ax25",
            title: text::AX25_TITLE,
            header: text::AX25_HEADER,
            rows: ax25_rows,
        },
        Family::X25 => Table {
            path: "/proc/net/x25",
            array: "x25",
            title: text::X25_TITLE,
            header: text::X25_HEADER,
            rows: x25_rows,
        },
        Family::Netrom => Table {
            path: "/proc/net/nr",
            array: "netrom",
            title: text::NETROM_TITLE,
            header: text::NETROM_HEADER,
            rows: netrom_rows,
        },
        Family::Rose => Table {
            path: "/proc/net/rose",
            array: "rose",
            title: text::ROSE_TITLE,
            header: text::ROSE_HEADER,
            rows: rose_rows,
        },
        Family::Inet
        | Family::Inet6
        | Family::Unix
        | Family::Ddp
        | Family::Econet
        | Family::Ash
        | Family::Bluetooth => return None,
    })
}

/// Prints the table of one family, in every namespace shown. Other families are no business of
/// this module.
pub fn run(session: &mut Session, plan: &Plan, family: Family) -> u8 {
    let Some(table) = table(family) else { return 0 };
    let mut titled = false;
    session.in_each_netns(|session| {
        let content = match proc::read_file(table.path) {
            Ok(content) => content,
            Err(Errno::NOENT | Errno::ACCESS | Errno::PERM) => {
                return sockets::missing(session, plan, sockets::Table::Legacy(family));
            }
            Err(Errno::ISDIR) => Vec::new(),
            Err(errno) => return cannot_open(session, table.path, errno),
        };
        if session.is_json() {
            session.declare_json(table.array);
        } else if !std::mem::replace(&mut titled, true) {
            write_heads(session, &table);
        }
        (table.rows)(session, &content)
    })
}

fn write_heads(session: &mut Session, table: &Table) {
    session.out.title(table.title);
    let mut header = table.header.to_vec();
    if table.path == "/proc/net/ipx/socket" {
        if session.options.extend > 0 {
            header.extend_from_slice(text::IPX_USER_HEAD);
        }
        header.push(b'\n');
    }
    session.out.header(&header);
}

/// Reports a file that exists and still cannot be opened; gives the exit status.
pub fn cannot_open(session: &mut Session, path: &str, errno: Errno) -> u8 {
    session.complain(format!("{path}: {}\n", errno::words(errno)).as_bytes());
    255
}

/// The original writes this to standard output, among the rows.
fn write_damaged(session: &mut Session, line: &'static [u8]) {
    if session.is_json() {
        session.complain(line);
    } else {
        session.out.row(|out| out.extend_from_slice(line));
    }
}

fn ipx_rows(session: &mut Session, content: &[u8]) -> u8 {
    let (rows, damage) = wire::ipx::decode_ipx(content);
    for row in rows {
        if session.is_json() {
            let row = Ipx::from_socket(&row, session.json_netns());
            session.push_json("ipx", &row);
        } else {
            let user = (session.options.extend > 0).then(|| user_text(session, &row));
            session
                .out
                .row(|out| text::write_ipx(out, &row, user.as_deref()));
        }
    }
    let which = match damage {
        None => return 0,
        Some(wire::ipx::IpxDamage::Source) => "source",
        Some(wire::ipx::IpxDamage::Destination) => "destination",
    };
    let complaint =
        format!("netstat.c: Internal Error `ipx socket format error in {which} port'.\n");
    session.complain(complaint.as_bytes());
    255
}

fn user_text(session: &mut Session, row: &IpxSocket) -> Vec<u8> {
    let name = if session.options.numeric.users {
        None
    } else {
        session
            .names
            .user(Uid(row.uid.cast_unsigned()))
            .map(<[u8]>::to_vec)
    };
    name.map_or_else(
        || row.uid.to_string().into_bytes(),
        |name| session.shown(&name).into_owned(),
    )
}

fn ax25_rows(session: &mut Session, content: &[u8]) -> u8 {
    for row in wire::ax25::decode_ax25(content) {
        match row {
            None => write_damaged(session, b"problem reading data from /proc/net/ax25\n"),
            Some(row) if session.is_json() => {
                push(
                    session,
                    "ax25",
                    Link::from_ax25(&row, text::ax25_state(row.link.state)),
                );
            }
            Some(row) => session.out.row(|out| text::write_ax25(out, &row)),
        }
    }
    0
}

/// Sockets without a call are shown with -a only.
fn x25_rows(session: &mut Session, content: &[u8]) -> u8 {
    let all = session.options.filter == SocketFilter::All;
    for row in wire::x25::decode_x25(content) {
        if row.lci == 0 && !all {
            continue;
        }
        if session.is_json() {
            push(
                session,
                "x25",
                Link::from_x25(&row, text::x25_state(row.link.state)),
            );
        } else {
            session.out.row(|out| text::write_x25(out, &row));
        }
    }
    0
}

fn netrom_rows(session: &mut Session, content: &[u8]) -> u8 {
    for row in wire::netrom::decode_netrom(content) {
        match row {
            None => write_damaged(session, b"Problem reading data from /proc/net/nr\n"),
            Some(row) if session.is_json() => {
                push(
                    session,
                    "netrom",
                    Link::from_netrom(&row, text::call_state(row.link.state)),
                );
            }
            Some(row) => session.out.row(|out| text::write_netrom(out, &row)),
        }
    }
    0
}

fn rose_rows(session: &mut Session, content: &[u8]) -> u8 {
    for row in wire::rose::decode_rose(content) {
        match row {
            None => write_damaged(session, b"Problem reading data from /proc/net/rose\n"),
            Some(row) if session.is_json() => {
                push(
                    session,
                    "rose",
                    Link::from_rose(&row, text::call_state(row.state)),
                );
            }
            Some(row) => session.out.row(|out| text::write_rose(out, &row)),
        }
    }
    0
}

fn push(session: &mut Session, array: &'static str, row: Link) {
    let netns = session.json_netns();
    session.push_json(array, &Link { netns, ..row });
}
