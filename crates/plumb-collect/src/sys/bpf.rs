//! `bpf(2)`: descriptors of maps and types by their ids, and what the kernel says of them.
//!
//! Minimum kernel version: 4.18; ids need CAP_BPF (5.8) or CAP_SYS_ADMIN.

use std::ffi::c_long;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};

use rustix::io::Errno;

/// Commands of `bpf(2)`.
const MAP_GET_FD_BY_ID: c_long = 14;
const OBJ_GET_INFO_BY_FD: c_long = 15;
const BTF_GET_FD_BY_ID: c_long = 19;
/// More types than the kernel accepts (`BTF_MAX_SIZE`) are not asked for.
const BTF_BYTES: u32 = 16 << 20;

/// `union bpf_attr` of a command that names an object by its id.
#[repr(C)]
#[derive(Default)]
struct ById {
    id: u32,
    next_id: u32,
    open_flags: u32,
}

/// The beginning of `struct bpf_map_info`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MapInfo {
    /// `BPF_MAP_TYPE_*`.
    pub kind: u32,
    /// Its id.
    pub id: u32,
    /// Bytes of a key.
    pub key_size: u32,
    /// Bytes of a value.
    pub value_size: u32,
    max_entries: u32,
    map_flags: u32,
    name: [u8; 16],
    ifindex: u32,
    btf_vmlinux_value_type_id: u32,
    netns_dev: u64,
    netns_ino: u64,
    /// Id of its types; 0 for none.
    pub btf_id: u32,
    /// Type of a key.
    pub btf_key_type_id: u32,
    /// Type of a value; 0 for none.
    pub btf_value_type_id: u32,
    padding: u32,
}

/// `struct bpf_btf_info`.
#[repr(C)]
#[derive(Default)]
struct BtfInfo {
    btf: u64,
    btf_size: u32,
    id: u32,
    name: u64,
    name_len: u32,
    kernel_btf: u32,
}

/// Opens a map.
pub fn map_by_id(id: u32) -> Result<OwnedFd, Errno> {
    by_id(MAP_GET_FD_BY_ID, id)
}

/// Opens types.
pub fn btf_by_id(id: u32) -> Result<OwnedFd, Errno> {
    by_id(BTF_GET_FD_BY_ID, id)
}

fn by_id(command: c_long, id: u32) -> Result<OwnedFd, Errno> {
    let mut attr = ById {
        id,
        ..ById::default()
    };
    #[expect(unsafe_code, reason = "bpf(2) has no safe wrapper")]
    // SAFETY: `attr` is plain words, as long as is said, and holds no address; a descriptor that
    // comes back is new and nobody else's.
    unsafe {
        let fd = libc::syscall(
            libc::SYS_bpf,
            command,
            &raw mut attr,
            c_long::try_from(size_of::<ById>()).unwrap_or(0),
        );
        let fd = RawFd::try_from(checked(fd)?).map_err(|_| Errno::BADF)?;
        Ok(OwnedFd::from_raw_fd(fd))
    }
}

/// Says what a map is.
pub fn map_info(map: BorrowedFd<'_>) -> Result<MapInfo, Errno> {
    let mut info = MapInfo::default();
    #[expect(unsafe_code, reason = "the kernel fills the struct")]
    // SAFETY: the struct is plain words, and none of them is an address for the kernel.
    unsafe {
        info_of(map, &mut info)?;
    }
    Ok(info)
}

/// Reads types: a whole BTF object.
pub fn btf_bytes(btf: BorrowedFd<'_>) -> Result<Vec<u8>, Errno> {
    let mut info = BtfInfo::default();
    #[expect(unsafe_code, reason = "the kernel fills the struct")]
    // SAFETY: the kernel is given no address and no length: it writes nothing but the struct.
    unsafe {
        info_of(btf, &mut info)?;
    }
    if info.btf_size > BTF_BYTES {
        return Err(Errno::FBIG);
    }
    let len = usize::try_from(info.btf_size).map_err(|_| Errno::FBIG)?;
    let mut bytes = vec![0_u8; len];
    let mut info = BtfInfo {
        btf: bytes.as_mut_ptr().expose_provenance() as u64,
        btf_size: info.btf_size,
        ..BtfInfo::default()
    };
    #[expect(unsafe_code, reason = "the kernel fills the struct and the buffer")]
    // SAFETY: `btf` is the address of a live buffer of `btf_size` bytes, and no name is asked for.
    unsafe {
        info_of(btf, &mut info)?;
    }
    Ok(bytes)
}

/// `union bpf_attr` of `BPF_OBJ_GET_INFO_BY_FD`.
#[repr(C)]
struct InfoByFd {
    fd: u32,
    info_len: u32,
    info: u64,
}

/// Asks the kernel to fill `info` with what it knows of an object.
///
/// # Safety
///
/// `T` is plain words without padding, of the layout the kernel has for the object. Addresses in
/// it are those of live buffers with the lengths beside them.
#[expect(unsafe_code, reason = "bpf(2) has no safe wrapper")]
unsafe fn info_of<T>(object: BorrowedFd<'_>, info: &mut T) -> Result<(), Errno> {
    let mut attr = InfoByFd {
        fd: u32::try_from(object.as_raw_fd()).map_err(|_| Errno::BADF)?,
        info_len: u32::try_from(size_of::<T>()).map_err(|_| Errno::INVAL)?,
        info: (&raw mut *info).expose_provenance() as u64,
    };
    // SAFETY: `attr` is as long as is said and points to `info_len` bytes of a live struct; what
    // that points to is the caller's promise.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            OBJ_GET_INFO_BY_FD,
            &raw mut attr,
            c_long::try_from(size_of::<InfoByFd>()).unwrap_or(0),
        )
    };
    checked(result).map(drop)
}

fn checked(result: c_long) -> Result<c_long, Errno> {
    if result >= 0 {
        return Ok(result);
    }
    let error = std::io::Error::last_os_error();
    Err(Errno::from_io_error(&error).unwrap_or(Errno::IO))
}
