//! One reading of the interfaces of the network namespace this thread is in, with all that tells of their
//! traffic.
//!
//! Each source is asked for all interfaces at once. An interface that comes or goes between two sources
//! lacks what the later told; none of it is an error.

use plumb_model::Reason;
use plumb_model::finding::Gap;
use plumb_model::traffic::{Qdisc, Traffic};
use plumb_wire::netlink::rtnetlink::qdisc::{NEW_QDISC, decode_qdisc};
use plumb_wire::netlink::rtnetlink::{GET_QDISC, encode_dump};
use plumb_wire::proc::counters::{File, decode_softnet};
use rustix::io::Errno;

use crate::counters::boottime_us;
use crate::sock_diag::DumpError;
use crate::{ethtool, links, netns, proc, routing, rtnl};

const SOFTNET: File = File {
    group: "softnet",
    source: "/proc/net/softnet_stat",
};

/// Reads it. Fails when not even the interfaces can be listed; what else could not be read is in `gaps`.
pub fn read() -> Result<Traffic, DumpError> {
    let at_us = boottime_us();
    let links = links::read_links()?;
    let mut gaps = Vec::new();
    let addresses = or_gap(routing::dump_addresses(), "addresses", &mut gaps);
    let qdiscs = or_gap(read_qdiscs(), "queueing disciplines", &mut gaps);
    let speeds = match ethtool::read_speeds() {
        Ok(speeds) => speeds,
        // A kernel before 5.6, or one without ethtool's netlink: every speed is unknown.
        Err(DumpError::Refused(Errno::NOENT | Errno::OPNOTSUPP)) => Vec::new(),
        Err(error) => or_gap(Err(error), "speeds of links", &mut gaps),
    };
    let drivers = or_gap(
        ethtool::read_drivers(&links).map_err(DumpError::Refused),
        "statistics of drivers",
        &mut gaps,
    );
    let softnet = match proc::read_file(SOFTNET.source) {
        Ok(content) => decode_softnet(&content, SOFTNET),
        Err(errno) => or_gap(Err(DumpError::Refused(errno)), SOFTNET.source, &mut gaps),
    };
    Ok(Traffic {
        at_us,
        netns: netns::own().map(|netns| netns.id),
        links,
        addresses,
        qdiscs,
        speeds,
        drivers,
        softnet,
        gaps,
    })
}

/// Reads the queueing disciplines of all interfaces.
pub fn read_qdiscs() -> Result<Vec<Qdisc>, DumpError> {
    let mut qdiscs = Vec::new();
    rtnl::dump(&encode_dump(GET_QDISC, 0), &[NEW_QDISC], |row| {
        qdiscs.extend(decode_qdisc(row));
    })?;
    Ok(qdiscs)
}

fn or_gap<T>(read: Result<Vec<T>, DumpError>, what: &str, gaps: &mut Vec<Gap>) -> Vec<T> {
    read.unwrap_or_else(|error| {
        let reason = match error {
            DumpError::Refused(Errno::PERM | Errno::ACCESS) => Reason::PermissionDenied,
            _ => Reason::NotSupported,
        };
        gaps.push(Gap {
            what: format!("{what}: {error}"),
            reason,
        });
        Vec::new()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_tells_of_its_loopback() {
        let traffic = read().expect("everybody may list interfaces");
        assert!(traffic.gaps.is_empty(), "{:?}", traffic.gaps);
        let lo = traffic
            .links
            .iter()
            .find(|link| link.base.name == b"lo")
            .expect("lo");
        let is_its = |qdisc: &&Qdisc| qdisc.index == lo.base.index && qdisc.is_outermost();
        assert!(traffic.qdiscs.iter().any(|qdisc| is_its(&qdisc)));
        assert!(!traffic.softnet.is_empty());
    }
}
