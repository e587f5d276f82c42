//! Rows of UNIX domain sockets.

use plumb_model::Reason;
use plumb_model::diag::unix::{UnixDiag, UnixFile};
use plumb_model::socket::SocketState;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::Company;
use super::fields::{Fields, object};
use super::shared::{Memory, Shutdown, Unknown, put_family, put_state, put_type};
use crate::json::Text;

/// A row of the `sockets` array.
#[derive(Debug, Clone, Copy)]
pub struct UnixRow<'a> {
    /// The socket.
    pub socket: &'a UnixDiag<'a>,
    /// Holders and namespace.
    pub company: Company<'a>,
}

impl Serialize for UnixRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let socket = self.socket;
        let inode_unknown = (socket.inode == 0).then_some(Reason::ConnectionRequest);
        object(serializer, |fields| {
            put_family(fields, "unix")?;
            put_type(fields, Some(socket.kind))?;
            put_state(fields, Some(socket.state))?;
            self.put_queues(fields)?;
            match inode_unknown {
                Some(reason) => fields.unknown("inode", reason.word())?,
                None => fields.put("inode", socket.inode)?,
            }
            self.put_told(fields, "cookie", socket.cookie)?;
            self.put_name(fields)?;
            self.put_told(fields, "peer_inode", socket.peer)?;
            self.put_told(fields, "incoming_inodes", socket.incoming.as_deref())?;
            self.put_told(fields, "uid", socket.uid)?;
            self.put_told(fields, "shutdown", socket.shutdown.map(Shutdown))?;
            self.put_told(fields, "skmem", socket.memory.map(Memory))?;
            Unknown(&socket.unknown).write(fields)?;
            self.company.write(fields, inode_unknown)
        })
    }
}

impl UnixRow<'_> {
    fn put_queues<M: SerializeMap>(&self, fields: &mut Fields<M>) -> Result<(), M::Error> {
        let socket = self.socket;
        let recv = socket.queues.map(|queues| queues.recv);
        let send = socket.queues.map(|queues| queues.send);
        self.put_told(fields, "recv_q_bytes", recv)?;
        self.put_told(fields, "send_q_bytes", send)?;
        if SocketState(socket.state) == SocketState::LISTEN {
            self.put_told(fields, "accept_queue", recv)?;
            self.put_told(fields, "accept_queue_limit", send)?;
        }
        Ok(())
    }

    /// Writes where the socket is bound. The kernel says "abstract" with a NUL in front, `/proc`
    /// with an `@`.
    fn put_name<M: SerializeMap>(&self, fields: &mut Fields<M>) -> Result<(), M::Error> {
        let socket = self.socket;
        let name = socket.name.filter(|name| !name.is_empty());
        let is_abstract = name.map(|name| match name.first() {
            Some(b'@') => socket.cookie.is_none(),
            first => first == Some(&0),
        });
        fields.put("path", name.map(Path))?;
        fields.put("abstract", is_abstract)?;
        self.put_told(fields, "file", socket.file.map(File))
    }

    /// Writes an attribute, or `null` and, where the row shows it, why.
    fn put_told<M: SerializeMap>(
        &self,
        fields: &mut Fields<M>,
        key: &'static str,
        value: Option<impl Serialize>,
    ) -> Result<(), M::Error> {
        match (value, self.socket.cookie) {
            (None, None) => fields.unknown(key, Reason::NotInSource.word()),
            (value, _) => fields.put(key, value),
        }
    }
}

/// A name; the NUL in front of an abstract one is written `@`, others stay.
struct Path<'a>(&'a [u8]);

impl Serialize for Path<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.split_first() {
            Some((0, rest)) => {
                let rest = String::from_utf8_lossy(rest);
                serializer.collect_str(&format_args!("@{rest}"))
            }
            _ => Text(self.0).serialize(serializer),
        }
    }
}

/// The object `file`.
struct File(UnixFile);

impl Serialize for File {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        object(serializer, |fields| {
            fields.put("inode", self.0.inode)?;
            fields.put("device_major", self.0.device >> 20)?;
            fields.put("device_minor", self.0.device & 0xf_ffff)
        })
    }
}

#[cfg(test)]
mod tests {
    use plumb_model::Known;
    use plumb_model::diag::unix::UnixQueues;
    use plumb_model::holder::Holder;

    use super::*;
    use crate::json::diag::Holders;

    #[test]
    fn an_abstract_listener_with_all_its_facts() {
        let holder = Holder {
            pid: 7,
            tid: 8,
            fd: 3,
            name: b"a\"b\xff",
            process_context: None,
            socket_context: None,
        };
        let socket = UnixDiag {
            kind: UnixDiag::STREAM,
            state: 10,
            inode: 5,
            cookie: Some(9),
            name: Some(b"\0x\0y"),
            file: Some(UnixFile {
                inode: 4,
                device: 0x0fe0_0001,
            }),
            incoming: Some(vec![11]),
            queues: Some(UnixQueues { recv: 1, send: 128 }),
            shutdown: Some(2),
            ..UnixDiag::default()
        };
        let company = Company {
            holders: Some(Holders {
                found: Known::Known(&[holder]),
                threads: true,
            }),
            creation: None,
            netns: None,
        };
        let row = UnixRow {
            socket: &socket,
            company,
        };
        assert_eq!(
            serde_json::json!(row),
            serde_json::json!({
                "family": "unix", "protocol": "unix", "type": "stream", "type_code": 1,
                "state": "LISTEN", "state_code": 10, "recv_q_bytes": 1, "send_q_bytes": 128,
                "accept_queue": 1, "accept_queue_limit": 128, "inode": 5, "cookie": 9,
                "path": "@x\u{0}y", "abstract": true,
                "file": {"inode": 4, "device_major": 254, "device_minor": 1},
                "peer_inode": null, "incoming_inodes": [11], "uid": null,
                "shutdown": {"recv": false, "send": true}, "skmem": null,
                "processes": [{"pid": 7, "tid": 8, "fd": 3, "comm": "a\"b\u{fffd}"}],
            })
        );
    }

    #[test]
    fn what_proc_does_not_know_has_a_reason() {
        let socket = UnixDiag {
            name: Some(b"@x"),
            ..UnixDiag::default()
        };
        let company = Company {
            holders: Some(Holders {
                found: Known::Known(&[]),
                threads: false,
            }),
            creation: None,
            netns: None,
        };
        let row = serde_json::json!(UnixRow {
            socket: &socket,
            company
        });
        assert_eq!(row["cookie_unknown"], "not-in-source");
        assert_eq!(row["recv_q_bytes_unknown"], "not-in-source");
        assert_eq!(row["abstract"], true);
        assert_eq!(row["processes_unknown"], "connection-request");
    }
}
