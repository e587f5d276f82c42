//! The one writer of the process: buffered standard output, plain standard error.
//!
//! Rows are formatted straight into one large buffer, which leaves in big writes. A terminal gets
//! it after every batch. In `--all-netns` runs every line carries its namespace in front; callers
//! say what a line is (title, header, row) and this module adds the column.

use std::io::Write as _;
use std::os::fd::BorrowedFd;

/// Bytes gathered before a write; large enough that the write calls do not show in a profile.
const BUFFER_BYTES: usize = 32 * 1024;
/// Width of the namespace column: `net:[4026531840]` is 16 bytes.
const NETNS_WIDTH: usize = 16;

/// Buffered output that remembers its first failure.
pub struct Output {
    buffer: Vec<u8>,
    is_terminal: bool,
    netns_column: bool,
    prefix: Vec<u8>,
    /// Lines of the screen that is being drawn; nothing leaves before it is whole.
    screen: Option<usize>,
    failure: Option<rustix::io::Errno>,
}

impl Output {
    /// Opens standard output.
    pub fn stdout() -> Self {
        Self {
            buffer: Vec::with_capacity(BUFFER_BYTES + 8 * 1024),
            is_terminal: rustix::termios::isatty(rustix::stdio::stdout()),
            netns_column: false,
            prefix: Vec::new(),
            screen: None,
            failure: None,
        }
    }

    /// Says whether a person's terminal reads this (then outside text must be sanitised).
    pub fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// Says whether writing failed: nothing more can be shown.
    pub fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// Turns the namespace column on.
    pub fn show_netns(&mut self) {
        self.netns_column = true;
    }

    /// Names the namespace of the lines to come.
    pub fn set_netns(&mut self, name: &[u8]) {
        self.prefix.clear();
        self.prefix.extend_from_slice(name);
        self.prefix.resize(name.len().max(NETNS_WIDTH), b' ');
        self.prefix.push(b' ');
    }

    /// Writes a title: printed as it is, once for all namespaces.
    pub fn title(&mut self, text: &[u8]) {
        self.buffer.extend_from_slice(text);
    }

    /// Writes a line of column heads, headed `Netns` where that column is on.
    pub fn header(&mut self, text: &[u8]) {
        if self.netns_column {
            self.buffer.extend_from_slice(b"Netns            ");
        }
        self.buffer.extend_from_slice(text);
    }

    /// Writes one row through `write`.
    #[inline]
    pub fn row(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.buffer.extend_from_slice(&self.prefix);
        write(&mut self.buffer);
        if self.buffer.len() >= BUFFER_BYTES {
            self.flush();
        }
    }

    /// Writes any number of whole lines through `write`, each with the namespace in front.
    pub fn lines(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        if self.prefix.is_empty() {
            return self.row(write);
        }
        let mut block = Vec::new();
        write(&mut block);
        for line in block.split_inclusive(|&b| b == b'\n') {
            self.row(|out| out.extend_from_slice(line));
        }
    }

    /// Writes pieces of a document that has no rows of text, through `write`.
    pub fn raw(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.buffer);
        if self.buffer.len() >= BUFFER_BYTES {
            self.flush();
        }
    }

    /// Ends a batch of rows: a terminal sees them now.
    pub fn end_batch(&mut self) {
        if self.is_terminal {
            self.flush();
        }
    }

    /// Hands everything gathered so far to the kernel; the first failure is kept. A screen that is being
    /// drawn waits until it is whole.
    pub fn flush(&mut self) {
        if self.screen.is_some() {
            return;
        }
        if self.failure.is_none() {
            self.failure = write_all(rustix::stdio::stdout(), &self.buffer).err();
        }
        self.buffer.clear();
    }

    /// Begins to draw a screen of so many lines, over the last one.
    pub fn begin_screen(&mut self, lines: usize) {
        self.flush();
        self.screen = Some(lines);
    }

    /// Says how many lines the screen has that is being drawn.
    pub fn screen_lines(&self) -> Option<usize> {
        self.screen
    }

    /// Draws the screen in one write: each line over the old one, and nothing below the last. What has
    /// no room is left out, so that the terminal never scrolls.
    pub fn end_screen(&mut self) {
        let Some(lines) = self.screen.take() else {
            return;
        };
        let drawn = std::mem::take(&mut self.buffer);
        self.buffer.extend_from_slice(b"\x1b[H");
        for line in drawn.split_inclusive(|&byte| byte == b'\n').take(lines) {
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            self.buffer.extend_from_slice(text);
            self.buffer.extend_from_slice(b"\x1b[K\n");
        }
        // The last line feed would scroll a full screen.
        self.buffer.pop_if(|byte| *byte == b'\n');
        self.buffer.extend_from_slice(b"\x1b[J");
        self.flush();
    }

    /// Writes a complaint to standard error, after what standard output already holds; on a screen that is
    /// being drawn it is a line like others.
    pub fn complain(&mut self, text: &[u8]) {
        if self.screen.is_some() {
            self.buffer.extend_from_slice(text);
            return;
        }
        self.end_batch();
        // Nobody is left to tell when standard error itself is gone.
        let _ = std::io::stderr().write_all(text);
    }

    /// Gives the first failure of this run; `None` also where whoever read has gone, which is no failure.
    pub fn lost(&self) -> Option<rustix::io::Errno> {
        self.failure
            .filter(|errno| *errno != rustix::io::Errno::PIPE)
    }

    /// Flushes, then gives the first failure of this run.
    pub fn finish(&mut self) -> Result<(), rustix::io::Errno> {
        self.flush();
        self.failure.map_or(Ok(()), Err)
    }
}

fn write_all(fd: BorrowedFd<'_>, mut bytes: &[u8]) -> Result<(), rustix::io::Errno> {
    while !bytes.is_empty() {
        match rustix::io::write(fd, bytes) {
            Ok(written) => bytes = bytes.get(written..).unwrap_or(&[]),
            Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}
