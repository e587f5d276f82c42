//! Socket memory: what protocols hold in the current network namespace, and every socket's share.

use plumb_model::memory::{
    MemoryHolder, MemoryLimits, MemoryProtocol, ProtocolMemory, SocketMemory,
};
use plumb_model::owner::Owner;
use plumb_model::socket::IpVersion;
use plumb_model::{Inode, Known, Pid, Reason};
use plumb_wire::netlink::inet_diag::{
    INET_DIAG_SKMEMINFO, decode_inet_diag, extension, find_attribute,
};
use plumb_wire::netlink::skmeminfo::decode_skmeminfo;
use plumb_wire::proc::sockstat::{
    SockstatCounter, decode_numbers, decode_pressure, decode_sockstat, find_counter,
};
use rustc_hash::FxHashMap;
use rustix::io::Errno;

use crate::owners::Owners;
use crate::proc;
use crate::sock_diag::{Dump, DumpError, Step};

/// One socket and the memory it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured {
    /// Its inode, or why it has none.
    pub inode: Known<Inode>,
    /// Its memory.
    pub memory: SocketMemory,
}

/// Reads what one half of a protocol holds.
pub fn read_protocol(protocol: MemoryProtocol, version: IpVersion) -> ProtocolMemory {
    let file = match version {
        IpVersion::V4 => "/proc/net/sockstat",
        IpVersion::V6 => "/proc/net/sockstat6",
    };
    let content = proc::read_file(file);
    let counters = content.as_deref().map(decode_sockstat);
    let name = sockstat_name(protocol, version);
    let counter = |counter: &str| find(&counters, name, counter);
    let memory_bytes = match protocol {
        // Fragments are counted in bytes, everything else in pages.
        MemoryProtocol::Fragments => counter("memory"),
        MemoryProtocol::Tcp
        | MemoryProtocol::Udp
        | MemoryProtocol::UdpLite
        | MemoryProtocol::Raw => map(counter("mem"), |pages| pages.saturating_mul(page_bytes())),
    };
    ProtocolMemory {
        protocol,
        version,
        in_use: counter("inuse"),
        orphans: counter("orphan"),
        time_wait: counter("tw"),
        allocated: counter("alloc"),
        memory_bytes,
        limits: read_limits(protocol, version),
        pressed: read_pressure(protocol, version),
    }
}

fn sockstat_name(protocol: MemoryProtocol, version: IpVersion) -> &'static str {
    match (protocol, version) {
        (MemoryProtocol::Tcp, IpVersion::V4) => "TCP",
        (MemoryProtocol::Tcp, IpVersion::V6) => "TCP6",
        (MemoryProtocol::Udp, IpVersion::V4) => "UDP",
        (MemoryProtocol::Udp, IpVersion::V6) => "UDP6",
        (MemoryProtocol::UdpLite, IpVersion::V4) => "UDPLITE",
        (MemoryProtocol::UdpLite, IpVersion::V6) => "UDPLITE6",
        (MemoryProtocol::Raw, IpVersion::V4) => "RAW",
        (MemoryProtocol::Raw, IpVersion::V6) => "RAW6",
        (MemoryProtocol::Fragments, IpVersion::V4) => "FRAG",
        (MemoryProtocol::Fragments, IpVersion::V6) => "FRAG6",
    }
}

fn find(
    counters: &Result<Vec<SockstatCounter<'_>>, &Errno>,
    protocol: &str,
    name: &str,
) -> Known<u64> {
    match counters {
        Ok(counters) => match find_counter(counters, protocol, name) {
            Some(value) => Known::Known(value),
            None => Known::Unknown(Reason::NotInSource),
        },
        Err(errno) => Known::Unknown(reason(**errno)),
    }
}

fn reason(errno: Errno) -> Reason {
    match errno {
        Errno::ACCESS | Errno::PERM => Reason::PermissionDenied,
        _ => Reason::NotSupported,
    }
}

fn map<T, U>(known: Known<T>, change: impl FnOnce(T) -> U) -> Known<U> {
    match known {
        Known::Known(value) => Known::Known(change(value)),
        Known::Unknown(reason) => Known::Unknown(reason),
    }
}

fn page_bytes() -> u64 {
    u64::try_from(rustix::param::page_size()).unwrap_or(4096)
}

/// TCP's and UDP's limits hold for both versions together, and stand with the first.
pub(crate) fn read_limits(protocol: MemoryProtocol, version: IpVersion) -> Known<MemoryLimits> {
    let in_pages = |path| {
        map(read_numbers::<3>(path), |[low, pressure, high]| {
            MemoryLimits {
                low_bytes: low.saturating_mul(page_bytes()),
                pressure_bytes: pressure.saturating_mul(page_bytes()),
                high_bytes: high.saturating_mul(page_bytes()),
            }
        })
    };
    match (protocol, version) {
        (MemoryProtocol::Tcp, IpVersion::V4) => in_pages("/proc/sys/net/ipv4/tcp_mem"),
        (MemoryProtocol::Udp, IpVersion::V4) => in_pages("/proc/sys/net/ipv4/udp_mem"),
        (MemoryProtocol::Fragments, IpVersion::V4) => fragment_limits("ipv4/ipfrag"),
        (MemoryProtocol::Fragments, IpVersion::V6) => fragment_limits("ipv6/ip6frag"),
        _ => Known::Unknown(Reason::NotInSource),
    }
}

/// Above the low limit the kernel used to throw fragments away; above the high one it always does.
fn fragment_limits(prefix: &str) -> Known<MemoryLimits> {
    let read = |which: &str| read_numbers::<1>(&format!("/proc/sys/net/{prefix}_{which}_thresh"));
    match (read("low"), read("high")) {
        (Known::Known([low]), Known::Known([high])) => Known::Known(MemoryLimits {
            low_bytes: low,
            pressure_bytes: high,
            high_bytes: high,
        }),
        (Known::Unknown(reason), _) | (_, Known::Unknown(reason)) => Known::Unknown(reason),
    }
}

/// Reads a sysctl of `N` numbers.
pub(crate) fn read_numbers<const N: usize>(path: &str) -> Known<[u64; N]> {
    match proc::read_file(path) {
        Ok(content) => match decode_numbers(&content) {
            Some(numbers) => Known::Known(numbers),
            None => Known::Unknown(Reason::NotInSource),
        },
        // Limits of the whole host are shown in its first network namespace alone.
        Err(Errno::NOENT) => Known::Unknown(Reason::NotInSource),
        Err(errno) => Known::Unknown(reason(errno)),
    }
}

fn read_pressure(protocol: MemoryProtocol, version: IpVersion) -> Known<bool> {
    let name = match (protocol, version) {
        (MemoryProtocol::Tcp, IpVersion::V4) => "TCP",
        (MemoryProtocol::Udp, IpVersion::V4) => "UDP",
        _ => return Known::Unknown(Reason::NotInSource),
    };
    match proc::read_file("/proc/net/protocols") {
        Ok(content) => match decode_pressure(&content, name) {
            Some(pressed) => Known::Known(pressed),
            None => Known::Unknown(Reason::NotSupported),
        },
        Err(errno) => Known::Unknown(reason(errno)),
    }
}

/// Asks `sock_diag` for the memory of every socket of one protocol and IP version.
pub fn read_sockets(version: IpVersion, protocol: u8) -> Result<Vec<Measured>, DumpError> {
    let dump = Dump::request(version, protocol, extension(INET_DIAG_SKMEMINFO))
        .map_err(DumpError::Refused)?;
    let mut sockets = Vec::new();
    dump.read(|step| {
        if let Step::Message(payload) = step {
            sockets.extend(measure(payload));
        }
    })?;
    Ok(sockets)
}

/// Sockets that are no sockets any more (`TIME_WAIT`) have no memory attribute and do not count.
fn measure(payload: &[u8]) -> Option<Measured> {
    let memory = decode_skmeminfo(find_attribute(payload, INET_DIAG_SKMEMINFO)?)?;
    let socket = decode_inet_diag(payload)?;
    let inode = socket.inode();
    Some(Measured { inode, memory })
}

/// Sums up sockets by process, those without one by reason; the largest sums come first.
pub fn sum_holders(sockets: &[Measured], owners: &Owners) -> Vec<MemoryHolder> {
    let mut by_process: FxHashMap<Result<Pid, Reason>, MemoryHolder> = FxHashMap::default();
    for socket in sockets {
        let owner = owners.owner(socket.inode);
        let key = match owner {
            Known::Known(owner) => Ok(owner.pid),
            Known::Unknown(reason) => Err(reason),
        };
        let holder = by_process.entry(key).or_insert_with(|| empty_holder(owner));
        holder.sockets += 1;
        holder.rx_bytes += socket.memory.rx_bytes();
        holder.tx_bytes += socket.memory.tx_bytes();
        holder.reserve_bytes += socket.memory.reserve_bytes();
        holder.option_bytes += u64::from(socket.memory.optmem_bytes);
    }
    let mut holders: Vec<MemoryHolder> = by_process.into_values().collect();
    holders.sort_by_key(|holder| {
        let place = match &holder.owner {
            Known::Known(owner) => (0, owner.pid.0, ""),
            Known::Unknown(reason) => (1, 0, reason.word()),
        };
        (std::cmp::Reverse(holder.total_bytes()), place)
    });
    holders
}

fn empty_holder(owner: Known<&Owner>) -> MemoryHolder {
    MemoryHolder {
        owner: map(owner, Owner::clone),
        sockets: 0,
        rx_bytes: 0,
        tx_bytes: 0,
        reserve_bytes: 0,
        option_bytes: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_without_a_process_are_summed_by_reason() {
        let socket = |inode, rmem| Measured {
            inode,
            memory: SocketMemory {
                rmem_alloc_bytes: rmem,
                ..SocketMemory::default()
            },
        };
        let sockets = [
            socket(Known::Known(Inode(5)), 10),
            socket(Known::Unknown(Reason::ConnectionRequest), 7),
            socket(Known::Known(Inode(6)), 20),
        ];
        let mut owners = Owners::default();
        owners.proc_readable = true;
        let holders = sum_holders(&sockets, &owners);
        let short: Vec<_> = holders
            .iter()
            .map(|h| (h.owner.reason(), h.sockets))
            .collect();
        assert_eq!(
            short,
            [
                (Some(Reason::NoHolder), 2),
                (Some(Reason::ConnectionRequest), 1)
            ]
        );
        assert_eq!(holders[0].total_bytes(), 30);
    }
}
