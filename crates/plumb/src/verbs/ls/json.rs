//! A row as JSON (`plumb.ls/1`): what each column tells a machine. `docs/json-verbs.md` promises it.
//!
//! A key that is there and `null` was asked for and is not known; keys of columns that were not asked for
//! are not there.

use plumb_filter::Fact;
use plumb_model::Known;
use plumb_model::attribution::{Container, Holding, How, Pod, Process};
use plumb_model::diag::inet::SkMemInfo;
use plumb_model::snapshot::End;
use plumb_present::json;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::columns::Id;
use super::endpoint::unix_name;
use super::row::Row;
use crate::facts;

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for id in &self.view.members {
            self.member(*id, &mut map)?;
        }
        map.end()
    }
}

/// Which end of a socket.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Local,
    Peer,
}

impl Row<'_> {
    fn member<M: SerializeMap>(&self, id: Id, map: &mut M) -> Result<(), M::Error> {
        let socket = self.socket;
        match id {
            Id::Kind => map.serialize_entry("kind", socket.kind.word()),
            Id::State => map.serialize_entry("state", &self.state_word()),
            Id::RecvQ => {
                let key = if socket.is_listener() {
                    "accept_queue"
                } else {
                    "recv_q_bytes"
                };
                map.serialize_entry(key, &socket.recv_q.ok())
            }
            Id::SendQ => {
                let key = if socket.is_listener() {
                    "accept_queue_limit"
                } else {
                    "send_q_bytes"
                };
                map.serialize_entry(key, &socket.send_q.ok())
            }
            Id::Local => self.end(Side::Local, map),
            Id::Peer => self.end(Side::Peer, map),
            Id::Process => {
                let name = self.owner().map(|(_, process)| json::text(&process.comm));
                map.serialize_entry("process", &name)?;
                self.member(Id::Pid, map)?;
                self.member(Id::OwnerUnknown, map)
            }
            Id::Pid => map.serialize_entry("pid", &self.owner().map(|(_, process)| process.pid.0)),
            Id::Fd => map.serialize_entry("fd", &self.fd()),
            Id::OwnerUnknown => {
                let reason = self.owner_unknown().map(plumb_model::Reason::word);
                map.serialize_entry("owner_unknown", &reason)
            }
            Id::Related => {
                let process = self.related();
                let name = process.map(|process| json::text(&process.comm));
                map.serialize_entry("related_process", &name)?;
                map.serialize_entry("related_pid", &process.map(|process| process.pid.0))
            }
            Id::Owners => map.serialize_entry("owners", &Owners(self)),
            Id::Uid => map.serialize_entry("uid", &socket.uid.ok().map(|uid| uid.0)),
            Id::User => map.serialize_entry("user", &self.user().ok()),
            Id::Netns => {
                map.serialize_entry("netns", &socket.netns.0)?;
                let name = self
                    .namespace()
                    .and_then(|namespace| namespace.name.as_deref());
                map.serialize_entry("netns_name", &name.map(json::text))
            }
            Id::Container => map.serialize_entry("container", &self.container().map(ContainerJson)),
            Id::Unit => map.serialize_entry("unit", &self.unit().map(json::text)),
            Id::Pod => map.serialize_entry("pod", &self.pod().map(PodJson)),
            Id::PeerProcess => map.serialize_entry("peer_socket", &self.peer().map(PeerJson)),
            Id::Exe => {
                map.serialize_entry("exe", &self.owner().and_then(|(_, process)| exe(process)))
            }
            Id::Cmdline => {
                let words = self.owner().and_then(|(_, process)| cmdline(process));
                map.serialize_entry("cmdline", &words)
            }
            Id::Cgroup => map.serialize_entry("cgroup", &self.cgroup().map(json::text)),
            Id::Interface => map.serialize_entry("interface", &self.interface().map(json::text)),
            Id::Inode => map.serialize_entry("inode", &socket.inode.ok().map(|inode| inode.0)),
            Id::Cookie => map.serialize_entry("cookie", &socket.cookie.ok().map(|cookie| cookie.0)),
            Id::MadeBy => self.creation_members(map),
            Id::Timer => self.timer(map),
            Id::Memory => map.serialize_entry("memory", &socket.memory.as_ref().map(MemoryJson)),
            Id::Rmem | Id::Wmem => Ok(()),
            Id::Age => self.fact("age_at_least_us", Fact::AgeUs, map),
            Id::Rtt => self.fact("rtt_us", Fact::RttUs, map),
            Id::Retrans => self.fact("retrans_segments", Fact::Retrans, map),
            Id::Cwnd => self.fact("cwnd_segments", Fact::Cwnd, map),
            Id::Unsent => self.fact("unsent_bytes", Fact::Unsent, map),
            Id::BytesSent => self.fact("sent_bytes", Fact::BytesSent, map),
            Id::BytesReceived => self.fact("received_bytes", Fact::BytesReceived, map),
            Id::Drops => self.fact("drops", Fact::Drops, map),
        }
    }

    fn fact<M: SerializeMap>(
        &self,
        key: &'static str,
        fact: Fact,
        map: &mut M,
    ) -> Result<(), M::Error> {
        map.serialize_entry(key, &self.number(fact).ok())
    }

    fn end<M: SerializeMap>(&self, side: Side, map: &mut M) -> Result<(), M::Error> {
        let (end, keys, text) = match side {
            Side::Local => (
                &self.socket.local,
                ["local", "local_address", "local_port", "local_inode"],
                self.local_text(),
            ),
            Side::Peer => (
                &self.socket.peer,
                ["peer", "peer_address", "peer_port", "peer_inode"],
                self.peer_text(),
            ),
        };
        let [whole, address, port, inode] = keys;
        map.serialize_entry(whole, &Some(text).filter(|text| text != "-"))?;
        match end {
            End::Inet(end) => {
                map.serialize_entry(address, &end.ip().to_string())?;
                map.serialize_entry(port, &Some(end.port()).filter(|&port| port != 0))
            }
            End::Unix {
                name,
                inode: number,
            } => {
                let name = name.as_deref().map(unix_name);
                map.serialize_entry(address, &name)?;
                map.serialize_entry(inode, &Some(number.0).filter(|&number| number != 0))
            }
            End::Vsock { cid, port: number } => {
                map.serialize_entry(address, &cid)?;
                map.serialize_entry(port, &number)
            }
            End::Packet { .. } | End::Netlink { .. } | End::None => Ok(()),
        }
    }

    fn timer<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let timer = self.socket.timer;
        let pending = timer.code != 0;
        map.serialize_entry("timer", &pending.then(|| facts::timer_word(timer)))?;
        map.serialize_entry("timer_ms", &pending.then_some(timer.expires_ms))
    }
}

/// The holdings of a row.
struct Owners<'r, 's>(&'r Row<'s>);

impl Serialize for Owners<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let holdings = self.0.holdings().ok().unwrap_or_default();
        let owner = |holding: &Holding| Some(Owner(self.0, *holding, self.0.process(*holding)?));
        serializer.collect_seq(holdings.iter().filter_map(owner))
    }
}

/// One holding and its process.
struct Owner<'r, 's>(&'r Row<'s>, Holding, &'s Process);

impl Serialize for Owner<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(row, holding, process) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("pid", &process.pid.0)?;
        map.serialize_entry("process", &json::text(&process.comm))?;
        map.serialize_entry("held_by", held_by(holding.how))?;
        map.serialize_entry("fd", &holding.how.fd())?;
        if let How::ThreadDescriptor { tid, .. } = holding.how {
            map.serialize_entry("tid", &tid)?;
        }
        map.serialize_entry("parent_pid", &process.parent.ok().map(|pid| pid.0))?;
        map.serialize_entry("start_ticks", &process.start_ticks.ok())?;
        map.serialize_entry("uid", &process.uid.ok().map(|uid| uid.0))?;
        map.serialize_entry("user", &process.uid.ok().map(|uid| row.user_name(uid)))?;
        map.serialize_entry("exe", &exe(process))?;
        map.serialize_entry("exe_deleted", &exe_deleted(process))?;
        map.serialize_entry("cmdline", &cmdline(process))?;
        map.serialize_entry("cgroup", &known_text(&process.cgroup))?;
        map.serialize_entry("unit", &process.workload.unit.as_deref().map(json::text))?;
        map.serialize_entry(
            "container",
            &process.workload.container.as_ref().map(ContainerJson),
        )?;
        map.serialize_entry("pod", &process.workload.pod.as_ref().map(PodJson))?;
        map.end()
    }
}

fn held_by(how: How) -> &'static str {
    match how {
        How::Descriptor(_) => "fd",
        How::ThreadDescriptor { .. } => "thread-fd",
        How::IoUring { .. } => "io-uring",
        How::InFlight { .. } => "in-flight",
    }
}

fn exe(process: &Process) -> Option<String> {
    match &process.exe {
        Known::Known(exe) => Some(json::text(&exe.path)),
        Known::Unknown(_) => None,
    }
}

fn exe_deleted(process: &Process) -> Option<bool> {
    match &process.exe {
        Known::Known(exe) => Some(exe.deleted),
        Known::Unknown(_) => None,
    }
}

fn cmdline(process: &Process) -> Option<Vec<String>> {
    let Known::Known(line) = &process.cmdline else {
        return None;
    };
    let line = line.strip_suffix(b"\0").unwrap_or(line);
    Some(line.split(|byte| *byte == 0).map(json::text).collect())
}

fn known_text(text: &Known<Vec<u8>>) -> Option<String> {
    match text {
        Known::Known(text) => Some(json::text(text)),
        Known::Unknown(_) => None,
    }
}

/// A container.
struct ContainerJson<'s>(&'s Container);

impl Serialize for ContainerJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("runtime", self.0.runtime)?;
        map.serialize_entry("id", &json::text(&self.0.id))?;
        map.serialize_entry("name", &self.0.name.as_deref().map(json::text))?;
        map.end()
    }
}

/// A pod.
struct PodJson<'s>(&'s Pod);

impl Serialize for PodJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("uid", &json::text(&self.0.uid))?;
        map.serialize_entry("name", &self.0.name.as_deref().map(json::text))?;
        map.serialize_entry("namespace", &self.0.namespace.as_deref().map(json::text))?;
        map.end()
    }
}

/// The socket at the other end.
struct PeerJson<'s>(Row<'s>);

impl Serialize for PeerJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let row = &self.0;
        let mut map = serializer.serialize_map(None)?;
        for id in [Id::Process, Id::Netns, Id::Inode, Id::Cookie] {
            row.member(id, &mut map)?;
        }
        map.end()
    }
}

/// The memory counters, as many as the kernel told.
struct MemoryJson<'s>(&'s SkMemInfo);

impl Serialize for MemoryJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const KEYS: [&str; 8] = [
            "rmem_bytes",
            "rcvbuf_bytes",
            "wmem_bytes",
            "sndbuf_bytes",
            "forward_alloc_bytes",
            "wmem_queued_bytes",
            "optmem_bytes",
            "backlog_bytes",
        ];
        let told = self.0.sent_bytes / 4;
        let words = KEYS.iter().zip(self.0.words).take(told);
        let mut map = serializer.serialize_map(None)?;
        for (key, word) in words {
            map.serialize_entry(key, &word)?;
        }
        map.end()
    }
}
