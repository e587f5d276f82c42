//! What clients say.

use plumb_model::creation::Key;
use plumb_model::event::Ends;
use plumb_model::id::{Cookie, NetnsId};

use super::bytes::{put_end, put_u64};
use super::{Broken, MAX_KEYS, Reader, VERSION, put_frame};

const HELLO: u8 = 1;
const ASK: u8 = 2;
/// What a `Hello` begins with, so that a client of something else is told so.
const MAGIC: [u8; 5] = *b"plumb";

/// What a client says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// It speaks this version.
    Hello(u16),
    /// It wants to know of these sockets: at most [`MAX_KEYS`].
    Ask(Vec<Key>),
}

impl Request {
    /// Decodes the payload of a frame.
    pub fn decode(kind: u8, payload: &[u8]) -> Result<Self, Broken> {
        let mut reader = Reader(payload);
        match kind {
            HELLO => {
                if reader.array()? != MAGIC {
                    return Err(Broken);
                }
                let version = reader.u16()?;
                // A later version may say more here.
                Ok(Self::Hello(version))
            }
            ASK => {
                let count = usize::from(reader.u16()?);
                if count > MAX_KEYS {
                    return Err(Broken);
                }
                let keys = (0..count).map(|_| decode_key(&mut reader));
                let keys = keys.collect::<Result<Vec<_>, _>>()?;
                reader.finish(Self::Ask(keys))
            }
            _ => Err(Broken),
        }
    }
}

/// Appends the greeting of our version.
pub fn put_hello(out: &mut Vec<u8>) {
    put_frame(out, HELLO, |out| {
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
    });
}

/// Appends a question; keys beyond [`MAX_KEYS`] are left out.
pub fn put_ask(out: &mut Vec<u8>, keys: &[Key]) {
    let keys = keys.get(..MAX_KEYS).unwrap_or(keys);
    put_frame(out, ASK, |out| {
        let count = u16::try_from(keys.len()).unwrap_or(0);
        out.extend_from_slice(&count.to_le_bytes());
        for key in keys {
            put_u64(out, key.cookie.0);
            put_u64(out, key.netns.0);
            out.push(key.ends.protocol);
            put_end(out, key.ends.local);
            put_end(out, key.ends.peer);
        }
    });
}

fn decode_key(reader: &mut Reader<'_>) -> Result<Key, Broken> {
    Ok(Key {
        cookie: Cookie(reader.u64()?),
        netns: NetnsId(reader.u64()?),
        ends: Ends {
            protocol: reader.u8()?,
            local: reader.end()?,
            peer: reader.end()?,
        },
    })
}
