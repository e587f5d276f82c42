//! Which code made the sockets: asked of a recorder in the background, for the sockets of a namespace at once.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::SocketAddr;

use plumb_model::NetnsId;
use plumb_model::creation::Absence;
use plumb_model::snapshot::{Kind, Socket};
use plumb_present::json::creation::CreationMembers;
use plumb_present::report::stack;
use serde::ser::SerializeMap;

use super::row::{Row, View};
use crate::creations::{Creations, Subject, Told, time};

/// Asks about all sockets of whose kinds any are recorded.
pub fn look_up(view: &mut View<'_>) {
    let mut creations = Creations::look();
    view.creation_reasons.extend(creations.complaint());
    let sockets = &view.snapshot.sockets;
    let mut by_netns: BTreeMap<NetnsId, Vec<(usize, Subject)>> = BTreeMap::new();
    for (place, socket) in sockets.iter().enumerate() {
        if let Some(subject) = subject(socket) {
            let of_netns = by_netns.entry(socket.netns).or_default();
            of_netns.push((place, subject));
        }
    }
    view.creations = vec![None; sockets.len()];
    for (netns, asked) in by_netns {
        let subjects: Vec<Subject> = asked.iter().map(|(_, subject)| *subject).collect();
        let told = creations.ask(&subjects, Some(netns));
        for ((place, _), told) in asked.iter().zip(told) {
            if let Some(slot) = view.creations.get_mut(*place) {
                *slot = Some(told);
            }
        }
    }
    view.creation_reasons.extend_from_slice(creations.losses());
}

fn subject(socket: &Socket) -> Option<Subject> {
    let protocol = match socket.kind {
        Kind::Tcp => 6,
        Kind::Udp => 17,
        Kind::UdpLite => 136,
        Kind::Raw => 255,
        _ => return None,
    };
    let local = socket.local.inet()?;
    Some(Subject {
        cookie: socket.cookie.ok(),
        state: socket.state,
        protocol,
        local,
        peer: socket
            .peer
            .inet()
            .unwrap_or_else(|| SocketAddr::new(local.ip(), 0)),
    })
}

impl Row<'_> {
    fn told(&self) -> Option<&Told> {
        self.view.creations.get(self.place)?.as_ref()
    }

    /// Gives the code that made it, in short.
    pub fn code_text<'r>(&self) -> Option<Cow<'r, str>> {
        let creation = self.told()?.made.as_ref().ok()?;
        Some(match &creation.code {
            Some(code) => stack::short(code).into(),
            None => "(its stack was lost)".into(),
        })
    }

    /// Gives why nobody knows; `None` when nobody was asked.
    pub fn creation_unknown(&self) -> Option<&'static str> {
        let absence = self.told()?.made.as_ref().err()?;
        Some(absence.word())
    }

    /// Writes the members of JSON.
    pub(super) fn creation_members<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let members = self.told().map(|told| CreationMembers::new(told, time));
        let unknown = match &members {
            Some(members) => members.creation_unknown,
            None => Some(Absence::NotRecorded.word()),
        };
        let members = members.as_ref();
        let creation = members.and_then(|members| members.creation.as_ref());
        let bound = members.and_then(|members| members.bound.as_ref());
        let told = members.and_then(|members| members.told_of_end.as_ref());
        map.serialize_entry("creation", &creation)?;
        map.serialize_entry("creation_unknown", &unknown)?;
        map.serialize_entry("bound", &bound)?;
        map.serialize_entry("told_of_end", &told)
    }
}
