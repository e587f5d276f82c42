//! G: multicast groups on several interfaces, with and without names.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::{State, whole};
use crate::differential::etc::Etc;
use crate::frozen::groups::{self, Interface};

pub(super) fn many() -> io::Result<Vec<State>> {
    let group6 = |last| Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00, last);
    let interfaces = [
        Interface {
            index: 1,
            name: "lo",
            v4: vec![(Ipv4Addr::new(224, 0, 0, 1), 1)],
            v6: vec![
                (Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1), 1),
                (group6(7), 12_345_678),
            ],
        },
        Interface {
            index: 4_194_304,
            name: "a-long-interfac",
            v4: vec![
                (Ipv4Addr::new(239, 255, 255, 250), 1_234_567),
                (Ipv4Addr::new(224, 0, 0, 1), 2),
            ],
            v6: vec![(group6(0xffff), 0)],
        },
        Interface {
            index: 3,
            name: "none",
            v4: Vec::new(),
            v6: Vec::new(),
        },
    ];
    let mut states = Vec::new();
    for (name, etc) in [("G groups", Etc::default()), ("G named groups", Etc::odd())] {
        let tree = whole(5)?;
        tree.file("net/igmp", groups::igmp(&interfaces))?;
        tree.file("net/igmp6", groups::igmp6(&interfaces))?;
        let mut state = State::new(name, tree);
        state.etc = etc;
        states.push(state);
    }
    Ok(states)
}
