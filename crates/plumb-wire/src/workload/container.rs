//! The container in a path of folders.
//!
//! Runtimes that speak to systemd make a scope, `RUNTIME-ID.scope`; those that make cgroups themselves
//! a folder named by the id below one of theirs. What watches over a container (`conmon`, monitors,
//! supervisors) is not in it.

use plumb_model::attribution::Container;

use super::unit::unescape_hex;

/// Digits of an id of Docker, Podman, containerd and CRI-O.
const ID_DIGITS: usize = 64;
/// Longest name of a container that is its own id.
const NAME_BYTES: usize = 253;

/// What scopes and folders begin with, and whose they are.
const PREFIXES: [(&[u8], &str); 7] = [
    (b"docker-", "docker"),
    (b"libpod-payload-", "podman"),
    (b"libpod-", "podman"),
    (b"cri-containerd-", "containerd"),
    (b"containerd-", "containerd"),
    (b"nerdctl-", "containerd"),
    (b"crio-", "cri-o"),
];

/// Gives the innermost container.
pub(super) fn decode(folders: &[&[u8]]) -> Option<Container> {
    (0..folders.len()).rev().find_map(|place| {
        let folder = folders.get(place)?;
        let outer = folders.get(..place)?;
        let inner = folders.get(place + 1).copied();
        prefixed(folder)
            .or_else(|| bare(folder, outer))
            .or_else(|| lxc(folder, outer))
            .or_else(|| nspawn(folder, inner))
    })
}

/// `docker-ID.scope`, `crio-ID`, and what containerd makes of a path of systemd's it was given without
/// speaking to systemd: `PARENT.slice:cri-containerd:ID`.
fn prefixed(folder: &[u8]) -> Option<Container> {
    let name = folder.strip_suffix(b".scope").unwrap_or(folder);
    let mut words = name.rsplitn(3, |&b| b == b':');
    let joined = match (words.next(), words.next(), words.next()) {
        (Some(id), Some(prefix), Some(_)) => [prefix, b"-", id].concat(),
        _ => name.to_vec(),
    };
    PREFIXES.iter().find_map(|&(prefix, runtime)| {
        let id = joined.strip_prefix(prefix)?;
        is_id(id).then(|| Container {
            runtime,
            id: id.to_vec(),
            name: None,
        })
    })
}

/// A folder that is nothing but an id.
fn bare(folder: &[u8], outer: &[&[u8]]) -> Option<Container> {
    let runtime = match outer.last() {
        Some(&b"docker") => "docker",
        _ => "oci",
    };
    is_id(folder).then(|| Container {
        runtime,
        id: folder.to_vec(),
        name: None,
    })
}

/// `lxc.payload.NAME`; older: `lxc.payload/NAME`, `lxc/NAME`.
fn lxc(folder: &[u8], outer: &[&[u8]]) -> Option<Container> {
    let name = match folder.strip_prefix(b"lxc.payload.") {
        Some(name) => name,
        None if matches!(outer.last(), Some(&(b"lxc" | b"lxc.payload"))) => folder,
        None => return None,
    };
    named("lxc", name.to_vec())
}

/// `systemd-nspawn@NAME.service` and `machine-NAME.scope`. Virtual machines register as
/// `machine-qemu…`, and nspawn keeps a process of its own in `supervisor`.
fn nspawn(folder: &[u8], inner: Option<&[u8]>) -> Option<Container> {
    if inner == Some(b"supervisor") {
        return None;
    }
    let service = folder
        .strip_prefix(b"systemd-nspawn@")
        .and_then(|rest| rest.strip_suffix(b".service"));
    if let Some(name) = service {
        return named("nspawn", unescape_hex(name));
    }
    let scope = folder.strip_prefix(b"machine-")?.strip_suffix(b".scope")?;
    let name = unescape_hex(scope);
    if name.starts_with(b"qemu-") {
        return None;
    }
    match name.strip_prefix(b"lxc-") {
        // libvirt puts a number before the name.
        Some(numbered) => {
            let at = numbered.iter().position(|&b| b == b'-')?;
            named("lxc", numbered.get(at + 1..)?.to_vec())
        }
        None => named("nspawn", name),
    }
}

fn named(runtime: &'static str, name: Vec<u8>) -> Option<Container> {
    (!name.is_empty() && name.len() <= NAME_BYTES).then(|| Container {
        runtime,
        id: name.clone(),
        name: Some(name),
    })
}

fn is_id(text: &[u8]) -> bool {
    let is_digit = |b: &u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    text.len() == ID_DIGITS && text.iter().all(is_digit)
}
