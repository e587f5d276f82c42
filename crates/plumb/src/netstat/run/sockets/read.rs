//! Reads one table, whatever its source, as a stream of items; and writes one item.

use plumb_collect::inet::{Backend, Event, Needs, ReadError, read_table};
use plumb_collect::proc::for_each_line;
use plumb_model::Inode;
use plumb_model::socket::InetSocket;
use plumb_model::unix::UnixSocket;
use plumb_wire::proc::unix::UnixRows;

use super::creations::subject;
use super::plan::Table;
use super::rows::Rows;
use crate::netstat::options::Options;
use crate::netstat::session::Session;

const UNIX_PATH: &str = "/proc/net/unix";

/// How many rows wait for their names together.
pub const LOOKUP_BATCH: usize = 32;

/// One thing met while reading a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// An Internet socket.
    Inet(InetSocket),
    /// A UNIX socket.
    Unix(UnixSocket),
    /// A line that is no row.
    Bogus,
    /// A good moment to show what was written so far.
    BatchEnd,
}

impl Item {
    /// Gives the inode by which the owner of a row can be found.
    pub fn inode(&self) -> Option<Inode> {
        match self {
            Self::Inet(socket) => socket.inode().ok(),
            Self::Unix(socket) => socket.inode.filter(|&inode| inode != Inode(0)),
            Self::Bogus | Self::BatchEnd => None,
        }
    }
}

/// Says what the columns need beyond the plain row. JSON shows everything.
pub fn needs(options: &Options) -> Needs {
    Needs {
        user: options.extend > 0 || options.json,
        timers: options.timers || options.json,
    }
}

/// Reads a table of this thread's network namespace.
pub fn table(
    backend: &Backend,
    table: Table,
    needs: Needs,
    mut each: impl FnMut(Item),
) -> Result<(), ReadError> {
    match table {
        Table::Inet(protocol, version) => read_table(backend, protocol, version, needs, |event| {
            each(match event {
                Event::Socket(socket) => Item::Inet(socket),
                Event::Bogus => Item::Bogus,
                Event::BatchEnd => Item::BatchEnd,
            });
        }),
        _ => read_unix(each),
    }
}

fn read_unix(mut each: impl FnMut(Item)) -> Result<(), ReadError> {
    let mut rows: Option<UnixRows> = None;
    for_each_line(UNIX_PATH, |line| match &mut rows {
        None => rows = Some(UnixRows::new(line)),
        Some(rows) => each(rows.decode(line).map_or(Item::Bogus, Item::Unix)),
    })
    .map_err(|errno| ReadError::Open {
        path: UNIX_PATH,
        errno,
    })
}

/// Says whether an item is part of the listing; bogus lines are, for the complaint.
pub fn is_shown(rows: &Rows, table: Table, item: &Item) -> bool {
    match (table, item) {
        (Table::Inet(protocol, _), Item::Inet(socket)) => rows.shows(protocol, socket),
        (_, Item::Unix(socket)) => rows.shows_unix(socket),
        (_, item) => *item == Item::Bogus,
    }
}

/// Writes some items, whose host names are looked up side by side first.
pub fn write_batch(session: &mut Session, rows: &mut Rows, table: Table, items: &[Item]) {
    rows.prefetch_names(items.iter().filter_map(|item| match (table, item) {
        (Table::Inet(protocol, _), Item::Inet(socket)) => Some((protocol, socket)),
        _ => None,
    }));
    for item in items {
        write_item(session, rows, table, item);
    }
}

/// Writes one item: a row if it is shown, a complaint if it is none.
#[inline]
pub fn write_item(session: &mut Session, rows: &mut Rows, table: Table, item: &Item) {
    match (table, item) {
        (Table::Inet(protocol, version), Item::Inet(socket)) => {
            if !rows.shows(protocol, socket) {
                return;
            }
            let table = (protocol, version);
            if session.is_json() {
                let netns = session.json_netns();
                rows.json_inet(table, socket, netns, |row| {
                    session.push_json("sockets", row);
                });
            } else {
                session.out.row(|out| rows.write_inet(out, table, socket));
                if let Some(creations) = &mut rows.creations {
                    let netns = session.netns().map(|netns| netns.id);
                    let lines = creations.lines(subject(protocol, socket), netns);
                    session.out.lines(|out| out.extend_from_slice(&lines));
                }
                if rows.is_slow() {
                    session.out.end_batch();
                }
            }
        }
        (_, Item::Unix(socket)) if rows.shows_unix(socket) => {
            if session.is_json() {
                let row = rows.json_unix(socket, session.json_netns());
                session.push_json("sockets", &row);
            } else {
                session.out.row(|out| rows.write_unix(out, socket));
            }
        }
        (_, Item::Bogus) => {
            let word = match table {
                Table::Inet(plumb_model::socket::InetProtocol::Tcp, _) => "tcp",
                Table::Inet(plumb_model::socket::InetProtocol::Raw, _) => "raw",
                Table::Inet(..) => "udp",
                _ => "unix",
            };
            session.complain(format!("warning, got bogus {word} line.\n").as_bytes());
        }
        (_, Item::BatchEnd) => session.out.end_batch(),
        (_, Item::Inet(_) | Item::Unix(_)) => {}
    }
}
