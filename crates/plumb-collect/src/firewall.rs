//! The rules of this namespace's nftables that throw packets away. Needs CAP_NET_ADMIN.
//!
//! Rules of the older iptables (`iptables-legacy`) are not among them.

use plumb_model::firewall::Refuser;
use plumb_wire::netlink::nftables::{
    NEW_CHAIN, NEW_RULE, decode_dropping_chain, decode_hook, decode_refusing_rule, encode_chains,
    encode_rules,
};
use rustix::io::Errno;
use rustix::net::netlink;

use crate::sock_diag::{Dump, DumpError, Step};

/// Reads the chains whose policy is to drop, and the rules that drop or reject. A kernel without
/// nftables has none.
pub fn read_refusers() -> Result<Vec<Refuser>, DumpError> {
    let mut refusers = Vec::new();
    let mut hooks = Vec::new();
    dump(&encode_chains(), &[NEW_CHAIN], |row| {
        refusers.extend(decode_dropping_chain(row));
        hooks.extend(decode_hook(row));
    })?;
    dump(&encode_rules(), &[NEW_RULE], |row| {
        refusers.extend(decode_refusing_rule(row));
    })?;
    for rule in &mut refusers {
        let mut hooks = hooks.iter();
        let its = hooks.find(|(family, table, chain, _)| {
            (*family, table, chain) == (rule.family, &rule.table, &rule.chain)
        });
        rule.hook = its.map(|(.., hook)| *hook);
    }
    Ok(refusers)
}

fn dump(
    request: &[u8],
    rows: &'static [u16],
    mut each: impl FnMut(&[u8]),
) -> Result<(), DumpError> {
    let dump = match Dump::send_on(Some(netlink::NETFILTER), rows, request) {
        Ok(dump) => dump,
        Err(Errno::PROTONOSUPPORT) => return Ok(()),
        Err(errno) => return Err(DumpError::Refused(errno)),
    };
    let read = dump.read(|step| {
        if let Step::Message(row) = step {
            each(row);
        }
    });
    match read {
        // No nftables in this kernel.
        Ok(_) | Err(DumpError::Refused(Errno::INVAL | Errno::OPNOTSUPP)) => Ok(()),
        Err(error) => Err(error),
    }
}
