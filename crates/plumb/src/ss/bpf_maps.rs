//! --bpf-maps and --bpf-map-id: the maps that are asked for, and the types of their values.

use std::collections::HashMap;
use std::os::fd::{AsRawFd as _, OwnedFd};

use plumb_collect::bpf_maps::{self, ValueTypes};
use plumb_model::btf::Storage;
use plumb_model::diag::inet::BpfStorage;
use plumb_wire::btf::decode_value;
use plumb_wire::netlink::bpf_storage::encode_bpf_maps;
use rustix::io::Errno;

use super::options::{self, Stop};
use crate::errno;

/// The maps of a run.
#[derive(Default)]
pub struct BpfMaps {
    /// What the kernel is asked, in place of a request for nothing.
    request: Option<Vec<u8>>,
    /// Maps that were named stay open: the request names them by descriptor.
    _open: Vec<OwnedFd>,
    /// Types by the map's id; `None` for maps that have none or do not tell.
    types: HashMap<u32, Option<ValueTypes>>,
}

impl BpfMaps {
    /// Opens the maps that are named on the command line.
    pub fn open(wanted: &options::BpfMaps) -> Result<Self, Stop> {
        let ids = match wanted {
            options::BpfMaps::None => return Ok(Self::default()),
            options::BpfMaps::All => &[][..],
            options::BpfMaps::Ids(ids) => ids,
        };
        let mut open = Vec::new();
        for &id in ids {
            open.push(bpf_maps::open(id).map_err(|error| refused(id, error))?);
        }
        let fds: Vec<u32> = open
            .iter()
            .filter_map(|fd| u32::try_from(fd.as_raw_fd()).ok())
            .collect();
        Ok(Self {
            request: Some(encode_bpf_maps(&fds)),
            _open: open,
            types: HashMap::new(),
        })
    }

    /// Gives the part of a request that asks for the storage of these maps.
    pub fn request(&self) -> Option<&[u8]> {
        self.request.as_deref()
    }

    /// Gives storages their types.
    pub fn typed<'a>(&'a mut self, storages: &[BpfStorage<'a>]) -> Vec<Storage<'a>> {
        for storage in storages {
            self.types
                .entry(storage.map_id)
                .or_insert_with(|| bpf_maps::read_value_types(storage.map_id).ok().flatten());
        }
        let types = &self.types;
        storages
            .iter()
            .map(|storage| Storage {
                map_id: storage.map_id,
                bytes: storage.value,
                typed: types
                    .get(&storage.map_id)
                    .and_then(Option::as_ref)
                    .and_then(|types| {
                        let value = decode_value(&types.btf, types.value, storage.value)?;
                        Some((&types.btf, value))
                    }),
            })
            .collect()
    }
}

/// The complaint about a map that cannot be opened.
fn refused(id: u32, error: Errno) -> Stop {
    let cause = match error {
        Errno::PERM => String::from(": missing root permissions, CAP_BPF, or CAP_SYS_ADMIN"),
        Errno::NOENT => String::new(),
        error => format!(": {}", errno::words(error)),
    };
    let text = format!("ss: cannot get fd for BPF map ID {id}{cause}\n");
    Stop::Complaint(text.into_bytes(), 1)
}
