//! The Kubernetes pod in a path of folders.
//!
//! With systemd a slice, whose name says the whole way and has `_` for every `-` of the uid:
//! `kubepods-burstable-podUID.slice`; without, a folder `podUID` below `kubepods`.

use plumb_model::attribution::Pod;

/// Gives the innermost pod.
pub(super) fn decode(folders: &[&[u8]]) -> Option<Pod> {
    (0..folders.len()).rev().find_map(|place| {
        let folder = folders.get(place)?;
        let outer = folders.get(..place)?;
        let uid = slice(folder).or_else(|| {
            let inside = outer.iter().any(|folder| folder.starts_with(b"kubepods"));
            let uid = folder.strip_prefix(b"pod").filter(|_| inside)?;
            Some(uid.to_vec())
        })?;
        is_uid(&uid).then_some(Pod {
            uid,
            name: None,
            namespace: None,
        })
    })
}

/// Also what is left of a slice where a runtime took systemd's path for one of its own
/// (`kubepods-podUID.slice:cri-containerd:ID`).
fn slice(folder: &[u8]) -> Option<Vec<u8>> {
    let folder = folder.split(|&b| b == b':').next()?;
    let name = folder.strip_suffix(b".slice")?;
    let contains = |part: &[u8]| name.windows(part.len()).rposition(|found| found == part);
    contains(b"kubepods")?;
    let at = contains(b"-pod")?;
    let uid = name.get(at + b"-pod".len()..)?;
    Some(
        uid.iter()
            .map(|&b| if b == b'_' { b'-' } else { b })
            .collect(),
    )
}

/// A UUID, or the 32 digits that stand for a pod from a file.
fn is_uid(text: &[u8]) -> bool {
    matches!(text.len(), 32 | 36) && text.iter().all(|&b| b.is_ascii_hexdigit() || b == b'-')
}
