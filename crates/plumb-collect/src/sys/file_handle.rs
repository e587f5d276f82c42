//! File handles of eight bytes: what cgroup2 calls the id of a cgroup.
//!
//! `name_to_handle_at(2)` and `open_by_handle_at(2)`. Minimum kernel version: 2.6.39; cgroup2 gives
//! handles since 4.15.

use std::ffi::{CStr, c_int, c_uint};
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};

use rustix::io::Errno;

/// Bytes of an id.
const ID_BYTES: c_uint = 8;
/// `FILEID_INO32_GEN`, which cgroup2 accepts with any 64-bit id.
const HANDLE_TYPE: c_int = 1;

/// `struct file_handle` with room for one id.
#[repr(C)]
struct Handle {
    bytes: c_uint,
    kind: c_int,
    id: [u8; 8],
}

/// Gives the id of a file; `None` when its handle is shorter than an id, `EOVERFLOW` when longer.
pub fn id_of(base: BorrowedFd<'_>, path: &CStr) -> Result<Option<u64>, Errno> {
    let mut handle = Handle {
        bytes: ID_BYTES,
        kind: 0,
        id: [0; 8],
    };
    let mut mount_id: c_int = 0;
    #[expect(unsafe_code, reason = "name_to_handle_at has no safe wrapper")]
    // SAFETY: `handle` is laid out as `struct file_handle` with the eight bytes behind it that
    // `bytes` promises; path and mount id are live.
    let status = unsafe {
        libc::name_to_handle_at(
            base.as_raw_fd(),
            path.as_ptr(),
            (&raw mut handle).cast(),
            &raw mut mount_id,
            0,
        )
    };
    check(status)?;
    Ok((handle.bytes == ID_BYTES).then(|| u64::from_ne_bytes(handle.id)))
}

/// Opens the file of an id in the file system that `mount` is open in; needs
/// CAP_DAC_READ_SEARCH.
pub fn open_by_id(mount: BorrowedFd<'_>, id: u64) -> Result<OwnedFd, Errno> {
    let mut handle = Handle {
        bytes: ID_BYTES,
        kind: HANDLE_TYPE,
        id: id.to_ne_bytes(),
    };
    #[expect(unsafe_code, reason = "open_by_handle_at has no safe wrapper")]
    // SAFETY: `handle` is laid out as `struct file_handle` with as many bytes behind it as it says;
    // a descriptor that comes back is new and nobody else's.
    unsafe {
        let fd = libc::open_by_handle_at(
            mount.as_raw_fd(),
            (&raw mut handle).cast(),
            libc::O_RDONLY | libc::O_CLOEXEC,
        );
        check(fd)?;
        Ok(OwnedFd::from_raw_fd(fd))
    }
}

fn check(status: c_int) -> Result<(), Errno> {
    if status >= 0 {
        return Ok(());
    }
    let error = std::io::Error::last_os_error();
    Err(Errno::from_io_error(&error).unwrap_or(Errno::IO))
}
