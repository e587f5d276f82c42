//! What drivers tell of links in the network namespace this thread is in: speed over ethtool's netlink,
//! their own statistics over its ioctl.

use plumb_model::link::Link;
use plumb_model::traffic::{DriverStatistics, LinkSpeed};
use plumb_wire::netlink::ethtool::{
    GENL_ID_CTRL, decode_family, decode_speed, encode_family_request, encode_speeds_dump,
};
use rustix::io::Errno;
use rustix::net::netlink;

use crate::sock_diag::{Dump, DumpError, Step};
use crate::sys::ethtool::DriverSocket;

/// Reads the speeds of all links whose drivers know any. Fails with `Refused` where the kernel has no
/// such family.
pub fn read_speeds() -> Result<Vec<LinkSpeed>, DumpError> {
    let protocol = Some(netlink::GENERIC);
    let question = encode_family_request();
    let answer = Dump::send_on(protocol, &[GENL_ID_CTRL], &question)
        .and_then(Dump::read_one)
        .map_err(DumpError::Refused)?;
    let family = decode_family(&answer).ok_or(DumpError::Malformed)?;
    let mut speeds = Vec::new();
    Dump::send_on(protocol, &[family], &encode_speeds_dump(family))
        .map_err(DumpError::Refused)?
        .read(|step| {
            if let Step::Message(row) = step {
                speeds.extend(decode_speed(row));
            }
        })?;
    Ok(speeds)
}

/// Reads what the drivers of these interfaces count; those without numbers of their own are left out.
pub fn read_drivers(links: &[Link]) -> Result<Vec<DriverStatistics>, Errno> {
    let socket = DriverSocket::open()?;
    let read = |link: &Link| {
        // An interface that is gone by now has no numbers.
        let numbers = socket.statistics(&link.base.name).ok()?;
        let index = link.base.index;
        (!numbers.is_empty()).then_some(DriverStatistics { index, numbers })
    };
    Ok(links.iter().filter_map(read).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_name_interfaces_that_exist() {
        let links = crate::links::read_links().expect("everybody may list interfaces");
        match read_speeds() {
            Ok(speeds) => {
                for speed in speeds {
                    assert!(links.iter().any(|link| link.base.index == speed.index));
                }
            }
            // Before Linux 5.6 nobody tells.
            Err(error) => assert!(matches!(error, DumpError::Refused(_)), "{error}"),
        }
        let drivers = read_drivers(&links).expect("a socket can be opened");
        for driver in drivers {
            assert!(
                driver.numbers.iter().all(|(name, _)| !name.is_empty()),
                "{driver:?}"
            );
        }
    }
}
