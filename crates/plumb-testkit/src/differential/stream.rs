//! Where the standard output of a program goes: a file in memory, or a terminal of a given width.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use rustix::fs::MemfdFlags;
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{OptionalActions, Winsize, tcgetattr, tcsetattr, tcsetwinsize};

/// What a program is to find behind its standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stdout {
    /// A file, as if redirected.
    File,
    /// A terminal that says it has this many columns (0: it does not know).
    Terminal(u16),
}

/// The near end of a program's standard output.
#[derive(Debug)]
pub(super) enum Stream {
    File(File),
    Terminal {
        far: Option<OwnedFd>,
        text: Arc<Mutex<Vec<u8>>>,
        reader: JoinHandle<()>,
    },
}

impl Stream {
    /// Opens what `stdout` asks for.
    pub(super) fn open(stdout: Stdout) -> io::Result<Self> {
        match stdout {
            Stdout::File => Ok(Self::File(memory("stdout")?)),
            Stdout::Terminal(columns) => terminal(columns),
        }
    }

    /// Gives the end for the program. A terminal's can be taken once: when the last program that
    /// holds it has ended, so does the reader.
    pub(super) fn for_program(&mut self) -> io::Result<Stdio> {
        match self {
            Self::File(file) => Ok(file.try_clone()?.into()),
            Self::Terminal { far, .. } => far
                .take()
                .map(Stdio::from)
                .ok_or_else(|| io::Error::other("this terminal is in use")),
        }
    }

    /// Gives what was written so far, without moving the place where the program writes.
    pub(super) fn so_far(&self) -> io::Result<Vec<u8>> {
        match self {
            Self::File(file) => {
                let len = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
                let mut bytes = vec![0; len];
                std::os::unix::fs::FileExt::read_exact_at(file, &mut bytes, 0)?;
                Ok(bytes)
            }
            Self::Terminal { text, .. } => {
                Ok(text.lock().unwrap_or_else(PoisonError::into_inner).clone())
            }
        }
    }

    /// Gives all that was written, once the program has ended.
    pub(super) fn content(self) -> io::Result<Vec<u8>> {
        match self {
            Self::File(mut file) => content(&mut file),
            Self::Terminal { text, reader, .. } => {
                reader
                    .join()
                    .map_err(|_| io::Error::other("the reader of the terminal died"))?;
                Ok(std::mem::take(
                    &mut text.lock().unwrap_or_else(PoisonError::into_inner),
                ))
            }
        }
    }
}

/// Makes a file in memory.
pub(super) fn memory(name: &str) -> io::Result<File> {
    Ok(rustix::fs::memfd_create(name, MemfdFlags::CLOEXEC)?.into())
}

/// Reads a file from its start.
pub(super) fn content(file: &mut File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn terminal(columns: u16) -> io::Result<Stream> {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let near = openpt(flags)?;
    grantpt(&near)?;
    unlockpt(&near)?;
    let far = ioctl_tiocgptpeer(&near, flags)?;
    let mut attributes = tcgetattr(&far)?;
    // What the program writes shall arrive as it is.
    attributes.make_raw();
    tcsetattr(&far, OptionalActions::Now, &attributes)?;
    let size = Winsize {
        ws_row: 24,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&near, size)?;
    let text = Arc::new(Mutex::new(Vec::new()));
    let written = Arc::clone(&text);
    let reader = std::thread::spawn(move || read(near.into(), &written));
    Ok(Stream::Terminal {
        far: Some(far),
        text,
        reader,
    })
}

/// Reads until nobody holds the other end, which a terminal tells by an error.
fn read(mut near: File, text: &Mutex<Vec<u8>>) {
    let mut block = [0; 4_096];
    while let Ok(len @ 1..) = near.read(&mut block) {
        let mut text = text.lock().unwrap_or_else(PoisonError::into_inner);
        text.extend_from_slice(&block[..len]);
    }
}
