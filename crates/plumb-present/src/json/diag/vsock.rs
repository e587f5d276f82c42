//! Rows of vsock sockets.

use plumb_model::Reason;
use plumb_model::diag::vsock::{VsockDiag, VsockEndpoint};
use serde::{Serialize, Serializer};

use super::Company;
use super::fields::object;
use super::shared::{Shutdown, put_family, put_state, put_type};

/// A row of the `sockets` array.
#[derive(Debug, Clone, Copy)]
pub struct VsockRow<'a> {
    /// The socket.
    pub socket: &'a VsockDiag,
    /// Holders and namespace.
    pub company: Company<'a>,
}

impl Serialize for VsockRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let socket = self.socket;
        let inode_unknown = (socket.inode == 0).then_some(Reason::NoHolder);
        object(serializer, |fields| {
            put_family(fields, "vsock")?;
            put_type(fields, Some(socket.kind.into()))?;
            put_state(fields, Some(socket.state.into()))?;
            fields.put("local", End(socket.local))?;
            fields.put("peer", End(socket.peer))?;
            fields.put("shutdown", Shutdown(socket.shutdown))?;
            match inode_unknown {
                Some(reason) => fields.unknown("inode", reason.word())?,
                None => fields.put("inode", socket.inode)?,
            }
            fields.put("cookie", socket.cookie)?;
            self.company.write(fields, inode_unknown)
        })
    }
}

/// The objects `local` and `peer`.
struct End(VsockEndpoint);

impl Serialize for End {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let given = |number: u32| Some(number).filter(|&number| number != VsockEndpoint::ANY);
        object(serializer, |fields| {
            fields.put("cid", given(self.0.cid))?;
            fields.put("port", given(self.0.port))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_is_null() {
        let any = VsockEndpoint {
            cid: VsockEndpoint::ANY,
            port: VsockEndpoint::ANY,
        };
        let socket = VsockDiag {
            kind: VsockDiag::STREAM,
            state: 10,
            shutdown: 0,
            local: VsockEndpoint { cid: 2, port: 22 },
            peer: any,
            inode: 3,
            cookie: 4,
        };
        let row = VsockRow {
            socket: &socket,
            company: Company::default(),
        };
        assert_eq!(
            serde_json::json!(row),
            serde_json::json!({
                "family": "vsock", "protocol": "vsock", "type": "stream", "type_code": 1,
                "state": "LISTEN", "state_code": 10, "local": {"cid": 2, "port": 22},
                "peer": {"cid": null, "port": null},
                "shutdown": {"recv": false, "send": false}, "inode": 3, "cookie": 4,
            })
        );
    }
}
