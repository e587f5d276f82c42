//! The operands of `dev`, `fwmark` and `cgroup`.

use crate::c_number::{percent_i, percent_u, unsigned};
use crate::{Kind, Resolve};

/// Reads an interface: its name, `ifN` of one that has no name, or its index.
pub(crate) fn device(text: &[u8], resolve: &mut dyn Resolve) -> Result<u32, Kind> {
    named_device(text, resolve)
        .or_else(|| unsigned(text))
        .ok_or_else(|| Kind::Device(text.to_vec()))
}

/// Reads an interface by its name, or `ifN`; what follows that number does not count.
pub(crate) fn named_device(text: &[u8], resolve: &mut dyn Resolve) -> Option<u32> {
    let unnamed = || text.strip_prefix(b"if").and_then(percent_u);
    resolve
        .interface(text)
        .or_else(unnamed)
        .filter(|index| *index != 0)
}

/// Reads `VALUE` or `VALUE/MASK` as `(value, mask)`. What follows the numbers does not count.
pub(crate) fn mark(text: &[u8]) -> Result<(u32, u32), Kind> {
    let both = || {
        let (value, len) = percent_i(text)?;
        if !text.contains(&b'/') {
            return Some((value, u32::MAX));
        }
        let mask = text.get(len..)?.strip_prefix(b"/")?;
        Some((value, percent_i(mask)?.0))
    };
    both().ok_or_else(|| Kind::Mark(text.to_vec()))
}

/// Reads the path of a cgroup as its id.
pub(crate) fn cgroup(text: &[u8], resolve: &mut dyn Resolve) -> Result<u64, Kind> {
    match resolve.cgroup(text) {
        Ok(id) if resolve.cgroup_filter_supported() => Ok(id),
        Ok(_) => Err(Kind::CgroupUnsupported),
        Err(cause) => Err(Kind::Cgroup {
            path: text.to_vec(),
            cause,
        }),
    }
}
