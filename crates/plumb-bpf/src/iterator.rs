//! Reading an iterator: a file whose reading runs a program.

use std::fs::File;
use std::io::{ErrorKind, Read as _};

use crate::unavailable::Unavailable;

/// More empty answers than this in one reading are no reading: each stands for 65536 descriptors or a
/// million objects that were passed.
const EMPTY_ANSWERS: u32 = 100_000;

/// An iterator that is being read.
#[derive(Debug)]
pub(crate) struct Reading {
    file: File,
    empty: u32,
}

impl Reading {
    /// Begins to read.
    pub(crate) fn new(file: impl Into<File>) -> Self {
        Self {
            file: file.into(),
            empty: 0,
        }
    }

    /// Reads on: how many bytes, which may be none, or `None` at the end. The kernel interrupts itself
    /// (EAGAIN) when a program asked for it or has gone through very many objects.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, Unavailable> {
        match self.file.read(buffer) {
            Ok(0) => Ok(None),
            Ok(got) => Ok(Some(got)),
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
                    && self.empty < EMPTY_ANSWERS =>
            {
                self.empty += 1;
                Ok(Some(0))
            }
            Err(error) => Err(Unavailable::new(format!(
                "cannot read the iterator: {error}"
            ))),
        }
    }
}
