//! One of all the descriptors a socket is held by.
//!
//! An [`crate::owner::Owner`] answers "whose is it"; a [`Holder`] is one entry of the whole list:
//! forked children, duplicated descriptors and threads included.

/// One descriptor of one process, or of one of its threads, that refers to a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder<'a> {
    /// The process id.
    pub pid: i32,
    /// The thread id; equal to `pid` for the main thread.
    pub tid: i32,
    /// The descriptor's number.
    pub fd: i32,
    /// The name (`comm`) of the process or thread up to its first `)`, raw bytes; empty when it
    /// ended before it could be read.
    pub name: &'a [u8],
    /// Its SELinux context; `None` when not asked for or not readable.
    pub process_context: Option<&'a [u8]>,
    /// The SELinux context of the descriptor's socket; `None` when not asked for or not readable.
    pub socket_context: Option<&'a [u8]>,
}
