//! `union bpf_attr`, command by command: the beginning of each, as far as it is filled.
//!
//! The kernel takes what is behind the end as zero. Padding is named, so that no byte is left over.

use std::ffi::c_long;

/// A command and its part of the union.
pub(super) trait Attr {
    /// `BPF_*` of `enum bpf_cmd`.
    const COMMAND: c_long;
}

#[repr(C)]
#[derive(Default)]
pub(super) struct MapCreate {
    pub map_type: u32,
    pub key_size: u32,
    pub value_size: u32,
    pub max_entries: u32,
    pub map_flags: u32,
}

impl Attr for MapCreate {
    const COMMAND: c_long = super::MAP_CREATE;
}

#[repr(C)]
#[derive(Default)]
pub(super) struct MapUpdate {
    pub map_fd: u32,
    pub padding: u32,
    pub key: u64,
    pub value: u64,
    pub flags: u64,
}

impl Attr for MapUpdate {
    const COMMAND: c_long = super::MAP_UPDATE_ELEM;
}

#[repr(C)]
#[derive(Default)]
pub(super) struct ProgLoad {
    pub prog_type: u32,
    pub insn_cnt: u32,
    pub insns: u64,
    pub license: u64,
    pub log_level: u32,
    pub log_size: u32,
    pub log_buf: u64,
    pub kern_version: u32,
    pub prog_flags: u32,
    pub prog_name: [u8; 16],
    pub prog_ifindex: u32,
    pub expected_attach_type: u32,
    pub prog_btf_fd: u32,
    pub func_info_rec_size: u32,
    pub func_info: u64,
    pub func_info_cnt: u32,
    pub line_info_rec_size: u32,
    pub line_info: u64,
    pub line_info_cnt: u32,
    pub attach_btf_id: u32,
    pub attach_fd: u32,
    pub core_relo_cnt: u32,
    pub fd_array: u64,
}

impl Attr for ProgLoad {
    const COMMAND: c_long = super::PROG_LOAD;
}

#[repr(C)]
#[derive(Default)]
pub(super) struct ProgRun {
    pub prog_fd: u32,
    pub retval: u32,
    pub data_size_in: u32,
    pub data_size_out: u32,
    pub data_in: u64,
    pub data_out: u64,
    pub repeat: u32,
    pub duration: u32,
    pub ctx_size_in: u32,
    pub ctx_size_out: u32,
    pub ctx_in: u64,
    pub ctx_out: u64,
}

impl Attr for ProgRun {
    const COMMAND: c_long = super::PROG_RUN;
}

#[repr(C)]
#[derive(Default)]
pub(super) struct ObjInfo {
    pub bpf_fd: u32,
    /// How much there is room for; then how much was told.
    pub info_len: u32,
    pub info: u64,
}

impl Attr for ObjInfo {
    const COMMAND: c_long = super::OBJ_GET_INFO_BY_FD;
}

#[repr(C)]
#[derive(Default)]
pub(super) struct LinkCreate {
    pub prog_fd: u32,
    pub target_fd: u32,
    pub attach_type: u32,
    pub flags: u32,
    /// What is iterated over, where the kind of iterator asks (5.9).
    pub iter_info: u64,
    pub iter_info_len: u32,
    pub reserved: u32,
}

impl Attr for LinkCreate {
    const COMMAND: c_long = super::LINK_CREATE;
}

#[repr(C)]
#[derive(Default)]
pub(super) struct IterCreate {
    pub link_fd: u32,
    pub flags: u32,
}

impl Attr for IterCreate {
    const COMMAND: c_long = super::ITER_CREATE;
}

#[repr(C)]
#[derive(Default)]
pub(super) struct Obj {
    pub pathname: u64,
    pub bpf_fd: u32,
    pub file_flags: u32,
}

impl Attr for Obj {
    const COMMAND: c_long = super::OBJ_PIN;
}
