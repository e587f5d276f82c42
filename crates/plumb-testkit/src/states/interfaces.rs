//! I: `/proc/net/dev` with the largest counters, and with interfaces that have vanished.

use std::io;
use std::net::Ipv6Addr;

use super::State;
use crate::frozen::{ProcTree, devices};

pub(super) fn every_counter() -> io::Result<Vec<State>> {
    let rising: [u64; 16] = std::array::from_fn(|at| 10_u64.pow(u32::try_from(at).unwrap_or(0)));
    let sizes = [
        0,
        1,
        1023,
        1024,
        1025,
        12_345_678_901_234,
        u64::MAX,
        u64::MAX >> 1,
    ];
    let mut states = Vec::new();
    for (name, counters) in [
        ("I zero", [0; 16]),
        ("I rising", rising),
        ("I largest", [u64::MAX; 16]),
    ] {
        states.push(State::new(name, tree(&[("lo", counters)])?));
    }
    for size in sizes {
        let mut counters = [size; 16];
        counters[1] = size / 2;
        states.push(State::new(&format!("I {size}"), tree(&[("lo", counters)])?));
    }
    let vanished = [("eth0", rising), ("lo", [0; 16]), ("zz9", rising)];
    states.push(State::new("I vanished", tree(&vanished)?));
    let last = [("lo", [0; 16]), ("zz9", rising)];
    states.push(State::new("I last one vanished", tree(&last)?));
    states.push(State::new("I no interface listed", tree(&[])?));
    Ok(states)
}

fn tree(interfaces: &[(&str, [u64; 16])]) -> io::Result<ProcTree> {
    let tree = ProcTree::new()?;
    tree.file("net/dev", devices::dev(interfaces))?;
    let scopes = [0x00, 0x10, 0x20, 0x40, 0x80, 0x90];
    let addresses = scopes.map(|scope| {
        let last = u16::from(scope);
        let address = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 1, last);
        devices::if_inet6(address, 1, 64, scope, "lo")
    });
    tree.file("net/if_inet6", addresses.concat())?;
    Ok(tree)
}
