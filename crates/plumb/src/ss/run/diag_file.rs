//! -D FILE: the kernel's answers about TCP, as they came, into a file.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;

use plumb_collect::sock_diag::Dump;
use plumb_model::diag::inet::{AF_INET, AF_INET6, Protocol};
use plumb_wire::netlink::inet_request::{self, InetRequest};
use rustix::io::Errno;

use super::inet::request::extensions;
use crate::errno;
use crate::output::Output;
use crate::ss::options::selection::Table;
use crate::ss::options::{Options, Stop, USAGE};

/// Writes the file; gives the exit status. The expression is not applied.
pub fn run(options: &Options, out: &mut Output) -> Result<u8, Stop> {
    let name = options.diag_file.as_deref().unwrap_or(b"-");
    if !options.selection.tables.contains(Table::Tcp) {
        let text = b"ss: tcpdiag dump requested and no tcp in filter.\n".to_vec();
        return Err(Stop::Complaint(text, 0));
    }
    if name.starts_with(b"-") {
        copy(options, &mut |datagram| {
            out.raw(|bytes| bytes.extend_from_slice(datagram));
            Ok(())
        });
        return Ok(0);
    }
    match File::create(std::ffi::OsStr::from_bytes(name)) {
        Ok(mut file) => {
            copy(options, &mut |datagram| file.write_all(datagram));
            Ok(0)
        }
        Err(error) if options.view.release.since(6, 17) => {
            let cause = errno::words(Errno::from_io_error(&error).unwrap_or(Errno::IO));
            let text = [&b"fopen dump file: "[..], cause.as_bytes(), b"\n"].concat();
            Err(Stop::Complaint(text, USAGE))
        }
        Err(_) => Ok(0),
    }
}

/// Dumps IPv4, then IPv6; a failure ends it in silence, as the original does.
fn copy(options: &Options, write: &mut dyn FnMut(&[u8]) -> std::io::Result<()>) {
    let (v4, v6) = options.selection.versions();
    for (wanted, family) in [(v4, AF_INET), (v6, AF_INET6)] {
        let request = inet_request::encode_inet_dump(&InetRequest {
            family,
            protocol: Protocol::TCP,
            states: options.selection.states.0,
            extensions: extensions(&options.view),
            program: None,
            bpf_storages: None,
        });
        if wanted
            && let Ok(dump) = Dump::send(&request)
            && dump.copy(write).is_err()
        {
            return;
        }
    }
}
