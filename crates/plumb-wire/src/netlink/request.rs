//! Requests of rtnetlink and generic netlink: a message header, the family's struct, attributes.
//!
//! sock_diag's requests are not written here: those are copies of the original's, to the byte.

use super::frame::HEADER_BYTES;

/// The number every request carries; answers are told apart by the socket they come to.
const SEQUENCE: u32 = 1;
const NLM_F_REQUEST: u16 = 1;
const NLM_F_DUMP: u16 = 0x300;
/// Bytes of `struct nlattr`.
const ATTRIBUTE_BYTES: usize = 4;
const NLA_F_NESTED: u16 = 1 << 15;

/// A request in the making.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request(Vec<u8>);

impl Request {
    /// Asks for a whole table (`NLM_F_DUMP`): the message type and the struct behind the header.
    pub fn dump(kind: u16, head: &[u8]) -> Self {
        Self::new(kind, NLM_F_REQUEST | NLM_F_DUMP, head)
    }

    /// Asks for one thing, which is answered by one message.
    pub fn single(kind: u16, head: &[u8]) -> Self {
        Self::new(kind, NLM_F_REQUEST, head)
    }

    fn new(kind: u16, flags: u16, head: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(HEADER_BYTES + head.len());
        // The length is written at the end.
        bytes.extend([0; 4]);
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(flags.to_ne_bytes());
        bytes.extend(SEQUENCE.to_ne_bytes());
        // The kernel knows who asks.
        bytes.extend([0; 4]);
        bytes.extend(head);
        Self(bytes).padded()
    }

    /// The same with one more attribute.
    #[must_use]
    pub fn attribute(mut self, kind: u16, payload: &[u8]) -> Self {
        let len = ATTRIBUTE_BYTES + payload.len();
        self.0.extend(u16_of(len).to_ne_bytes());
        self.0.extend(kind.to_ne_bytes());
        self.0.extend(payload);
        self.padded()
    }

    /// The same with an attribute that holds those that `inside` adds.
    #[must_use]
    pub fn nested(self, kind: u16, inside: impl FnOnce(Self) -> Self) -> Self {
        let start = self.0.len();
        let mut request = inside(self.attribute(kind | NLA_F_NESTED, &[]));
        let len = u16_of(request.0.len() - start);
        put(&mut request.0, start, &len.to_ne_bytes());
        request
    }

    /// Gives the whole message.
    pub fn finish(mut self) -> Vec<u8> {
        let len = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        put(&mut self.0, 0, &len.to_ne_bytes());
        self.0
    }

    fn padded(mut self) -> Self {
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }
}

/// No request of ours is that long; what is would be refused by the kernel.
fn u16_of(len: usize) -> u16 {
    u16::try_from(len).unwrap_or(u16::MAX)
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    for (to, from) in bytes.iter_mut().skip(at).zip(value) {
        *to = *from;
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame::{Frame, Frames, attributes, u32_at};
    use super::*;

    #[test]
    fn a_request_is_one_message_with_its_attributes() {
        let bytes = Request::dump(18, &[7, 0, 0, 0, 0])
            .attribute(3, b"lo\0")
            .nested(5, |inside| inside.attribute(1, &[9]))
            .finish();
        assert_eq!(u32_at(&bytes, 0), u32::try_from(bytes.len()).ok());
        assert_eq!(bytes[6..8], 0x301_u16.to_ne_bytes());
        let frames: Vec<_> = Frames::new(&bytes).collect();
        let [
            Frame::Data {
                kind: 18, payload, ..
            },
        ] = frames[..]
        else {
            panic!("one message");
        };
        let found: Vec<_> = attributes(&payload[8..]).collect();
        let [(3, b"lo\0"), (5, inside)] = found[..] else {
            panic!("two attributes: {found:?}");
        };
        assert_eq!(attributes(inside).collect::<Vec<_>>(), [(1, &[9_u8][..])]);
    }

    #[test]
    fn one_thing_is_asked_for_without_the_flag_of_dumps() {
        let bytes = Request::single(26, &[]).finish();
        assert_eq!((bytes.len(), &bytes[6..8]), (16, &1_u16.to_ne_bytes()[..]));
    }
}
