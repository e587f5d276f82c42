//! The parts of payloads: numbers, texts, addresses.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use super::Broken;

/// Bytes of a text at most; what is longer is cut when it is written.
pub(super) const MAX_TEXT: usize = 4096;

/// Reads a payload from its front.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Broken> {
        let (first, rest) = self.0.split_first_chunk::<N>().ok_or(Broken)?;
        self.0 = rest;
        Ok(*first)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Broken> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Broken> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Broken> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, Broken> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], Broken> {
        let len = usize::from(self.u16()?);
        let (first, rest) = self.0.split_at_checked(len).ok_or(Broken)?;
        self.0 = rest;
        Ok(first)
    }

    pub(super) fn text(&mut self) -> Result<String, Broken> {
        let bytes = self.bytes()?;
        String::from_utf8(bytes.to_vec()).map_err(|_| Broken)
    }

    /// Reads a flag, and what `read` reads if it is set.
    pub(super) fn option<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Broken>,
    ) -> Result<Option<T>, Broken> {
        match self.u8()? {
            0 => Ok(None),
            1 => read(self).map(Some),
            _ => Err(Broken),
        }
    }

    pub(super) fn end(&mut self) -> Result<SocketAddr, Broken> {
        let addr = Ipv6Addr::from(self.array::<16>()?);
        let is_v4 = self.u8()?;
        let port = self.u16()?;
        let addr = match (is_v4, addr.to_ipv4_mapped()) {
            (0, _) => IpAddr::V6(addr),
            (1, Some(v4)) => IpAddr::V4(v4),
            _ => return Err(Broken),
        };
        Ok(SocketAddr::new(addr, port))
    }

    /// Ends the reading: nothing may be left.
    pub(super) fn finish<T>(self, value: T) -> Result<T, Broken> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(Broken)
        }
    }
}

pub(super) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    let bytes = bytes.get(..MAX_TEXT).unwrap_or(bytes);
    let len = u16::try_from(bytes.len()).unwrap_or(0);
    out.extend_from_slice(&len.to_le_bytes());
    out.extend_from_slice(bytes);
}

/// Appends a text, cut between two characters if it is too long.
pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    let end = text.floor_char_boundary(MAX_TEXT);
    put_bytes(out, text.as_bytes().get(..end).unwrap_or(&[]));
}

pub(super) fn put_option<T>(
    out: &mut Vec<u8>,
    value: Option<T>,
    put: impl FnOnce(&mut Vec<u8>, T),
) {
    out.push(u8::from(value.is_some()));
    if let Some(value) = value {
        put(out, value);
    }
}

pub(super) fn put_u32(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_le_bytes());
}

pub(super) fn put_u64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_le_bytes());
}

/// Appends an address as 16 bytes, whether it is one of IPv4, and the port.
pub(super) fn put_end(out: &mut Vec<u8>, end: SocketAddr) {
    let (bytes, is_v4) = match end.ip() {
        IpAddr::V4(v4) => (v4.to_ipv6_mapped().octets(), 1),
        IpAddr::V6(v6) => (v6.octets(), 0),
    };
    out.extend_from_slice(&bytes);
    out.push(is_v4);
    out.extend_from_slice(&end.port().to_le_bytes());
}

/// Gives the place of a value in a table, which is what is sent for it; 255 for one that is not there.
pub(super) fn place<T: PartialEq>(table: &[T], value: &T) -> u8 {
    let at = table.iter().position(|known| known == value);
    at.and_then(|at| u8::try_from(at).ok()).unwrap_or(u8::MAX)
}

/// Gives the value at a place.
pub(super) fn at<T: Copy>(table: &[T], place: u8) -> Result<T, Broken> {
    table.get(usize::from(place)).copied().ok_or(Broken)
}
