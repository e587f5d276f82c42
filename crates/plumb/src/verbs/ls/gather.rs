//! Reads what a plan wants, decides the rows, and says what could not be seen.

use std::collections::HashSet;
use std::net::IpAddr;
use std::os::unix::ffi::OsStrExt as _;

use plumb_collect::cgroups::Cgroups;
use plumb_collect::names::{Names as HostNames, ServiceKind};
use plumb_collect::processes::details::Wanted;
use plumb_collect::snapshot::{self, Request};
use plumb_filter::{Piece, Verdict};
use plumb_model::Uid;
use plumb_model::snapshot::{Kind, Namespace, Snapshot, Socket};
use plumb_present::json;
use plumb_present::report::Column;

use super::Arguments;
use super::asks::Asks;
use super::columns::Spec;
use super::creation;
use super::endpoint::Names;
use super::facts::{Facts, could_be_known};
use super::plan::Plan;
use super::row::{Row, View};
use crate::verbs::form::Form;
use crate::verbs::unseen;

/// How many other ends are asked for one by one.
const MOST_OTHER_ENDS: usize = 64;

/// The rows that are wanted.
pub struct Gathered<'s> {
    /// Those rows.
    pub rows: Vec<Row<'s>>,
    /// How many were left out because what the filter asks of them is not known.
    pub undecided: usize,
}

impl Plan {
    /// Reads the sockets that the filter may want.
    pub fn read(&self, arguments: &Arguments) -> Snapshot {
        let mut keep = |namespace: &Namespace, socket: &Socket| {
            // A listener says whose the port of a connection is that has no holder any more.
            let is_related = self.request.owners && socket.is_listener() && socket.kind.is_inet();
            is_related
                || arguments.selection.takes(socket)
                    && self.expr().is_none_or(|expr| {
                        let facts = Facts::early(socket, namespace, &self.ports);
                        expr.evaluate(&facts) != Verdict::Miss
                    })
        };
        let Some(first) = self.first_request() else {
            return snapshot::read_where(&self.request, &mut keep);
        };
        let found = snapshot::read_where(&first, &mut keep);
        if found.sockets.is_empty() {
            return found;
        }
        let request = Request {
            program: program_with_other_ends(&found.sockets, arguments),
            ..self.request.clone()
        };
        snapshot::read_where(&request, &mut keep)
    }

    /// Gives a request for what the filter wants alone, where the kernel can decide that: a few sockets are
    /// found among many twice more quickly than all are read once for their other ends.
    fn first_request(&self) -> Option<Request> {
        if !self.request.peers {
            return None;
        }
        Some(Request {
            program: Some(plumb_filter::bytecode(self.expr()?)?),
            owners: false,
            details: Wanted::default(),
            peers: false,
            ..self.request.clone()
        })
    }

    /// Looks up the names that columns show.
    pub fn look_up(&self, view: &mut View<'_>, arguments: &Arguments) {
        let sockets = &view.snapshot.sockets;
        let mut names = HostNames::new();
        if self.asks.has(Asks::USERS) {
            let of_sockets = sockets.iter().filter_map(|socket| socket.uid.ok());
            let processes = &view.snapshot.owners.processes;
            let of_owners = processes.iter().filter_map(|process| process.uid.ok());
            let uids: HashSet<Uid> = of_sockets.chain(of_owners).collect();
            let named = |uid: Uid| Some((uid, json::text(names.user(uid)?)));
            view.users = uids.into_iter().filter_map(named).collect();
        }
        if self.asks.has(Asks::CGROUP_PATHS) {
            let mut cgroups = Cgroups::new();
            let ids: HashSet<u64> = sockets
                .iter()
                .filter_map(|socket| socket.cgroup.ok())
                .collect();
            let path = |id: u64| Some((id, cgroups.path(id).ok()?.to_vec()));
            view.cgroups = ids.into_iter().filter_map(path).collect();
        }
        if arguments.resolve {
            view.names = Some(resolve(&mut names, sockets));
        }
        if self.asks.has(Asks::CREATIONS) {
            creation::look_up(view);
        }
        view.members.clone_from(&self.shown);
    }

    /// Decides which sockets are rows.
    pub fn rows<'s>(&self, view: &'s View<'s>, arguments: &Arguments) -> Gathered<'s> {
        let mut undecided = 0;
        let mut wanted = |row: &Row<'s>| {
            if !arguments.selection.takes(row.socket) {
                return false;
            }
            let Some(expr) = self.expr() else { return true };
            match expr.evaluate(&Facts::whole(*row, &self.ports)) {
                Verdict::Match => true,
                Verdict::Miss => false,
                Verdict::Unknown => {
                    undecided += usize::from(could_be_known(row));
                    false
                }
            }
        };
        let places = 0..view.snapshot.asked().len();
        let rows = places
            .filter_map(|place| view.row(place))
            .filter(&mut wanted);
        let rows = rows.collect();
        Gathered { rows, undecided }
    }

    /// Gives the columns that are shown: those wanted, without those that are usual and would be empty.
    pub fn columns<'s>(
        &self,
        specs: Vec<Spec<'s>>,
        rows: &[Row<'s>],
        arguments: &Arguments,
    ) -> Vec<Column<Row<'s>>> {
        let drops_empty = arguments.columns.is_empty() && arguments.form.form() == Form::Table;
        let is_empty = |spec: &Spec<'s>| match spec.column.key {
            "netns" => rows
                .iter()
                .all(|row| row.namespace().is_none_or(|netns| netns.is_own)),
            _ => rows.iter().all(|row| (spec.column.cell)(row).text == "-"),
        };
        specs
            .into_iter()
            .filter(|spec| {
                let hidden = drops_empty && spec.may_be_empty && is_empty(spec);
                self.shown.contains(&spec.id) && !hidden
            })
            .map(|spec| spec.column)
            .collect()
    }
}

/// Gives a program for the filter and the other ends of the sockets it found; `None`, which is every
/// socket, when they are many.
fn program_with_other_ends(found: &[Socket], arguments: &Arguments) -> Option<Vec<u8>> {
    if found.len() > MOST_OTHER_ENDS {
        return None;
    }
    let mut pieces = vec![b"(".to_vec()];
    pieces.extend(arguments.filter.iter().map(|word| word.as_bytes().to_vec()));
    pieces.push(b")".to_vec());
    for socket in found {
        let (Some(local), Some(peer)) = (socket.local.port(), socket.peer.port()) else {
            continue;
        };
        // Who is sent datagrams need not be connected to who sends them.
        let only = match socket.kind {
            Kind::Tcp => format!("and dport = :{local}"),
            _ => String::new(),
        };
        pieces.push(format!("or ( sport = :{peer} {only} )").into_bytes());
    }
    let parsed = super::plan::parse(&Piece::arguments(pieces)).ok()?;
    plumb_filter::bytecode(&parsed.expr?)
}

fn resolve(names: &mut HostNames, sockets: &[Socket]) -> Names {
    let ends = || {
        let both = sockets.iter().flat_map(|socket| {
            let is_udp = matches!(socket.kind, Kind::Udp | Kind::UdpLite);
            let ends = [socket.local.inet(), socket.peer.inet()];
            ends.into_iter().flatten().map(move |end| (is_udp, end))
        });
        both.filter(|(_, end)| !end.ip().is_unspecified() || end.port() != 0)
    };
    let hosts: HashSet<IpAddr> = ends()
        .map(|(_, end)| end.ip())
        .filter(|ip| !ip.is_unspecified())
        .collect();
    names.prefetch_hosts(hosts.iter().copied());
    let named = |ip: IpAddr| Some((ip, json::text(names.host(ip)?)));
    let hosts = hosts.into_iter().filter_map(named).collect();
    let services: HashSet<(bool, u16)> = ends().map(|(is_udp, end)| (is_udp, end.port())).collect();
    let named = |(is_udp, port): (bool, u16)| {
        let kind = if is_udp {
            ServiceKind::Udp
        } else {
            ServiceKind::Tcp
        };
        Some((
            (is_udp, port),
            json::text(names.service(kind, port.into())?),
        ))
    };
    Names {
        hosts,
        services: services.into_iter().filter_map(named).collect(),
    }
}

/// Says what could not be observed, a sentence each.
pub fn reasons(view: &View<'_>, rows: &[Row<'_>], undecided: usize) -> Vec<String> {
    let mut reasons = unseen::gaps(view.snapshot);
    reasons.extend(unseen::of_holders(
        rows.iter().filter_map(Row::owner_unknown),
    ));
    reasons.extend_from_slice(&view.creation_reasons);
    if undecided > 0 {
        let are = if undecided == 1 {
            "socket is"
        } else {
            "sockets are"
        };
        reasons.push(format!(
            "{undecided} {are} not shown: what the filter asks of them is not known"
        ));
    }
    reasons
}
