//! Netlink framing: one datagram in, its messages out (`struct nlmsghdr`, RFC 3549 section 2.3).

/// Bytes of a message header.
pub const HEADER_BYTES: usize = 16;

const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const NLM_F_DUMP_INTR: u16 = 0x10;

/// One netlink message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame<'a> {
    /// A payload of the family's own type.
    Data {
        /// `nlmsg_type`.
        kind: u16,
        /// The table changed while it was dumped (`NLM_F_DUMP_INTR`).
        interrupted: bool,
        /// The bytes after the header.
        payload: &'a [u8],
    },
    /// The dump ended.
    Done,
    /// The kernel refused or failed: a positive errno, 0 for an acknowledgement.
    Error(i32),
    /// The datagram ends in the middle of a message, or a length is impossible.
    Malformed,
}

/// What the answers to one request have in common (`nlmsg_seq`, `nlmsg_pid`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conversation {
    /// The number the request carries.
    pub sequence: u32,
    /// The port id of the socket that asked.
    pub port_id: u32,
}

/// Splits a datagram into messages. Iteration ends after `Malformed`.
#[derive(Debug, Clone)]
pub struct Frames<'a> {
    rest: &'a [u8],
    only: Option<Conversation>,
}

impl Conversation {
    #[inline]
    fn includes(self, message: &[u8]) -> bool {
        u32_at(message, 8) == Some(self.sequence) && u32_at(message, 12) == Some(self.port_id)
    }
}

impl<'a> Frames<'a> {
    /// Starts at the beginning of a received datagram.
    pub fn new(datagram: &'a [u8]) -> Self {
        Self {
            rest: datagram,
            only: None,
        }
    }

    /// As [`Frames::new`], but skips what answers another request.
    pub fn answering(datagram: &'a [u8], conversation: Conversation) -> Self {
        Self {
            rest: datagram,
            only: Some(conversation),
        }
    }

    /// Cuts off the next message that is for us; `Err` where the bytes are no message.
    #[inline]
    fn next_message(&mut self) -> Option<Result<&'a [u8], ()>> {
        while !self.rest.is_empty() {
            let Some((message, rest)) = split_message(self.rest) else {
                self.rest = &[];
                return Some(Err(()));
            };
            self.rest = rest;
            if self.only.is_none_or(|only| only.includes(message)) {
                return Some(Ok(message));
            }
        }
        None
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Frame<'a>;

    #[inline]
    fn next(&mut self) -> Option<Frame<'a>> {
        let Ok(message) = self.next_message()? else {
            return Some(Frame::Malformed);
        };
        let payload = message.get(HEADER_BYTES..).unwrap_or(&[]);
        let kind = u16_at(message, 4).unwrap_or(0);
        Some(match kind {
            NLMSG_DONE => match i32_at(payload, 0) {
                Some(errno) if errno < 0 => Frame::Error(errno.saturating_neg()),
                _ => Frame::Done,
            },
            NLMSG_ERROR => match i32_at(payload, 0) {
                Some(errno) => Frame::Error(errno.saturating_neg()),
                None => Frame::Malformed,
            },
            _ => Frame::Data {
                kind,
                interrupted: u16_at(message, 6).unwrap_or(0) & NLM_F_DUMP_INTR != 0,
                payload,
            },
        })
    }
}

/// Cuts the first message off: (message with header, rest behind its padding).
#[inline]
fn split_message(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let len = usize::try_from(u32_at(bytes, 0)?).ok()?;
    if len < HEADER_BYTES {
        return None;
    }
    let message = bytes.get(..len)?;
    let aligned = len.checked_next_multiple_of(4)?;
    Some((message, bytes.get(aligned..).unwrap_or(&[])))
}

/// Splits a run of attributes (`struct nlattr`): (type without its flag bits, payload).
pub fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let len = usize::from(u16_at(bytes, 0)?);
        let kind = u16_at(bytes, 2)? & 0x3fff;
        let payload = bytes.get(4..len)?;
        bytes = bytes.get(len.next_multiple_of(4)..).unwrap_or(&[]);
        Some((kind, payload))
    })
}

/// Reads a host-order `u16`.
#[inline]
pub fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Reads a host-order `u32`.
#[inline]
pub fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn i32_at(bytes: &[u8], at: usize) -> Option<i32> {
    u32_at(bytes, at).map(u32::cast_signed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u16, flags: u16, payload: &[u8]) -> Vec<u8> {
        let len = u32::try_from(HEADER_BYTES + payload.len()).expect("a small message");
        let mut bytes = len.to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(flags.to_ne_bytes());
        bytes.extend([0; 8]);
        bytes.extend(payload);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    #[test]
    fn a_datagram_splits_into_its_messages() {
        let mut datagram = message(20, NLM_F_DUMP_INTR, b"abcde");
        datagram.extend(message(NLMSG_ERROR, 0, &(-2_i32).to_ne_bytes()));
        datagram.extend(message(NLMSG_DONE, 0, &0_i32.to_ne_bytes()));
        let frames: Vec<_> = Frames::new(&datagram).collect();
        assert_eq!(
            frames,
            [
                Frame::Data {
                    kind: 20,
                    interrupted: true,
                    payload: b"abcde"
                },
                Frame::Error(2),
                Frame::Done,
            ]
        );
    }

    #[test]
    fn answers_to_other_requests_are_skipped() {
        let mut ours = message(20, 0, b"ours");
        ours[8..12].copy_from_slice(&7_u32.to_ne_bytes());
        ours[12..16].copy_from_slice(&99_u32.to_ne_bytes());
        let mut datagram = message(NLMSG_DONE, 0, &0_i32.to_ne_bytes());
        datagram.extend(&ours);
        let conversation = Conversation {
            sequence: 7,
            port_id: 99,
        };
        let frames: Vec<_> = Frames::answering(&datagram, conversation).collect();
        assert!(
            matches!(
                frames[..],
                [Frame::Data {
                    payload: b"ours",
                    ..
                }]
            ),
            "{frames:?}"
        );
    }

    #[test]
    fn impossible_lengths_end_the_iteration() {
        for len in [0_u32, 15, 17, u32::MAX] {
            let mut bytes = message(20, 0, b"");
            bytes[..4].copy_from_slice(&len.to_ne_bytes());
            let frames: Vec<_> = Frames::new(&bytes).collect();
            assert_eq!(frames, [Frame::Malformed], "{len}");
        }
    }

    #[test]
    fn attributes_stop_at_the_first_that_does_not_fit() {
        let bytes = [5, 0, 2, 0, 9, 0, 0, 0, 200, 0, 1, 0];
        let all: Vec<_> = attributes(&bytes).collect();
        if cfg!(target_endian = "little") {
            assert_eq!(all, [(2, &[9_u8][..])]);
        }
    }
}
