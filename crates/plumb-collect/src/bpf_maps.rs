//! BPF maps by their ids: open descriptors, and the types of their values.
//!
//! Minimum kernel version: 4.18 for types; without them a map has none.

use std::os::fd::{AsFd as _, OwnedFd};

use plumb_model::btf::Btf;
use plumb_wire::btf::decode_btf;
use rustix::io::Errno;

use crate::sys::bpf;

/// The types of a map's values.
#[derive(Debug)]
pub struct ValueTypes {
    /// All types of the program that made the map.
    pub btf: Btf,
    /// Id of the value's type.
    pub value: u32,
}

/// Opens a map, which needs CAP_BPF or CAP_SYS_ADMIN.
pub fn open(id: u32) -> Result<OwnedFd, Errno> {
    bpf::map_by_id(id)
}

/// Reads the types of a map's values; `None` when it was made without any.
pub fn read_value_types(id: u32) -> Result<Option<ValueTypes>, Errno> {
    let map = bpf::map_by_id(id)?;
    let info = bpf::map_info(map.as_fd())?;
    if info.btf_id == 0 || info.btf_value_type_id == 0 {
        return Ok(None);
    }
    let btf = bpf::btf_by_id(info.btf_id)?;
    let bytes = bpf::btf_bytes(btf.as_fd())?;
    Ok(decode_btf(&bytes).map(|btf| ValueTypes {
        btf,
        value: info.btf_value_type_id,
    }))
}
