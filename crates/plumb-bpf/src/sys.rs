//! `bpf(2)`: the few commands that the light loader, iterators and pins need.
//!
//! Everything here is a thin, safe call: addresses the kernel is given are those of live buffers with
//! their lengths, and descriptors it gives are owned.

mod attr;
mod memory;

use std::ffi::{CStr, c_long};
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};

use rustix::io::Errno;

pub(crate) use memory::Shared;

/// Commands of `bpf(2)`.
const MAP_CREATE: c_long = 0;
const MAP_UPDATE_ELEM: c_long = 2;
const PROG_LOAD: c_long = 5;
const OBJ_PIN: c_long = 6;
const PROG_RUN: c_long = 10;
const OBJ_GET_INFO_BY_FD: c_long = 15;
const LINK_CREATE: c_long = 28;
const ITER_CREATE: c_long = 33;

/// `BPF_MAP_TYPE_ARRAY`.
const ARRAY: u32 = 2;
/// `BPF_PROG_TYPE_SYSCALL` (5.14).
const SYSCALL: u32 = 31;
/// `BPF_F_SLEEPABLE`.
const SLEEPABLE: u32 = 1 << 4;
/// `BPF_TRACE_ITER`.
const TRACE_ITER: u32 = 28;

/// Makes an array of one element that holds `data`.
pub(crate) fn array_of(data: &[u8]) -> Result<OwnedFd, Errno> {
    let map = fd(&mut attr::MapCreate {
        map_type: ARRAY,
        key_size: 4,
        value_size: u32::try_from(data.len()).map_err(|_| Errno::TOOBIG)?,
        max_entries: 1,
        ..attr::MapCreate::default()
    })?;
    let key = 0_u32;
    let mut update = attr::MapUpdate {
        map_fd: number(&map)?,
        key: address(&key),
        value: address(data),
        ..attr::MapUpdate::default()
    };
    bpf(&mut update)?;
    Ok(map)
}

/// Loads a program of type syscall that finds `map` as its first; gives the kernel's words where it
/// refuses.
pub(crate) fn load_syscall_program(
    instructions: &[u8],
    map: BorrowedFd<'_>,
) -> Result<OwnedFd, Errno> {
    const LICENSE: &CStr = c"Dual MIT/GPL";
    let maps = [map.as_raw_fd()];
    fd(&mut attr::ProgLoad {
        prog_type: SYSCALL,
        insn_cnt: u32::try_from(instructions.len() / 8).map_err(|_| Errno::TOOBIG)?,
        insns: address(instructions),
        license: address(LICENSE),
        prog_flags: SLEEPABLE,
        fd_array: address(&maps),
        ..attr::ProgLoad::default()
    })
}

/// Runs a program of type syscall on `context`, which it may change; gives its result.
///
/// # Safety
///
/// Addresses that the program reads from `context` are those of live buffers as long as it believes.
#[expect(unsafe_code, reason = "what the program does is up to its caller")]
pub(crate) unsafe fn run_syscall_program(
    program: BorrowedFd<'_>,
    context: &mut [u8],
) -> Result<i32, Errno> {
    let mut run = attr::ProgRun {
        prog_fd: u32::try_from(program.as_raw_fd()).map_err(|_| Errno::BADF)?,
        ctx_size_in: u32::try_from(context.len()).map_err(|_| Errno::TOOBIG)?,
        ctx_in: context.as_mut_ptr().expose_provenance() as u64,
        ..attr::ProgRun::default()
    };
    bpf(&mut run)?;
    Ok(run.retval.cast_signed())
}

/// Makes a link of an iterator program: it can be pinned, and opened any number of times.
pub(crate) fn link_iterator(program: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    fd(&mut attr::LinkCreate {
        prog_fd: u32::try_from(program.as_raw_fd()).map_err(|_| Errno::BADF)?,
        attach_type: TRACE_ITER,
        ..attr::LinkCreate::default()
    })
}

/// Makes a link of a program that iterates over a map.
pub(crate) fn link_iterator_over(
    program: BorrowedFd<'_>,
    map: BorrowedFd<'_>,
) -> Result<OwnedFd, Errno> {
    // `union bpf_iter_link_info`.
    let over = u32::try_from(map.as_raw_fd()).map_err(|_| Errno::BADF)?;
    fd(&mut attr::LinkCreate {
        prog_fd: u32::try_from(program.as_raw_fd()).map_err(|_| Errno::BADF)?,
        attach_type: TRACE_ITER,
        iter_info: address(&over),
        iter_info_len: 4,
        ..attr::LinkCreate::default()
    })
}

/// Opens a linked iterator: a file whose reading runs the program.
pub(crate) fn open_iterator(link: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    fd(&mut attr::IterCreate {
        link_fd: u32::try_from(link.as_raw_fd()).map_err(|_| Errno::BADF)?,
        flags: 0,
    })
}

/// Says how often the kernel did not run a program because it had interrupted it; `None` below 5.12.
pub(crate) fn recursion_misses(program: BorrowedFd<'_>) -> Result<Option<u64>, Errno> {
    /// Place of `recursion_misses` in `struct bpf_prog_info`, in words of 8 bytes.
    const PLACE: usize = 26;
    let mut info = [0_u64; PLACE + 1];
    let mut ask = attr::ObjInfo {
        bpf_fd: u32::try_from(program.as_raw_fd()).map_err(|_| Errno::BADF)?,
        info_len: u32::try_from(size_of_val(&info)).map_err(|_| Errno::TOOBIG)?,
        info: address_to_fill(&mut info),
    };
    bpf(&mut ask)?;
    let told = ask.info_len as usize >= size_of_val(&info);
    Ok(told.then_some(info[PLACE]))
}

/// Gives an object a name in a BPF file system.
pub(crate) fn pin(object: BorrowedFd<'_>, path: &CStr) -> Result<(), Errno> {
    bpf(&mut attr::Obj {
        pathname: address(path),
        bpf_fd: u32::try_from(object.as_raw_fd()).map_err(|_| Errno::BADF)?,
        file_flags: 0,
    })
    .map(drop)
}

/// Takes the descriptor that the kernel left in a context.
///
/// # Safety
///
/// The kernel has just opened it for us, and nobody else has taken it.
#[expect(unsafe_code, reason = "ownership of a number")]
pub(crate) unsafe fn take_fd(number: RawFd) -> Option<OwnedFd> {
    // SAFETY: the caller's promise; a number that is none is refused.
    (number > 0).then(|| unsafe { OwnedFd::from_raw_fd(number) })
}

fn fd<A: attr::Attr>(attr: &mut A) -> Result<OwnedFd, Errno> {
    let number = RawFd::try_from(bpf(attr)?).map_err(|_| Errno::BADF)?;
    #[expect(unsafe_code, reason = "ownership of a number")]
    // SAFETY: the command opened a descriptor, which is new and nobody else's.
    unsafe {
        Ok(OwnedFd::from_raw_fd(number))
    }
}

fn bpf<A: attr::Attr>(attr: &mut A) -> Result<c_long, Errno> {
    let size = c_long::try_from(size_of::<A>()).map_err(|_| Errno::TOOBIG)?;
    #[expect(unsafe_code, reason = "bpf(2) has no safe wrapper")]
    // SAFETY: `attr` is plain words of the layout its command has, as long as is said; the addresses
    // in it are made by `address` from buffers that live until the call is over, except for the
    // context of a program, of which its caller has promised the same.
    let result = unsafe { libc::syscall(libc::SYS_bpf, A::COMMAND, &raw mut *attr, size) };
    if result >= 0 {
        return Ok(result);
    }
    let error = std::io::Error::last_os_error();
    Err(Errno::from_io_error(&error).unwrap_or(Errno::IO))
}

fn number(fd: &OwnedFd) -> Result<u32, Errno> {
    u32::try_from(fd.as_raw_fd()).map_err(|_| Errno::BADF)
}

fn address_to_fill<T: ?Sized>(of: &mut T) -> u64 {
    (&raw mut *of).cast::<u8>().expose_provenance() as u64
}

fn address<T: ?Sized>(of: &T) -> u64 {
    (&raw const *of).cast::<u8>().expose_provenance() as u64
}
