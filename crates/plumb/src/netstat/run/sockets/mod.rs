//! The socket listing: the tables of the plan, streamed row by row.
//!
//! Without -p every row leaves as soon as it was read. With -p the rows wait in memory until the
//! owners of exactly their sockets were found; then they are written the same way.

mod creations;
mod owner_texts;
mod plan;
mod read;
mod rows;

use std::collections::VecDeque;

use plumb_collect::inet::ReadError;
use plumb_collect::netns::Netns;
use plumb_collect::owners::extra::Extras;
use plumb_collect::owners::{Detail, Owners, Search, engine};
use plumb_collect::sock_diag::DumpError;
use plumb_model::Inode;
use plumb_model::socket::{InetProtocol, IpVersion};
use plumb_present::netstat::{inet, unix};
use rustix::io::Errno;

pub use self::plan::{Plan, Table};
use self::read::Item;
pub use self::rows::Rows;
use super::{groups, legacy, sctp};
use crate::creations::Creations;
use crate::errno;
use crate::netstat::options::Family;
use crate::netstat::session::Session;

/// Exit status when a file cannot be opened although it is there.
const UNREADABLE: u8 = 255;

/// Rows of one table in one namespace that wait for their owners.
struct Part {
    table: Table,
    netns: Option<Netns>,
    items: Vec<Item>,
    outcome: Result<(), ReadError>,
}

/// What was read of all tables, in the order of the plan.
type Gathered = VecDeque<Part>;

/// Prints the listing.
pub fn run(session: &mut Session) -> u8 {
    let plan = Plan::new(&session.options);
    let names = std::mem::take(&mut session.names);
    let mut rows = Rows::new(&session.options, names, session.out.is_terminal());
    let mut gathered = Gathered::default();
    if plan.internet {
        gathered = gather_first(session, &plan, &mut rows);
        if !session.is_json() {
            write_internet_header(session, &rows);
        }
    }
    session.declare_json("sockets");
    let mut status = 0;
    for &table in &plan.tables {
        // An IPv4 table that is missing ends the listing only behind its IPv6 half.
        if status != 0 && !matches!(table, Table::Inet(_, IpVersion::V6)) {
            break;
        }
        let own_status = match table {
            Table::Groups => groups::run(session),
            Table::Sctp => sctp::run(session, &plan, &mut rows),
            Table::Legacy(family) => legacy::run(session, &plan, family),
            Table::Bluetooth => refuse_bluetooth(session),
            Table::Unix => {
                // Owners are looked for before the first table that shows them, which may be this.
                if !plan.internet {
                    gathered = gather_first(session, &plan, &mut rows);
                }
                if !session.is_json() {
                    write_unix_header(session, &rows);
                }
                show(session, &plan, &mut rows, table, &mut gathered)
            }
            Table::Inet(..) => show(session, &plan, &mut rows, table, &mut gathered),
        };
        status = status.max(own_status);
        if session.out.has_failed() {
            break;
        }
    }
    for loss in rows.creations.iter().flat_map(Creations::losses) {
        session.complain(format!("netstat: --stack: {loss}\n").as_bytes());
    }
    session.names = rows.names;
    status
}

/// Prints one table: from memory where owners were wanted, else as it is read.
fn show(
    session: &mut Session,
    plan: &Plan,
    rows: &mut Rows,
    table: Table,
    gathered: &mut Gathered,
) -> u8 {
    if !rows.owners.are_known() && rows.creations.is_none() {
        return session.in_each_netns(|session| stream(session, plan, rows, table));
    }
    let mut status = 0;
    while let Some(part) = gathered.pop_front_if(|part| part.table == table) {
        status = status.max(write_part(session, plan, rows, part));
    }
    status
}

/// With -p and --stack, reads the tables into memory, and with -p looks for their owners; else gives nothing.
fn gather_first(session: &mut Session, plan: &Plan, rows: &mut Rows) -> Gathered {
    if let Some(complaint) = rows.creations.as_ref().and_then(Creations::complaint) {
        session.complain(format!("netstat: {complaint}\n").as_bytes());
    }
    if session.options.programs {
        gather_with_owners(session, plan, rows)
    } else if rows.creations.is_some() {
        gather(session, plan, rows, |_| {})
    } else {
        Gathered::default()
    }
}

/// Reads the tables into memory while their owners are looked for.
fn gather_with_owners(session: &mut Session, plan: &Plan, rows: &mut Rows) -> Gathered {
    if let Some(complaint) = engine::complaint() {
        session.complain(format!("netstat: {complaint}\n").as_bytes());
    }
    let mut search = Search::new(if session.options.contexts {
        Detail::ProcessAndContext
    } else {
        Detail::Process
    });
    let gathered = gather(session, plan, rows, |inode| search.want(inode));
    rows.owners.set(find_owners(session, search));
    if session.options.all_owners {
        let mut extras = Vec::new();
        session.in_each_netns(|_| {
            extras.push(Extras::collect());
            0
        });
        rows.owners.add(extras);
    }
    gathered
}

fn write_internet_header(session: &mut Session, rows: &Rows) {
    let mut text = Vec::new();
    inet::write_title(&mut text, rows.shown());
    session.out.title(&text);
    text.clear();
    inet::write_header(&mut text, rows.columns);
    session.out.header(&text);
}

fn write_unix_header(session: &mut Session, rows: &Rows) {
    let mut text = Vec::new();
    unix::write_title(&mut text, rows.shown());
    session.out.title(&text);
    text.clear();
    unix::write_header(&mut text, rows.columns);
    session.out.header(&text);
}

/// Reads a table and writes its rows as they come.
fn stream(session: &mut Session, plan: &Plan, rows: &mut Rows, table: Table) -> u8 {
    let backend = session.backend.clone();
    let needs = read::needs(&session.options);
    if !rows.is_slow() {
        let outcome = read::table(&backend, table, needs, |item| {
            read::write_item(session, rows, table, &item);
        });
        return report(session, plan, table, outcome);
    }
    let mut batch = Vec::with_capacity(read::LOOKUP_BATCH);
    let outcome = read::table(&backend, table, needs, |item| {
        batch.push(item);
        if batch.len() == read::LOOKUP_BATCH {
            read::write_batch(session, rows, table, &batch);
            batch.clear();
        }
    });
    read::write_batch(session, rows, table, &batch);
    report(session, plan, table, outcome)
}

/// Reads every table of the plan into memory, shown rows only; `want` hears of their inodes as they come.
fn gather(
    session: &mut Session,
    plan: &Plan,
    rows: &Rows,
    mut want: impl FnMut(Inode),
) -> Gathered {
    let backend = session.backend.clone();
    let needs = read::needs(&session.options);
    let mut gathered = Gathered::new();
    for &table in &plan.tables {
        if !matches!(table, Table::Inet(..) | Table::Unix) {
            continue;
        }
        session.in_each_netns(|session| {
            let mut items = Vec::new();
            let outcome = read::table(&backend, table, needs, |item| {
                if read::is_shown(rows, table, &item) {
                    item.inode().into_iter().for_each(&mut want);
                    items.push(item);
                }
            });
            gathered.push_back(Part {
                table,
                netns: session.netns().cloned(),
                items,
                outcome,
            });
            0
        });
    }
    gathered
}

fn write_part(session: &mut Session, plan: &Plan, rows: &mut Rows, part: Part) -> u8 {
    session.label_netns(part.netns);
    if let Some(of) = &mut rows.creations {
        let subjects = creations::subjects(part.table, &part.items);
        of.expect(&subjects, session.netns().map(|netns| netns.id));
    }
    for batch in part.items.chunks(read::LOOKUP_BATCH) {
        read::write_batch(session, rows, part.table, batch);
    }
    report(session, plan, part.table, part.outcome)
}

/// Ends the search for owners (SCTP sockets included), and says what was refused.
fn find_owners(session: &mut Session, mut search: Search) -> Owners {
    for inode in sctp::inodes(session) {
        search.want(inode);
    }
    let owners = search.finish();
    if owners.any_seen && owners.refused {
        session.complain(
            b"(Not all processes could be identified, non-owned process info\n \
              will not be shown, you would have to be root to see it all.)\n",
        );
    } else if owners.refused || !owners.proc_readable {
        let uid = rustix::process::geteuid().as_raw();
        session.complain(
            format!(
                "(No info could be read for \"-p\": geteuid()={uid} but you should be root.)\n"
            )
            .as_bytes(),
        );
    }
    owners
}

/// Turns the end of reading a table into words and an exit status.
fn report(session: &mut Session, plan: &Plan, table: Table, outcome: Result<(), ReadError>) -> u8 {
    match outcome {
        Ok(()) => 0,
        Err(ReadError::Open {
            errno: Errno::NOENT | Errno::ACCESS | Errno::PERM,
            ..
        }) => missing(session, plan, table),
        Err(ReadError::Open { path, errno }) => {
            session.complain(format!("{path}: {}\n", errno::words(errno)).as_bytes());
            UNREADABLE
        }
        Err(ReadError::Interrupted { path }) => {
            session.complain(
                format!("netstat: dump {path}: the table changed while it was read\n").as_bytes(),
            );
            0
        }
        Err(ReadError::Dump { path, source }) => {
            let cause = match source {
                DumpError::Refused(error) => errno::words(error),
                DumpError::BrokenOff(error) => format!("{}, rows are missing", errno::words(error)),
                other => format!("{other}, rows are missing"),
            };
            session.complain(format!("netstat: dump {path}: {cause}\n").as_bytes());
            1
        }
        Err(other) => {
            session.complain(format!("netstat: {other}\n").as_bytes());
            1
        }
    }
}

/// Says that the kernel lacks a table, as loudly as the plan asks for.
pub fn missing(session: &mut Session, plan: &Plan, table: Table) -> u8 {
    let absence = plan.absence(table);
    if absence.complain {
        let name = table_name(table);
        session.complain_once(
            format!("netstat: no support for `{name}' on this system.\n").as_bytes(),
        );
    }
    u8::from(absence.fatal)
}

fn table_name(table: Table) -> &'static str {
    match table {
        Table::Inet(InetProtocol::Tcp, _) => "AF INET (tcp)",
        Table::Inet(InetProtocol::Udp, _) => "AF INET (udp)",
        Table::Inet(InetProtocol::UdpLite, _) => "AF INET (udplite)",
        Table::Inet(InetProtocol::Raw, _) => "AF INET (raw)",
        Table::Sctp => "AF INET (sctp)",
        Table::Groups => "AF INET (igmp)",
        Table::Unix => "AF UNIX",
        Table::Legacy(Family::Ipx) => "AF IPX",
        Table::Legacy(Family::Ax25) => "AF AX25",
        Table::Legacy(Family::X25) => "AF X25",
        Table::Legacy(Family::Netrom) => "AF NETROM",
        Table::Legacy(Family::Rose) => "AF ROSE",
        Table::Legacy(_) | Table::Bluetooth => "AF BLUETOOTH",
    }
}

fn refuse_bluetooth(session: &mut Session) -> u8 {
    session.complain(
        b"netstat: feature `AF BLUETOOTH' not supported.\n\
          Please recompile `net-tools' with newer kernel source or full configuration.\n",
    );
    1
}
