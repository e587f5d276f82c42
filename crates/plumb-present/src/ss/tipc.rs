//! Rows of TIPC sockets.

use plumb_model::diag::tipc::{TipcDiag, TipcService, TipcStatistics};

use super::front::{Front, Identity, write_end, write_front, write_identity};
use super::layout::{Column, Table};
use super::lookup::Lookup;
use super::view::View;
use crate::text::put;

/// Gives the name of a table and of the type; neither for types that TIPC does not have.
fn names(kind: u32) -> (&'static str, &'static str) {
    match kind {
        1 => ("ti_st", "STREAM"),
        2 => ("ti_dg", "DGRAM"),
        4 => ("ti_rd", "RDM"),
        5 => ("ti_sq", "SEQPACKET"),
        _ => ("???", "(null)"),
    }
}

/// Writes a row. What -e adds stands with the processes, which since 6.8 have a column only with -p.
pub fn write_row(table: &mut Table, row: &TipcDiag<'_>, view: &View, lookup: &mut dyn Lookup) {
    let statistics = row.statistics.unwrap_or_default();
    let kind = row.kind.unwrap_or(0);
    let front = Front {
        netid: names(kind).0,
        state: row.state.unwrap_or(0),
        recv_q: statistics.recv_q.unwrap_or(0),
        send_q: statistics.send_q.unwrap_or(0),
    };
    write_front(table, front, view);
    let number = |value: Option<u32>| value.unwrap_or(0);
    write_end(table, number(row.node), ":", number(row.reference));
    match row.connection {
        Some(peer) => write_end(table, number(peer.node), ":", number(peer.reference)),
        None => write_end(table, "-", "", ""),
    }
    if view.details {
        let identity = Identity {
            uid: number(row.uid),
            inode: number(row.inode),
            cookie: row.cookie.unwrap_or(0),
        };
        write_identity(table.cell(), identity);
    }
    if view.owners || view.contexts {
        lookup.append_users(table.cell(), u64::from(number(row.inode)));
    }
    if view.tipcinfo {
        if view.release.since(6, 8) {
            table.go_to_column(Column::Rest);
        }
        let out = table.cell();
        out.extend_from_slice(if view.oneline { b" " } else { b"\n " });
        put(out, format_args!("type:{}", names(kind).1));
        write_info(out, row, statistics);
    }
}

/// Appends what --tipcinfo adds.
fn write_info(out: &mut Vec<u8>, row: &TipcDiag<'_>, statistics: TipcStatistics) {
    let congestion = match statistics {
        TipcStatistics {
            link_congested: true,
            ..
        } => "link",
        TipcStatistics {
            connection_congested: true,
            ..
        } => "conn",
        _ => "none",
    };
    let drops = statistics.drops.unwrap_or(0).cast_signed();
    put(out, format_args!(" cong:{congestion}  drop:{drops} "));
    if row.published {
        out.extend_from_slice(b" publ");
    }
    if let Some(service) = row.connection.and_then(|peer| peer.service) {
        let TipcService { kind, instance } = service;
        let (kind, instance) = (kind.unwrap_or(0), instance.unwrap_or(0));
        put(out, format_args!(" via {{{kind},{instance}}} "));
    }
}

#[cfg(test)]
mod tests {
    use plumb_model::diag::tipc::TipcConnection;

    use super::super::test_rows::row_text;
    use super::super::view::Release;
    use super::*;

    fn text(row: &TipcDiag<'_>, view: &View) -> String {
        row_text(view, |table, lookup| write_row(table, row, view, lookup))
    }

    /// The original printed the same for the same message.
    fn connected() -> TipcDiag<'static> {
        TipcDiag {
            kind: Some(1),
            state: Some(1),
            node: Some(16_781_313),
            reference: Some(222),
            inode: Some(77),
            uid: Some(1000),
            cookie: Some(0x1877b),
            connection: Some(TipcConnection {
                node: Some(16_781_314),
                reference: Some(333),
                service: Some(TipcService {
                    kind: Some(18888),
                    instance: Some(17),
                }),
            }),
            statistics: Some(TipcStatistics {
                recv_q: Some(1),
                send_q: Some(2),
                link_congested: true,
                connection_congested: true,
                drops: Some(3),
            }),
            ..TipcDiag::default()
        }
    }

    #[test]
    fn details_stand_before_the_owners() {
        let view = View {
            details: true,
            owners: true,
            tipcinfo: true,
            ..View::default()
        };
        assert_eq!(
            text(&connected(), &view),
            "ti_st ESTAB 1      2      16781313:222 16781314:333 uid:1000 ino:77 sk:1877b \
             users:((\"init\",pid=7,fd=3))\n type:STREAM cong:link  drop:3  via {18888,17}"
        );
        let release = Release::new(6, 8);
        let newer = View { release, ..view };
        assert_eq!(text(&connected(), &newer), text(&connected(), &view));
    }

    #[test]
    fn a_socket_without_a_peer_has_a_dash() {
        let row = TipcDiag {
            connection: None,
            ..connected()
        };
        let expected = "ti_st ESTAB 1      2      16781313:222 -";
        assert_eq!(text(&row, &View::default()), expected);
    }
}
