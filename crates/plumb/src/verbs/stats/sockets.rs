//! The sockets that a counter may be about, with who holds them.

use plumb_analyze::counters::{Concerned, Concerns, concerned};
use plumb_collect::snapshot::{self, Request, Scope};
use plumb_model::Known;
use plumb_model::snapshot::{Kind, Snapshot};
use plumb_present::json;
use serde::Serialize;

use super::row::Row;

/// Most sockets named beside one counter.
const MOST_SOCKETS: usize = 5;

/// A socket and the trace that was seen in it.
#[derive(Debug, Clone, Serialize)]
pub struct ConcernedSocket {
    kind: &'static str,
    state: Option<&'static str>,
    local: Option<String>,
    peer: Option<String>,
    process: Option<String>,
    pid: Option<u32>,
    trace: String,
}

impl ConcernedSocket {
    /// Gives it in one line.
    pub fn text(&self) -> String {
        let local = self.local.as_deref().unwrap_or("-");
        let peer = self.peer.as_ref();
        let peer = peer.map_or_else(String::new, |peer| format!(" to {peer}"));
        let process = self.process.as_ref().zip(self.pid);
        let process =
            process.map_or_else(String::new, |(process, pid)| format!(" {process}({pid})"));
        format!("{} {local}{peer}{process}: {}", self.kind, self.trace)
    }
}

/// Looks for the sockets that rows are about: of those that worry, or of all. Reads the sockets of the
/// namespace, or of every namespace, only when a row is about any.
pub fn attach(rows: &mut [Row], all: bool, reasons: &mut Vec<String>) {
    let wanted = |row: &Row| (all || row.worrying) && row.concerns() != Concerns::Unknown;
    if !rows.iter().any(wanted) {
        return;
    }
    let is_elsewhere = rows.iter().any(|row| row.netns_id.is_some());
    let snapshot = snapshot::read(&Request {
        scope: if is_elsewhere {
            Scope::Inhabited
        } else {
            Scope::Own
        },
        kinds: vec![Kind::Tcp, Kind::Udp, Kind::UdpLite],
        info: true,
        memory: true,
        ..Request::default()
    });
    for row in rows.iter_mut().filter(|row| wanted(row)) {
        let mut found = concerned(row.concerns(), &snapshot);
        if let Some(id) = row.netns_id {
            let netns = |one: &Concerned| snapshot.sockets.get(one.place).map(|of| of.netns);
            found.retain(|one| netns(one) == Some(id));
        }
        row.more_sockets = found.len().saturating_sub(MOST_SOCKETS);
        let first = found.iter().take(MOST_SOCKETS);
        row.sockets = first.filter_map(|one| socket(one, &snapshot)).collect();
    }
    // A namespace that may not be entered was missed by the counters already.
    for gap in &snapshot.gaps {
        if !reasons.contains(&gap.what) {
            reasons.push(gap.what.clone());
        }
    }
}

fn socket(one: &Concerned, snapshot: &Snapshot) -> Option<ConcernedSocket> {
    let socket = snapshot.sockets.get(one.place)?;
    let holder = match snapshot.owners.of(one.place) {
        Known::Known(holdings) => holdings.first().copied(),
        Known::Unknown(_) => None,
    };
    let process = holder.and_then(|holder| snapshot.owners.process(holder));
    let peer = socket.peer.inet().filter(|peer| peer.port() != 0);
    Some(ConcernedSocket {
        kind: socket.kind.word(),
        state: socket.state.tcp_name(),
        local: socket.local.inet().map(|end| end.to_string()),
        peer: peer.map(|end| end.to_string()),
        process: process.map(|process| json::text(&process.comm)),
        pid: process.map(|process| process.pid.0),
        trace: one.trace.clone(),
    })
}
