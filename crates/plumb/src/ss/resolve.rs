//! What the words of a filter mean on this machine: names of hosts, ports, interfaces, cgroups, users.

use std::ffi::CString;
use std::net::IpAddr;

use plumb_collect::cgroups;
use plumb_collect::interface_index::interface_index;
use plumb_collect::netns;
use plumb_collect::sock_diag::{Dump, DumpError};
use plumb_collect::sys::{netdb, nss};
use plumb_filter::{Family, Resolve, Transport};
use plumb_model::diag::inet::{AF_INET, Protocol};
use plumb_model::socket::IpVersion;
use plumb_wire::netlink::inet_request::{InetRequest, encode_inet_dump};
use rustix::io::Errno;

use super::lookup::cgroup_complaint;
use super::machine::Machine;

/// `INET_DIAG_BC_CGROUP_COND` for cgroup 0: twelve bytes, and fail behind them.
const CGROUP_PROBE: [u8; 12] = [13, 12, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0];

impl Resolve for Machine {
    fn host(&mut self, name: &[u8], family: Option<Family>) -> Vec<IpAddr> {
        let Ok(name) = CString::new(name) else {
            return Vec::new();
        };
        let of = |version| netdb::host_addresses(&name, version);
        match family {
            Some(Family::Inet) => of(IpVersion::V4),
            Some(Family::Inet6) => of(IpVersion::V6),
            _ => [of(IpVersion::V4), of(IpVersion::V6)].concat(),
        }
    }

    fn service(&mut self, name: &[u8], transport: Transport) -> Option<u16> {
        let protocol = match transport {
            Transport::Tcp => c"tcp",
            Transport::Udp => c"udp",
        };
        netdb::service_port(&CString::new(name).ok()?, protocol)
    }

    fn interface(&mut self, name: &[u8]) -> Option<u32> {
        interface_index(name)
    }

    fn netlink_protocol(&mut self, name: &[u8]) -> Option<u32> {
        self.netlink().protocol(name)
    }

    fn cgroup(&mut self, path: &[u8]) -> Result<u64, Vec<u8>> {
        cgroups::id_of(path).map_err(|error| cgroup_complaint(error).into_bytes())
    }

    fn cgroup_filter_supported(&mut self) -> bool {
        let request = encode_inet_dump(&InetRequest {
            family: AF_INET,
            protocol: Protocol::TCP,
            states: 0,
            extensions: 0,
            program: Some(&CGROUP_PROBE),
            bpf_storages: None,
        });
        let Ok(dump) = Dump::send(&request) else {
            return true;
        };
        dump.read(|_| ()) != Err(DumpError::Refused(Errno::INVAL))
    }

    fn user(&mut self, name: &[u8]) -> Option<u32> {
        nss::user_id(&CString::new(name).ok()?)
    }

    fn netns_of_process(&mut self, pid: u64) -> Option<u64> {
        netns::of_process(pid).map(|id| id.0)
    }
}
