//! The owners of a snapshot's sockets, by one walk over the descriptors of all processes.

use std::collections::BTreeMap;
use std::path::Path;

use plumb_model::attribution::{Attribution, Holding, How, Process};
use plumb_model::snapshot::Snapshot;
use plumb_model::{Known, Pid, Reason};

use crate::holders::{Detail, Holders};

/// Looks the owners of every socket up.
pub(super) fn attribute(snapshot: &mut Snapshot) {
    let holders = Holders::collect(Path::new("/proc"), Detail::default());
    let mut processes: BTreeMap<u32, Vec<u8>> = BTreeMap::new();
    let mut found: Vec<Result<Vec<(u32, i32)>, Reason>> = Vec::new();
    for socket in &snapshot.sockets {
        found.push(match socket.inode {
            Known::Unknown(reason) => Err(reason),
            Known::Known(inode) => {
                let mut held: Vec<(u32, i32)> = Vec::new();
                for holder in holders.of(inode.0) {
                    let pid = holder.pid.cast_unsigned();
                    processes.entry(pid).or_insert_with(|| holder.name.to_vec());
                    held.push((pid, holder.fd));
                }
                held.sort_unstable();
                if held.is_empty() && holders.is_incomplete {
                    Err(Reason::PermissionDenied)
                } else {
                    Ok(held)
                }
            }
        });
    }
    let places: BTreeMap<u32, u32> = processes.keys().copied().zip(0..).collect();
    let mut owners = Attribution::new(processes.into_iter().map(process).collect());
    for held in found {
        let (held, reason) = match held {
            Ok(held) => (held, Reason::NoHolder),
            Err(reason) => (Vec::new(), reason),
        };
        let holdings = held.into_iter().filter_map(|(pid, fd)| {
            Some(Holding {
                process: *places.get(&pid)?,
                how: How::Descriptor(fd),
            })
        });
        owners.push(holdings, reason);
    }
    snapshot.owners = owners;
}

fn process((pid, comm): (u32, Vec<u8>)) -> Process {
    Process {
        comm,
        ..Process::unknown(Pid(pid), Reason::NotInSource)
    }
}
