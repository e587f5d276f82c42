//! perf events: one of a tracepoint of a system call, with a program on it, and rings of records.
//!
//! The tracepoint's number is in tracefs. Where nobody has mounted it, it is opened without a mount point, so
//! that nothing on the machine changes. Minimum kernel version: 4.7; 5.2 for the unmounted tracefs.

use std::ffi::{c_int, c_ulong};
use std::io::{self, Read as _};
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{Mode, OFlags};
use rustix::mm::{MapFlags, ProtFlags};
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags};

/// Where tracefs is mounted usually.
const MOUNTED: [&str; 2] = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];

/// `PERF_TYPE_TRACEPOINT`.
const TRACEPOINT: u32 = 2;
/// `PERF_SAMPLE_RAW`.
const SAMPLE_RAW: u64 = 1 << 10;
/// `PERF_FLAG_FD_CLOEXEC`.
const CLOSE_ON_EXEC: c_ulong = 8;
/// `PERF_EVENT_IOC_SET_BPF`.
const SET_PROGRAM: c_ulong = 0x4004_2408;
/// `PERF_EVENT_IOC_ENABLE`.
const ENABLE: c_ulong = 0x2400;

/// An event with a program on it, until dropped.
#[derive(Debug)]
pub(super) struct Attached {
    _event: OwnedFd,
}

/// Attaches `program` to the tracepoint `category/name`.
pub(super) fn attach(program: BorrowedFd<'_>, category: &str, name: &str) -> io::Result<Attached> {
    let attributes = Attributes {
        kind: TRACEPOINT,
        config: id(category, name)?,
        sample_period: 1,
        sample_type: SAMPLE_RAW,
        wakeup_events: 1,
        ..Attributes::default()
    };
    // Whichever processor an event of a tracepoint names, a program on it runs on all.
    let event = open(&attributes, Watched::All, 0)?;
    control(&event, SET_PROGRAM, program.as_raw_fd())?;
    control(&event, ENABLE, 0)?;
    Ok(Attached { _event: event })
}

/// Reads the number of a tracepoint.
fn id(category: &str, name: &str) -> io::Result<u64> {
    let path = format!("events/{category}/{name}/id");
    let mounted = MOUNTED
        .iter()
        .find_map(|root| std::fs::read_to_string(format!("{root}/{path}")).ok());
    let text = match mounted {
        Some(text) => text,
        None => read_unmounted(&path)?,
    };
    let number = text.trim().parse();
    number.map_err(|_| io::Error::other(format!("{path}: not a number")))
}

fn read_unmounted(path: &str) -> io::Result<String> {
    let say = |errno: rustix::io::Errno| {
        io::Error::new(errno.kind(), format!("tracefs is not mounted: {errno}"))
    };
    let context = rustix::mount::fsopen("tracefs", FsOpenFlags::FSOPEN_CLOEXEC).map_err(say)?;
    rustix::mount::fsconfig_create(context.as_fd()).map_err(say)?;
    let flags = FsMountFlags::FSMOUNT_CLOEXEC;
    let root =
        rustix::mount::fsmount(context.as_fd(), flags, MountAttrFlags::empty()).map_err(say)?;
    let file = rustix::fs::openat(&root, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let mut text = String::new();
    std::fs::File::from(file).read_to_string(&mut text)?;
    Ok(text)
}

/// Whose events.
#[derive(Debug, Clone, Copy)]
pub(super) enum Watched {
    /// Everybody's.
    All,
    /// Those of a process.
    Process(u32),
}

/// `struct perf_event_attr` as far as it is used (`PERF_ATTR_SIZE_VER0`).
#[repr(C)]
pub(super) struct Attributes {
    kind: u32,
    size: u32,
    config: u64,
    sample_period: u64,
    sample_type: u64,
    read_format: u64,
    flags: u64,
    wakeup_events: u32,
    breakpoint_type: u32,
    breakpoint_address: u64,
}

impl Default for Attributes {
    fn default() -> Self {
        Self {
            kind: 0,
            size: 64,
            config: 0,
            sample_period: 0,
            sample_type: 0,
            read_format: 0,
            flags: 0,
            wakeup_events: 0,
            breakpoint_type: 0,
            breakpoint_address: 0,
        }
    }
}

impl Attributes {
    /// An event that is there for the records its flags ask for.
    pub(super) fn of_records(kind: u32, config: u64, flags: u64) -> Self {
        Self {
            kind,
            config,
            flags,
            ..Self::default()
        }
    }

    /// The same, with more told in each record (`PERF_SAMPLE_…`).
    pub(super) fn with_samples(self, sample_type: u64) -> Self {
        Self {
            sample_type,
            ..self
        }
    }
}

/// Gives the processors that are online.
pub(super) fn processors() -> io::Result<Vec<c_int>> {
    let text = std::fs::read_to_string("/sys/devices/system/cpu/online")?;
    let mut processors = Vec::new();
    for range in text.trim().split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (c_int, c_int) = match (first.parse(), last.parse()) {
            (Ok(first), Ok(last)) => (first, last),
            _ => return Err(io::Error::other(format!("processors {range}"))),
        };
        processors.extend(first..=last);
    }
    Ok(processors)
}

/// Opens an event on one processor.
pub(super) fn open(
    attributes: &Attributes,
    watched: Watched,
    processor: c_int,
) -> io::Result<OwnedFd> {
    let process = match watched {
        Watched::All => -1,
        Watched::Process(pid) => c_int::try_from(pid).map_err(io::Error::other)?,
    };
    let group: c_int = -1;
    #[expect(unsafe_code, reason = "perf_event_open(2) has no safe wrapper")]
    // SAFETY: `attributes` is plain words in the kernel's layout, as long as its `size` says, and lives
    // until the call is over; the other arguments are numbers.
    let number = unsafe {
        libc::syscall(
            libc::SYS_perf_event_open,
            &raw const *attributes,
            process,
            processor,
            group,
            CLOSE_ON_EXEC,
        )
    };
    let number = c_int::try_from(number).unwrap_or(-1);
    if number < 0 {
        return Err(io::Error::last_os_error());
    }
    #[expect(unsafe_code, reason = "ownership of a number")]
    // SAFETY: the kernel has just opened it for us, and nobody else has it.
    let event = unsafe { OwnedFd::from_raw_fd(number) };
    Ok(event)
}

fn control(event: &OwnedFd, request: c_ulong, argument: c_int) -> io::Result<()> {
    #[expect(unsafe_code, reason = "ioctl(2) of perf events has no safe wrapper")]
    // SAFETY: both requests take a number, and the descriptor is ours.
    let result = unsafe { libc::ioctl(event.as_raw_fd(), request, argument) };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Places in the first page of a ring (`struct perf_event_mmap_page`).
const DATA_HEAD: usize = 1024;
const DATA_TAIL: usize = 1032;

/// The records of an event, in memory shared with the kernel.
pub(super) struct Ring {
    _event: OwnedFd,
    start: NonNull<u8>,
    page: usize,
    len: usize,
    record: Vec<u8>,
}

impl Ring {
    /// Maps the ring of an event: so many pages, a power of two.
    pub(super) fn map(event: OwnedFd, pages: usize) -> io::Result<Self> {
        let page = rustix::param::page_size();
        let len = pages * page;
        #[expect(unsafe_code, reason = "mapping has no safe wrapper")]
        // SAFETY: the kernel chooses the address, so nothing of ours is mapped over.
        let start = unsafe {
            rustix::mm::mmap(
                std::ptr::null_mut(),
                page + len,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::SHARED,
                &event,
                0,
            )
        }?;
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self {
            _event: event,
            start,
            page,
            len,
            record: Vec::new(),
        })
    }

    /// Hands on the records that are there, each as a copy.
    pub(super) fn drain(&mut self, mut each: impl FnMut(&[u8])) {
        let head = self.word(DATA_HEAD).load(Ordering::Acquire);
        let mut tail = self.word(DATA_TAIL).load(Ordering::Relaxed);
        while head.wrapping_sub(tail) >= 8 {
            self.copy(tail, 8);
            let size = self
                .record
                .get(6..8)
                .and_then(|size| size.try_into().ok())
                .map(u16::from_ne_bytes);
            // The kernel writes whole records; one without a length would never end.
            let Some(size) = size.filter(|&size| size >= 8) else {
                tail = head;
                break;
            };
            self.copy(tail, usize::from(size));
            each(&self.record);
            tail = tail.wrapping_add(size.into());
        }
        self.word(DATA_TAIL).store(tail, Ordering::Release);
    }

    /// Copies bytes of the ring, which begins again behind its end.
    fn copy(&mut self, from: u64, len: usize) {
        self.record.clear();
        let mask = self.len - 1;
        let at = usize::try_from(from & mask as u64).unwrap_or(0);
        let first = len.min(self.len - at);
        for (at, len) in [(at, first), (0, len - first)] {
            #[expect(unsafe_code, reason = "memory the kernel maps")]
            // SAFETY: `at + len` is at most `self.len`, which are mapped behind the first page until drop; what
            // lies between tail and head the kernel does not write until the tail has passed it.
            let bytes =
                unsafe { std::slice::from_raw_parts(self.start.as_ptr().add(self.page + at), len) };
            self.record.extend_from_slice(bytes);
        }
    }

    fn word(&self, at: usize) -> &AtomicU64 {
        #[expect(unsafe_code, reason = "memory the kernel maps")]
        // SAFETY: both words lie in the first page, at places that are multiples of 8, until drop.
        unsafe {
            AtomicU64::from_ptr(self.start.as_ptr().add(at).cast())
        }
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        #[expect(unsafe_code, reason = "unmapping has no safe wrapper")]
        // SAFETY: the range is the one that was mapped, and no borrow outlives `self`.
        let _ = unsafe { rustix::mm::munmap(self.start.as_ptr().cast(), self.page + self.len) };
    }
}
