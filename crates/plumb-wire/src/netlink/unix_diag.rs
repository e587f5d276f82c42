//! sock_diag for UNIX domain sockets (`include/uapi/linux/unix_diag.h`).
//!
//! Minimum kernel version: 3.3; below it the caller falls back to `/proc/net/unix`.

use plumb_model::diag::attribute::RawAttribute;
use plumb_model::diag::unix::{UnixDiag, UnixFile, UnixQueues};

use super::attribute::{Attribute, Attributes};
use super::diag_values::{cookie_at, first, sk_mem_info};
use super::frame::u32_at;
use super::sock_diag_request::encode_request;

/// `AF_UNIX`.
pub const AF_UNIX: u8 = 1;
/// `UDIAG_SHOW_NAME`: the bound name.
pub const SHOW_NAME: u32 = 0x01;
/// `UDIAG_SHOW_VFS`: where the name is in the file system.
pub const SHOW_VFS: u32 = 0x02;
/// `UDIAG_SHOW_PEER`: inode of the peer.
pub const SHOW_PEER: u32 = 0x04;
/// `UDIAG_SHOW_ICONS`: connections to be accepted.
pub const SHOW_ICONS: u32 = 0x08;
/// `UDIAG_SHOW_RQLEN`: queues.
pub const SHOW_RQLEN: u32 = 0x10;
/// `UDIAG_SHOW_MEMINFO`: memory counters.
pub const SHOW_MEMINFO: u32 = 0x20;
/// `UDIAG_SHOW_UID`: owning user, since kernel 5.3; before it nobody minds the question.
pub const SHOW_UID: u32 = 0x40;

const MESSAGE_BYTES: usize = 16;

/// Encodes a request for the sockets in `states` (a bit for each state); `show` says which
/// attributes are wanted (`SHOW_*`).
pub fn encode_unix_request(states: u32, show: u32) -> Vec<u8> {
    encode_request(AF_UNIX, 0, &[states, 0, show, 0, 0])
}

/// Decodes one message; `None` when it is shorter than `struct unix_diag_msg`.
pub fn decode_unix_diag(payload: &[u8]) -> Option<UnixDiag<'_>> {
    let (message, rest) = payload.split_first_chunk::<MESSAGE_BYTES>()?;
    let [_, kind, state, ..] = *message;
    let mut row = UnixDiag {
        kind: u32::from(kind),
        state: u32::from(state),
        inode: u32_at(message, 4).unwrap_or(0),
        cookie: Some(cookie_at(message, 8)),
        ..UnixDiag::default()
    };
    let mut attributes = Attributes::new(rest);
    for attribute in attributes.by_ref() {
        take(&attribute, &mut row);
    }
    row.trailing = attributes.trailing();
    Some(row)
}

fn take<'a>(attribute: &Attribute<'a>, row: &mut UnixDiag<'a>) {
    match attribute.kind {
        0 => first(&mut row.name, || attribute.payload()),
        1 => first(&mut row.file, || UnixFile {
            inode: attribute.u32(0),
            device: attribute.u32(4),
        }),
        2 => first(&mut row.peer, || attribute.u32(0)),
        3 => first(&mut row.incoming, || words(attribute.payload())),
        4 => first(&mut row.queues, || UnixQueues {
            recv: attribute.u32(0),
            send: attribute.u32(4),
        }),
        5 => first(&mut row.memory, || sk_mem_info(attribute)),
        6 => first(&mut row.shutdown, || attribute.u8(0)),
        7 => first(&mut row.uid, || attribute.u32(0)),
        kind => row.unknown.push(RawAttribute {
            kind,
            payload: attribute.payload(),
        }),
    }
}

fn words(bytes: &[u8]) -> Vec<u32> {
    let (words, _) = bytes.as_chunks();
    words.iter().map(|word| u32::from_ne_bytes(*word)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::test_messages::{attribute, words};
    use super::*;

    /// Hand-made: a listener on /run/a with two connections to be accepted.
    fn listener() -> Vec<u8> {
        let mut message = vec![AF_UNIX, 1, 10, 0];
        message.extend(words(&[4242, 7, 1]));
        message.extend(attribute(0, b"/run/a"));
        message.extend(attribute(1, &words(&[9, 0x00fe_0001])));
        message.extend(attribute(3, &words(&[5, 6])));
        message.extend(attribute(4, &words(&[2, 128])));
        message.extend(attribute(6, &[3]));
        message.extend(attribute(77, b"new"));
        message
    }

    #[test]
    fn a_listener_decodes_with_all_its_attributes() {
        let message = listener();
        let row = decode_unix_diag(&message).expect("a whole message");
        assert_eq!((row.kind, row.state, row.inode), (1, 10, 4242));
        assert_eq!(row.cookie, Some(0x1_0000_0007));
        assert_eq!(row.name, Some(&b"/run/a"[..]));
        assert_eq!(row.file.map(|file| file.device), Some(0x00fe_0001));
        assert_eq!(row.incoming, Some(vec![5, 6]));
        assert_eq!(row.queues, Some(UnixQueues { recv: 2, send: 128 }));
        assert_eq!((row.shutdown, row.peer), (Some(3), None));
        assert_eq!(row.unknown.len(), 1);
    }

    #[test]
    fn the_first_attribute_of_a_type_counts() {
        let mut message = listener();
        message.extend(attribute(0, b"/run/b"));
        let row = decode_unix_diag(&message).expect("a whole message");
        assert_eq!(row.name, Some(&b"/run/a"[..]));
    }

    #[test]
    fn a_message_without_its_fixed_part_is_refused() {
        assert_eq!(decode_unix_diag(&listener()[..15]), None);
    }

    #[test]
    fn a_request_asks_for_states_and_attributes() {
        let request = encode_unix_request(0xfff, SHOW_NAME | SHOW_PEER | SHOW_RQLEN);
        assert_eq!(request.len(), 40);
        assert_eq!(request[20..], words(&[0xfff, 0, 0x15, 0, 0]));
    }
}
