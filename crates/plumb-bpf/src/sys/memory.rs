//! Memory shared with a program: an array map, mapped.

use std::os::fd::BorrowedFd;
use std::ptr::NonNull;

use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// An array map that was made with `BPF_F_MMAPABLE`, mapped.
///
/// The program writes to it only while this process reads its iterator, which takes `&mut` of
/// what owns both; so between such readings nothing in here changes.
#[derive(Debug)]
pub(crate) struct Shared {
    start: NonNull<u8>,
    len: usize,
    mapped: usize,
}

impl Shared {
    /// Maps the first `len` bytes of an array.
    pub(crate) fn map(array: BorrowedFd<'_>, len: usize) -> Result<Self, Errno> {
        let page = rustix::param::page_size();
        let mapped = len.next_multiple_of(page);
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        #[expect(unsafe_code, reason = "mapping has no safe wrapper")]
        // SAFETY: the kernel chooses the address, so nothing of ours is mapped over.
        let start = unsafe {
            mmap(
                std::ptr::null_mut(),
                mapped,
                protection,
                MapFlags::SHARED,
                array,
                0,
            )
        }?;
        let start = NonNull::new(start.cast()).ok_or(Errno::NOMEM)?;
        Ok(Self { start, len, mapped })
    }

    /// The bytes as they are.
    pub(crate) fn bytes(&self) -> &[u8] {
        #[expect(unsafe_code, reason = "memory the kernel maps")]
        // SAFETY: `len` bytes are mapped until drop, and nobody writes while `self` is borrowed.
        unsafe {
            std::slice::from_raw_parts(self.start.as_ptr(), self.len)
        }
    }

    /// The bytes, to be changed.
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        #[expect(unsafe_code, reason = "memory the kernel maps")]
        // SAFETY: as above, and nobody reads either.
        unsafe {
            std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len)
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        #[expect(unsafe_code, reason = "unmapping has no safe wrapper")]
        // SAFETY: the range is the one that was mapped, and no borrow outlives `self`.
        let _ = unsafe { munmap(self.start.as_ptr().cast(), self.mapped) };
    }
}
