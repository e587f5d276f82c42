//! Reading files under `/proc`, whole or line by line.

use rustix::fd::{AsRawFd as _, BorrowedFd, OwnedFd};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use rustix::path::Arg;

/// Bytes asked of the kernel per read; it gives at most a page of most tables at a time.
const READ_BYTES: usize = 64 * 1024;

/// Longest piece of a line handed out; a longer line comes in several pieces, as the original
/// reads it.
const LINE_BYTES: usize = 8191;

/// Opens a file for reading.
pub fn open_file(path: impl Arg) -> Result<OwnedFd, Errno> {
    open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
}

/// Gives the link that tells where an open descriptor of ours points.
pub(crate) fn fd_path(fd: BorrowedFd<'_>) -> String {
    format!("/proc/self/fd/{}", fd.as_raw_fd())
}

/// Opens a file and reads what can be read of it: an error ends the file, as the end would.
pub(crate) fn read_readable(path: impl Arg) -> Result<Vec<u8>, Errno> {
    let fd = open_file(path)?;
    let mut content = Vec::new();
    while read_more(&fd, &mut content).unwrap_or(0) > 0 {}
    Ok(content)
}

/// Reads a whole file.
pub fn read_file(path: impl Arg) -> Result<Vec<u8>, Errno> {
    let fd = open_file(path)?;
    let mut content = Vec::new();
    while read_more(&fd, &mut content)? > 0 {}
    Ok(content)
}

/// Calls `each` with every line of the file, newline included, without holding more than a few
/// lines in memory. A read error ends the file, as the end would.
pub fn for_each_line(path: &str, each: impl FnMut(&[u8])) -> Result<(), Errno> {
    for_each_piece(path, LINE_BYTES, each)
}

/// As [`for_each_line`], but a line longer than `longest` comes in pieces of that many bytes, the
/// way `fgets` gives it to a buffer of one byte more.
pub fn for_each_piece(
    path: impl Arg,
    longest: usize,
    mut each: impl FnMut(&[u8]),
) -> Result<(), Errno> {
    let fd = open_file(path)?;
    let mut buffer: Vec<u8> = Vec::with_capacity(READ_BYTES);
    loop {
        let got = read_more(&fd, &mut buffer).unwrap_or(0);
        let complete = match buffer.iter().rposition(|&b| b == b'\n') {
            Some(last) if got > 0 => last + 1,
            _ if got == 0 => buffer.len(),
            _ => 0,
        };
        for line in buffer
            .get(..complete)
            .unwrap_or(&[])
            .split_inclusive(|&b| b == b'\n')
        {
            line.chunks(longest).for_each(&mut each);
        }
        buffer.drain(..complete);
        if got == 0 {
            return Ok(());
        }
    }
}

/// Appends one read's worth of bytes; gives how many came.
fn read_more(fd: &OwnedFd, content: &mut Vec<u8>) -> Result<usize, Errno> {
    loop {
        content.reserve(READ_BYTES);
        match rustix::io::read(fd, rustix::buffer::spare_capacity(content)) {
            Ok(got) => return Ok(got),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}
