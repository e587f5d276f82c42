//! Recorded answers of sock_diag in a file, as `ss -D` writes them and `TCPDIAG_FILE` names them.
//!
//! The file is a row of netlink messages, each padded to four bytes, up to the first `NLMSG_DONE`.
//! Types, senders and numbers are not looked at; a message may be as long as 16 KiB.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufReader, Read};

use rustix::io::Errno;

/// Longest message, header included.
const MESSAGE_BYTES: usize = 16 * 1024;
const HEADER_BYTES: usize = 16;
/// Fewest bytes behind the header of a message that reports an error.
const ERROR_BYTES: usize = 20;
/// `struct inet_diag_msg`: what a row is read from, even if the message ends before.
const ROW_BYTES: usize = 72;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;

/// Why a file was not read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// It cannot be opened.
    #[error("{0}")]
    Open(Errno),
    /// The header of a message cannot be read.
    #[error("cannot read a header: {0}")]
    Header(Errno),
    /// What follows a header cannot be read.
    #[error("cannot read a message: {0}")]
    Body(Errno),
    /// It ends before the message that says so.
    #[error("unexpected end of file")]
    Ended,
    /// A recorded error: the kernel had answered with this error number.
    #[error("the recorded answer is an error: {0}")]
    Answered(i32),
    /// A recorded error without its number.
    #[error("truncated error message")]
    TruncatedError,
    /// A length that no message has.
    #[error("impossible length of a message: {0}")]
    Length(u32),
}

/// One message of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded<'a> {
    /// The bytes behind the netlink header; at least as many as a row has. What the message did not
    /// bring is what the message before it left, zero at first.
    pub payload: &'a [u8],
    /// How many of `payload` a row lacks; 0 for a healthy message.
    pub lacking: usize,
}

/// What reading a file comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// A message.
    Message(Recorded<'a>),
    /// All messages that are in memory were handed over; the next read may wait for a writer.
    BatchEnd,
}

/// Reads a file; `each` gets its messages in order.
pub fn read(path: &OsStr, mut each: impl FnMut(Step<'_>)) -> Result<(), FileError> {
    let file = File::open(path).map_err(|error| FileError::Open(errno(&error)))?;
    let mut file = BufReader::with_capacity(4 * MESSAGE_BYTES, file);
    let mut buffer = [0; MESSAGE_BYTES];
    loop {
        let (header, body) = buffer.split_at_mut(HEADER_BYTES);
        fill(&mut file, header, FileError::Header, &mut each)?;
        let (len, kind) = head(header);
        let body_bytes = usize::try_from(len)
            .ok()
            .and_then(|len| len.checked_sub(HEADER_BYTES));
        let padded = body_bytes.map(|bytes| bytes.next_multiple_of(4));
        let (Some(body_bytes), Some(slot)) =
            (body_bytes, padded.and_then(|bytes| body.get_mut(..bytes)))
        else {
            return Err(FileError::Length(len));
        };
        fill(&mut file, slot, FileError::Body, &mut each)?;
        match kind {
            NLMSG_DONE => return Ok(()),
            NLMSG_ERROR if body_bytes < ERROR_BYTES => return Err(FileError::TruncatedError),
            NLMSG_ERROR => {
                let number = body.first_chunk().copied().unwrap_or_default();
                return Err(FileError::Answered(
                    i32::from_ne_bytes(number).wrapping_neg(),
                ));
            }
            _ => each(Step::Message(Recorded {
                payload: body.get(..body_bytes.max(ROW_BYTES)).unwrap_or(&[]),
                lacking: ROW_BYTES.saturating_sub(body_bytes),
            })),
        }
    }
}

/// Length and type of a message.
fn head(header: &[u8]) -> (u32, u16) {
    let len = header.first_chunk().copied().unwrap_or_default();
    let kind = header
        .get(4..)
        .and_then(|rest| rest.first_chunk().copied())
        .unwrap_or_default();
    (u32::from_ne_bytes(len), u16::from_ne_bytes(kind))
}

/// Reads as many bytes as `slot` has; before that has to wait, the batch ends.
fn fill(
    file: &mut BufReader<File>,
    slot: &mut [u8],
    failure: fn(Errno) -> FileError,
    each: &mut impl FnMut(Step<'_>),
) -> Result<(), FileError> {
    if file.buffer().len() < slot.len() {
        each(Step::BatchEnd);
    }
    file.read_exact(slot).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => FileError::Ended,
        _ => failure(errno(&error)),
    })
}

fn errno(error: &io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u16, body: &[u8]) -> Vec<u8> {
        let len = u32::try_from(HEADER_BYTES + body.len()).expect("a small message");
        let mut bytes = len.to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend([0; 10]);
        bytes.extend(body);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn read_bytes(name: &str, bytes: &[u8]) -> (Vec<(u8, usize)>, Result<(), FileError>) {
        let path = std::env::temp_dir().join(format!("plumb-{}-{name}", std::process::id()));
        std::fs::write(&path, bytes).expect("a temporary file can be written");
        let mut seen = Vec::new();
        let result = read(path.as_os_str(), |step| {
            if let Step::Message(message) = step {
                seen.push((message.payload[0], message.lacking));
            }
        });
        std::fs::remove_file(&path).expect("it was written");
        (seen, result)
    }

    #[test]
    fn messages_end_with_done_and_types_do_not_matter() {
        let mut bytes = message(20, &[7; 73]);
        bytes.extend(message(99, &[8; 4]));
        bytes.extend(message(NLMSG_DONE, &[0; 4]));
        bytes.extend(message(20, &[9; 72]));
        assert_eq!(read_bytes("done", &bytes), (vec![(7, 0), (8, 68)], Ok(())));
    }

    #[test]
    fn what_ends_a_file_early_is_told_apart() {
        let row = message(20, &[7; 72]);
        let with = |more: &[u8]| [row.as_slice(), more].concat();
        let outcome = |name, bytes: &[u8]| read_bytes(name, bytes).1;
        assert_eq!(outcome("eof", &row), Err(FileError::Ended));
        assert_eq!(outcome("half", &with(&[1, 2])), Err(FileError::Ended));
        let mut error = (-13_i32).to_ne_bytes().to_vec();
        error.resize(ERROR_BYTES, 0);
        let answered = with(&message(NLMSG_ERROR, &error));
        assert_eq!(outcome("error", &answered), Err(FileError::Answered(13)));
        let truncated = with(&message(NLMSG_ERROR, &error[..4]));
        assert_eq!(outcome("cut", &truncated), Err(FileError::TruncatedError));
        for len in [0_u32, 15, 20_000, u32::MAX] {
            let mut bad = message(20, &[]);
            bad[..4].copy_from_slice(&len.to_ne_bytes());
            bad.resize(40_000, 0);
            assert_eq!(outcome("length", &bad), Err(FileError::Length(len)));
        }
        let missing = read("/nonexistent".as_ref(), |_| ());
        assert_eq!(missing, Err(FileError::Open(Errno::NOENT)));
    }
}
