//! Bytes that sockets other than TCP's moved, by socket.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use aya::Ebpf;
use aya::maps::HashMap;
use plumb_model::event::{Ends, Moved};
use plumb_model::id::{Cookie, NetnsId, Pid};
use plumb_model::snapshot::Kind;

/// The map.
const MAP: &str = "traffic";
/// Families, types of sockets and protocols (`sys/socket.h`, `netinet/in.h`).
const AF_UNIX: u16 = 1;
const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;
const STREAM: u8 = 1;
const DGRAM: u8 = 2;
const RAW: u8 = 3;
const SEQPACKET: u8 = 5;
const UDP: u8 = 17;

/// `struct moved`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
struct Record {
    sent: u64,
    received: u64,
    tgid: u32,
    netns: u32,
    family: u16,
    local_port: u16,
    peer_port: u16,
    kind: u8,
    protocol: u8,
    local: [u8; 16],
    peer: [u8; 16],
}

const _: () = assert!(size_of::<Record>() == 64);

#[expect(unsafe_code, reason = "aya asks that values of maps be plain")]
// SAFETY: whole numbers without padding: their sizes add up to the size asserted.
unsafe impl aya::Pod for Record {}

impl Record {
    fn moved(&self) -> Moved {
        Moved {
            sent_bytes: self.sent,
            received_bytes: self.received,
            owner: Some(Pid(self.tgid)).filter(|pid| pid.0 != 0),
            kind: self.kind(),
            netns: Some(NetnsId(self.netns.into())),
            ends: self.ends(),
        }
    }

    fn kind(&self) -> Option<Kind> {
        match (self.family, self.kind, self.protocol) {
            (AF_UNIX, STREAM, _) => Some(Kind::UnixStream),
            (AF_UNIX, DGRAM, _) => Some(Kind::UnixDgram),
            (AF_UNIX, SEQPACKET, _) => Some(Kind::UnixSeqpacket),
            (AF_INET | AF_INET6, DGRAM, UDP) => Some(Kind::Udp),
            (AF_INET | AF_INET6, RAW, _) => Some(Kind::Raw),
            _ => None,
        }
    }

    fn ends(&self) -> Option<Ends> {
        let ip = |bytes: [u8; 16]| -> Option<IpAddr> {
            let [a, b, c, d, ..] = bytes;
            match self.family {
                AF_INET => Some(Ipv4Addr::new(a, b, c, d).into()),
                AF_INET6 => Some(Ipv6Addr::from(bytes).into()),
                _ => None,
            }
        };
        Some(Ends {
            protocol: self.protocol,
            local: SocketAddr::new(ip(self.local)?, self.local_port),
            peer: SocketAddr::new(ip(self.peer)?, self.peer_port),
        })
    }
}

/// Reads the counts as they are now.
pub(super) fn read(object: &Ebpf) -> Vec<(Cookie, Moved)> {
    let Some(map) = object.map(MAP) else {
        return Vec::new();
    };
    let Ok(counts) = HashMap::<_, u64, Record>::try_from(map) else {
        return Vec::new();
    };
    counts
        .iter()
        .filter_map(Result::ok)
        .map(|(cookie, record)| (Cookie(cookie), record.moved()))
        .collect()
}

/// Makes room: of these sockets nothing is counted any more, or it begins at 0 again.
pub(super) fn forget(object: &mut Ebpf, cookies: impl Iterator<Item = Cookie>) {
    let Some(map) = object.map_mut(MAP) else {
        return;
    };
    let Ok(mut counts) = HashMap::<_, u64, Record>::try_from(map) else {
        return;
    };
    for cookie in cookies {
        // One that is not there any more needs no forgetting.
        let _ = counts.remove(&cookie.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_socket_is_follows_from_family_type_and_protocol() {
        let record = |family, kind, protocol| Record {
            sent: 1,
            received: 2,
            tgid: 0,
            netns: 3,
            family,
            local_port: 53,
            peer_port: 0,
            kind,
            protocol,
            local: [127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            peer: [0; 16],
        };
        let udp = record(AF_INET, DGRAM, UDP).moved();
        assert_eq!((udp.kind, udp.owner), (Some(Kind::Udp), None));
        let local = udp.ends.map(|ends| ends.local.to_string());
        assert_eq!(local.as_deref(), Some("127.0.0.1:53"));
        let unix = record(AF_UNIX, SEQPACKET, 0).moved();
        assert_eq!((unix.kind, unix.ends), (Some(Kind::UnixSeqpacket), None));
        // Netlink, MPTCP and pings are nobody's rows.
        for (family, kind, protocol) in [(16, RAW, 0), (AF_INET, STREAM, 6), (AF_INET, DGRAM, 1)] {
            assert_eq!(record(family, kind, protocol).moved().kind, None);
        }
    }
}
