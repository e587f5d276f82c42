//! Interfaces of the network namespace this thread is in, as rtnetlink tells.

use plumb_model::link::{Link, LinkAddress};
use plumb_wire::netlink::rt_link::{
    RTM_NEWADDR, RTM_NEWLINK, decode_link, decode_link_address, encode_addresses_dump,
    encode_links_dump,
};

use crate::rtnl;
use crate::sock_diag::DumpError;

/// Reads the interfaces, in the order of their indices.
pub fn read_links() -> Result<Vec<Link>, DumpError> {
    let mut links = Vec::new();
    rtnl::dump(&encode_links_dump(), &[RTM_NEWLINK], |row| {
        links.extend(decode_link(row));
    })?;
    // An interface that changes while the table is read may come twice; the later row is the newer.
    links.reverse();
    links.sort_by_key(|link: &Link| link.index);
    links.dedup_by_key(|link| link.index);
    Ok(links)
}

/// Reads the addresses of all interfaces, in the kernel's order.
pub fn read_addresses() -> Result<Vec<LinkAddress>, DumpError> {
    let mut addresses = Vec::new();
    rtnl::dump(&encode_addresses_dump(), &[RTM_NEWADDR], |row| {
        addresses.extend(decode_link_address(row));
    })?;
    Ok(addresses)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_listed_with_its_counters_and_address() {
        let links = read_links().expect("everybody may list interfaces");
        let lo = links.iter().find(|link| link.name == b"lo").expect("lo");
        assert!(lo.has(Link::LOOPBACK));
        let statistics = lo.statistics.clone().ok().expect("they are told");
        assert!(statistics.values.len() >= 23, "{statistics:?}");
        assert_eq!(statistics.get("rx_bytes"), statistics.get("tx_bytes"));
        let addresses = read_addresses().expect("everybody may list addresses");
        if lo.has(Link::UP) {
            assert!(addresses.iter().any(|address| address.index == lo.index));
        }
    }
}
