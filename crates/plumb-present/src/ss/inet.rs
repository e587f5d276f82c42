//! Rows of Internet sockets: tcp, udp, raw, mptcp, sctp, dccp.

use plumb_model::diag::attribute::Trailing;
use plumb_model::diag::inet::{AF_INET6, InetDiag, Info, Protocol};

use super::address::{write_address, write_port};
use super::details::{write_details, write_marks};
use super::fields::always;
use super::layout::{Column, Table};
use super::lookup::{Lookup, PortKind};
use super::mptcp::write_mptcp_info;
use super::proc_info::write_proc_extras;
use super::sctp::{state_name, write_addresses, write_sctp_info};
use super::skmem::write_memory;
use super::tcp_info::write_tcp_info;
use super::timer::write_timer;
use super::ulp::write_ulp;
use super::view::View;
use crate::text::{Decimal, put};

/// What the rows of all Internet tables share, from the first to the last.
#[derive(Debug)]
pub struct InetRows {
    /// Where port names are looked up. The tables of tcp, udp and raw set it, those of the other
    /// protocols leave what the table before them set; [`PortKind::Any`] when none did.
    pub port_kind: PortKind,
    /// Text that goes to standard output at once, ahead of the table (see [`super::md5`]).
    pub escaped: Vec<u8>,
    /// Complaints for standard error: whole lines.
    pub complaints: Vec<u8>,
    /// Inode of the row before.
    inode: u64,
}

impl Default for InetRows {
    fn default() -> Self {
        Self {
            port_kind: PortKind::Any,
            escaped: Vec::new(),
            complaints: Vec::new(),
            inode: 0,
        }
    }
}

/// Gives the name of a table, or of a protocol that the kernel named in the row.
pub fn netid(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::RAW => "raw",
        Protocol::TCP => "tcp",
        Protocol::UDP => "udp",
        Protocol::DCCP => "dccp",
        Protocol::ICMPV6 => "icmp6",
        Protocol::SCTP => "sctp",
        Protocol::MPTCP => "mptcp",
        _ => "???",
    }
}

/// Gives the name of a state. Numbers TCP does not have are `UNKNOWN`, where the original reads
/// whatever stands behind its table.
pub fn socket_state_name(state: u32, view: &View) -> &'static str {
    const NAMES: [&str; 12] = [
        "UNKNOWN",
        "ESTAB",
        "SYN-SENT",
        "SYN-RECV",
        "FIN-WAIT-1",
        "FIN-WAIT-2",
        "TIME-WAIT",
        "UNCONN",
        "CLOSE-WAIT",
        "LAST-ACK",
        "LISTEN",
        "CLOSING",
    ];
    match usize::try_from(state)
        .ok()
        .and_then(|state| NAMES.get(state))
    {
        Some(name) => name,
        None if state == 13 && view.release.since(6, 8) => "UNCONN",
        None => "UNKNOWN",
    }
}

/// Writes a row.
pub fn write_row(
    table: &mut Table,
    row: &InetDiag<'_>,
    rows: &mut InetRows,
    view: &View,
    lookup: &mut dyn Lookup,
) {
    write_trailing(&mut rows.complaints, row.trailing);
    write_kind(table, row, rows, view);
    table.next();
    write_queue(table.cell(), row.recv_q);
    table.next();
    write_queue(table.cell(), row.send_q);
    table.next();
    let cell = table.cell();
    write_address(cell, row, &row.local, view, lookup);
    if row.interface != 0 {
        cell.push(b'%');
        cell.extend_from_slice(lookup.interface(row.interface));
    }
    cell.push(b':');
    table.next();
    write_port(table.cell(), rows.port_kind, row.local.port, view, lookup);
    table.next();
    let cell = table.cell();
    write_address(cell, row, &row.peer, view, lookup);
    cell.push(b':');
    table.next();
    write_port(table.cell(), rows.port_kind, row.peer.port, view, lookup);
    table.next();
    if (view.owners || view.contexts) && row.inode != 0 {
        lookup.append_users(table.cell(), row.inode);
    }
    if view.release.since(6, 8) {
        table.go_to_column(Column::Rest);
    }
    write_extras(table.cell(), row, rows, view, lookup);
}

/// Writes the table's name and the state, and goes no further. An SCTP row with the inode of the
/// row before it is an association of that socket.
fn write_kind(table: &mut Table, row: &InetDiag<'_>, rows: &mut InetRows, view: &View) {
    let association = row.protocol == Protocol::SCTP && row.inode != 0 && row.inode == rows.inode;
    // The original does not read the inodes of /proc's udp and raw rows.
    rows.inode = if row.from_proc.is_some() {
        0
    } else {
        row.inode
    };
    if association {
        table.next();
        table.cell().extend_from_slice(b"`- ");
        table
            .cell()
            .extend_from_slice(state_name(row.state).as_bytes());
    } else {
        table
            .cell()
            .extend_from_slice(netid(row.protocol).as_bytes());
        table.next();
        let name = socket_state_name(row.state, view);
        table.cell().extend_from_slice(name.as_bytes());
    }
}

/// Appends a queue: `%-6d`, in 32 bits.
#[inline]
pub(super) fn write_queue(out: &mut Vec<u8>, bytes: u32) {
    const WIDTH: usize = 6;
    let start = out.len();
    match u64::try_from(bytes.cast_signed()) {
        Ok(value) => out.extend_from_slice(Decimal::new(value).as_bytes()),
        Err(_) => put(out, format_args!("{}", bytes.cast_signed())),
    }
    if out.len() < start + WIDTH {
        out.resize(start + WIDTH, b' ');
    }
}

/// Appends everything behind the owners.
#[inline]
fn write_extras(
    out: &mut Vec<u8>,
    row: &InetDiag<'_>,
    rows: &mut InetRows,
    view: &View,
    lookup: &mut dyn Lookup,
) {
    if let Some(proc) = &row.from_proc {
        if row.protocol == Protocol::TCP {
            write_proc_extras(out, row, proc, view, lookup);
        }
        return;
    }
    if view.options {
        write_timer(out, row, view);
    }
    if view.details {
        write_details(out, row, lookup);
        write_ends(out, row);
    }
    write_marks(out, row, view, lookup);
    if view.memory || (view.info && row.protocol != Protocol::UDP) {
        if !view.oneline {
            out.extend_from_slice(b"\n\t");
        }
        write_block(out, row, rows, view, lookup);
    }
}

/// Appends v6only and the arrow that says which sides are shut down.
fn write_ends(out: &mut Vec<u8>, row: &InetDiag<'_>) {
    if row.family == AF_INET6
        && let Some(v6only) = row.extensions.v6only
    {
        always(out, "v6only", v6only);
    }
    if let Some(shutdown) = row.extensions.shutdown {
        let receive = if shutdown & 1 != 0 { b'-' } else { b'<' };
        let send = if shutdown & 2 != 0 { b'-' } else { b'>' };
        out.extend_from_slice(&[b' ', receive, b'-', send]);
    }
}

/// Appends the block of -m and -i.
fn write_block(
    out: &mut Vec<u8>,
    row: &InetDiag<'_>,
    rows: &mut InetRows,
    view: &View,
    lookup: &mut dyn Lookup,
) {
    let extensions = &row.extensions;
    write_memory(
        out,
        extensions.skmeminfo.as_ref(),
        extensions.meminfo.as_ref(),
    );
    if row.protocol == Protocol::SCTP {
        if let Some(locals) = &extensions.locals {
            write_addresses(out, "locals", locals, view, lookup);
        }
        if let Some(peers) = &extensions.peers {
            write_addresses(out, "peers", peers, view, lookup);
        }
    }
    match &extensions.info {
        Some(Info::Tcp(info)) => write_tcp_info(out, row, info, view),
        Some(Info::Mptcp(info)) => write_mptcp_info(out, info, view),
        Some(Info::Sctp(info)) => write_sctp_info(out, info),
        None => {}
    }
    if matches!(row.protocol, Protocol::SCTP | Protocol::MPTCP) {
        return;
    }
    if let Some(keys) = &extensions.md5_keys {
        super::md5::write_md5_keys(out, &mut rows.escaped, keys, view, lookup);
    }
    if let Some(ulp) = &extensions.ulp {
        write_trailing(&mut rows.complaints, ulp.trailing);
        write_trailing(&mut rows.complaints, ulp.tls.and_then(|tls| tls.trailing));
        write_trailing(
            &mut rows.complaints,
            ulp.mptcp.and_then(|flow| flow.trailing),
        );
        write_ulp(out, ulp, view);
    }
}

/// Appends the complaint about bytes that are no attribute, a line for standard error. The
/// original makes it once when it reads a row, shown or not, and once more when it writes it.
pub fn write_trailing(complaints: &mut Vec<u8>, trailing: Option<Trailing>) {
    if let Some(Trailing { remaining, claimed }) = trailing {
        put(
            complaints,
            format_args!("!!!Deficit {remaining}, rta_len={claimed}\n"),
        );
    }
}
