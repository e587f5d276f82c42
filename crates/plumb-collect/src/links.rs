//! Interfaces of the network namespace this thread is in, with their counters, as rtnetlink tells.

use plumb_model::link::Link;
use plumb_wire::netlink::rtnetlink::link::NEW_LINK;
use plumb_wire::netlink::rtnetlink::link_details::decode_link_details;
use plumb_wire::netlink::rtnetlink::{GET_LINK, encode_dump};

use crate::rtnl;
use crate::sock_diag::DumpError;

/// Reads the interfaces, in the order of their indices.
pub fn read_links() -> Result<Vec<Link>, DumpError> {
    let mut links = Vec::new();
    rtnl::dump(&encode_dump(GET_LINK, 0), &[NEW_LINK], |row| {
        links.extend(decode_link_details(row));
    })?;
    // An interface that changes while the table is read may come twice; the later row is the newer.
    links.reverse();
    links.sort_by_key(|link: &Link| link.base.index);
    links.dedup_by_key(|link| link.base.index);
    Ok(links)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_listed_with_its_counters() {
        let links = read_links().expect("everybody may list interfaces");
        let lo = links.iter().find(|link| link.base.name == b"lo");
        let lo = lo.expect("every namespace has one");
        assert!(lo.base.is_loopback());
        let statistics = lo.statistics.clone().ok().expect("they are told");
        assert!(statistics.values.len() >= 23, "{statistics:?}");
        assert_eq!(statistics.get("rx_bytes"), statistics.get("tx_bytes"));
    }
}
