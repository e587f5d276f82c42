//! From the path of a cgroup to what runs in it: systemd unit, container, pod.
//!
//! Only patterns that service managers and container runtimes are known to make; names come from
//! elsewhere. What is innermost counts: a container in a container is the inner one, a unit of a user's
//! manager is the user's. Nobody vouches for a path: who may make cgroups may call them as they like.

mod container;
mod pod;
mod unit;

use plumb_model::attribution::Workload;

/// Decodes a path as `/proc/PID/cgroup` gives it.
///
/// ```
/// use plumb_wire::workload::decode_workload;
///
/// let workload = decode_workload(b"/system.slice/nginx.service");
/// assert_eq!(workload.unit.as_deref(), Some(&b"nginx.service"[..]));
/// assert_eq!(workload.container, None);
/// ```
pub fn decode_workload(path: &[u8]) -> Workload {
    let folders: Vec<&[u8]> = path
        .split(|&b| b == b'/')
        .filter(|folder| !folder.is_empty() && *folder != b"..")
        .collect();
    Workload {
        unit: unit::decode(&folders).map(<[u8]>::to_vec),
        container: container::decode(&folders),
        pod: pod::decode(&folders),
    }
}

/// Gives the user in whose slice a path lies (`user-1000.slice`).
pub fn decode_slice_user(path: &[u8]) -> Option<u32> {
    path.split(|&b| b == b'/').find_map(|folder| {
        let digits = folder.strip_prefix(b"user-")?.strip_suffix(b".slice")?;
        std::str::from_utf8(digits).ok()?.parse().ok()
    })
}

#[cfg(test)]
mod tests;
