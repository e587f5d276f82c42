//! What a recorder in the background and its clients say to each other, over a local stream.
//!
//! A message is a frame: the length of its payload (4 bytes), its kind (1 byte), the payload; numbers are little
//! endian. A client begins with [`Request::Hello`] and is answered [`Reply::Welcome`] or [`Reply::Refused`]. Then
//! it asks, and is answered stacks it has not had, answers in the order of its keys that name them, and
//! [`Reply::Done`]. Neither side trusts the other: everything has a limit, and what does not fit it or the
//! layout is [`Broken`].

mod bytes;
mod reply;
mod request;
mod stack;
#[cfg(test)]
mod tests;

pub use reply::{
    MAX_ANSWERS, Refusal, Reply, encode_stack, put_answers, put_done, put_refused, put_stack,
    put_wait, put_welcome,
};
pub use request::{Request, put_ask, put_hello};

use bytes::{Reader, put_bytes};

/// The version both sides speak; another one is refused.
pub const VERSION: u16 = 2;
/// Bytes of a payload at most.
pub const MAX_PAYLOAD: usize = 1 << 20;
/// Keys of one question at most.
pub const MAX_KEYS: usize = 4096;
/// Bytes in front of a payload.
const HEAD: usize = 5;

/// The other side does not keep to the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken;

/// A message that is whole and not decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What it is.
    pub kind: u8,
    /// What it says.
    pub payload: &'a [u8],
    /// How many bytes it took.
    pub len: usize,
}

/// Takes the first frame off; `None` if it is not whole yet.
pub fn take_frame(bytes: &[u8]) -> Result<Option<Frame<'_>>, Broken> {
    let Some((head, rest)) = bytes.split_first_chunk::<HEAD>() else {
        return Ok(None);
    };
    let [a, b, c, d, kind] = *head;
    let len = usize::try_from(u32::from_le_bytes([a, b, c, d])).map_err(|_| Broken)?;
    if len > MAX_PAYLOAD {
        return Err(Broken);
    }
    Ok(rest.get(..len).map(|payload| Frame {
        kind,
        payload,
        len: HEAD + len,
    }))
}

/// Appends a frame whose payload `write` appends.
fn put_frame(out: &mut Vec<u8>, kind: u8, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0, 0, 0, 0, kind]);
    write(out);
    let len = out.len() - start - HEAD;
    debug_assert!(len <= MAX_PAYLOAD, "writers keep to the limits");
    let len = u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes();
    if let Some(head) = out.get_mut(start..start + len.len()) {
        head.copy_from_slice(&len);
    }
}
