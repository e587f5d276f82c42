//! M: each file missing in turn, all of them missing, all of them empty.

use std::io;

use super::whole::FILES;
use super::{State, whole};
use crate::frozen::ProcTree;

pub(super) fn each_file() -> io::Result<Vec<State>> {
    let mut states = vec![State::new("M everything missing", ProcTree::new()?)];
    for file in FILES {
        let tree = whole(8)?;
        tree.remove(file)?;
        states.push(State::new(&format!("M without {file}"), tree));
    }
    let empty = ProcTree::new()?;
    let ordinary = whole(8)?;
    for file in FILES {
        empty.file(file, "")?;
        if !file.starts_with("net/sctp") {
            continue;
        }
        ordinary.remove(file)?;
    }
    ordinary.remove("net/ipx/socket")?;
    ordinary.remove("net/ip_masquerade")?;
    states.push(State::new("M everything empty", empty));
    states.push(State::new("M as ordinary kernels", ordinary));
    Ok(states)
}
