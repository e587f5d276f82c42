//! HOST and PORT operands: the family, then the address and the port in that family's form.
//!
//! The forms differ: `inet` has brackets and a last colon, `link` and `netlink` a first colon, `vsock`
//! two numbers, `unix` is all glob.

use super::{Asking, address, port, small};
use crate::c_number::{long, unsigned};
use crate::ethertype;
use crate::{Family, Kind, Pattern, Resolve};

/// Which keyword the operand follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Address,
    Port,
}

/// An operand that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Host {
    /// One pattern for each address, never empty.
    pub(crate) patterns: Vec<Pattern>,
    /// The family that replaces the selected ones.
    pub(crate) family: Option<Family>,
}

const PREFIXES: [(&[u8], Family); 6] = [
    (b"unix:", Family::Unix),
    (b"link:", Family::Link),
    (b"netlink:", Family::Netlink),
    (b"vsock:", Family::Vsock),
    (b"inet:", Family::Inet),
    (b"inet6:", Family::Inet6),
];

/// Understands an operand after one of the four host and port keywords.
pub(crate) fn read(text: &[u8], place: Place, asking: &mut Asking<'_>) -> Result<Host, Kind> {
    let prefixed = PREFIXES
        .iter()
        .find_map(|(prefix, family)| Some((text.strip_prefix(*prefix)?, *family)));
    let (text, family) = match prefixed {
        Some((rest, family)) => (rest, Some(family)),
        None => (text, asking.context.preferred),
    };
    let patterns = match family {
        Some(Family::Unix) => vec![unix(text)],
        Some(Family::Link) => vec![link(text, place, asking.resolve)?],
        Some(Family::Netlink) => vec![netlink(text, place, asking.resolve)?],
        Some(Family::Vsock) => vec![vsock(text, place)?],
        _ => inet(text, place, family, asking)?,
    };
    Ok(Host { patterns, family })
}

fn unix(text: &[u8]) -> Pattern {
    let bits = u16::try_from(text.len().saturating_mul(8)).unwrap_or(u16::MAX);
    Pattern {
        family: Some(Family::Unix),
        address: text.to_vec(),
        prefix: bits,
        port: None,
    }
}

/// A pattern whose address is one word of the machine.
fn word(family: Family, address: Option<u32>, port: Option<i64>) -> Pattern {
    let prefix = if address.is_some() { 32 } else { 0 };
    Pattern {
        family: Some(family),
        address: address.unwrap_or(0).to_ne_bytes().to_vec(),
        prefix,
        port,
    }
}

fn int(text: &[u8]) -> Option<i32> {
    i32::try_from(long(text)?).ok()
}

/// Cuts `ADDRESS:PORT` at the first colon; after a port keyword all is port, behind an optional colon.
fn first_colon(text: &[u8], place: Place) -> (&[u8], Option<&[u8]>) {
    if place == Place::Port {
        return (b"", Some(text.strip_prefix(b":").unwrap_or(text)));
    }
    let mut halves = text.splitn(2, |byte| *byte == b':');
    (halves.next().unwrap_or_default(), halves.next())
}

/// A part that restricts something: not missing, not empty, not `*`.
fn given(part: Option<&[u8]>) -> Option<&[u8]> {
    part.filter(|part| !part.is_empty() && *part != b"*")
}

fn link(text: &[u8], place: Place, resolve: &mut dyn Resolve) -> Result<Pattern, Kind> {
    let (protocol, device) = first_colon(text, place);
    let device = given(device).map(|device| {
        let named =
            small::named_device(device, resolve).and_then(|index| i32::try_from(index).ok());
        named
            .or_else(|| int(device))
            .map(i64::from)
            .ok_or_else(|| Kind::Host(text.to_vec()))
    });
    let device = device.transpose()?.filter(|index| *index != -1);
    let protocol = given(Some(protocol)).map(|name| {
        let number = ethertype::number(name).or_else(|| u16::try_from(unsigned(name)?).ok());
        number
            .map(u32::from)
            .ok_or_else(|| Kind::Host(text.to_vec()))
    });
    Ok(word(Family::Link, protocol.transpose()?, device))
}

fn netlink(text: &[u8], place: Place, resolve: &mut dyn Resolve) -> Result<Pattern, Kind> {
    let (protocol, id) = first_colon(text, place);
    let id = given(id).map(|id| match id {
        b"kernel" => Ok(0),
        id => int(id)
            .map(i64::from)
            .ok_or_else(|| Kind::Host(text.to_vec())),
    });
    let id = id.transpose()?.filter(|id| *id != -1);
    let protocol = given(Some(protocol)).map(|name| {
        let number = resolve.netlink_protocol(name).or_else(|| unsigned(name));
        number
            .filter(|number| *number <= 255)
            .ok_or_else(|| Kind::Host(text.to_vec()))
    });
    Ok(word(Family::Netlink, protocol.transpose()?, id))
}

fn vsock(text: &[u8], place: Place) -> Result<Pattern, Kind> {
    let number = |part: &[u8]| unsigned(part).ok_or_else(|| Kind::Host(text.to_vec()));
    let (cid, port) = first_colon(text, place);
    let any = |port: &u32| *port != u32::MAX;
    let port = port
        .filter(|port| *port != b"*")
        .map(number)
        .transpose()?
        .filter(any);
    let cid = given(Some(cid))
        .map(number)
        .transpose()?
        .unwrap_or(u32::MAX);
    let address = cid.to_ne_bytes().to_vec();
    Ok(Pattern {
        family: Some(Family::Vsock),
        address,
        prefix: 0,
        port: port.map(i64::from),
    })
}

/// Cuts an inet operand in address and port, either of which may be missing.
fn halves(text: &[u8], place: Place) -> Result<(&[u8], &[u8]), Kind> {
    if let Some(rest) = text.strip_prefix(b"[") {
        let close = rest
            .iter()
            .position(|byte| *byte == b']')
            .ok_or_else(|| Kind::Host(text.to_vec()))?;
        let (address, rest) = rest.split_at(close);
        let rest = rest.get(1..).unwrap_or_default();
        return Ok((address, rest.strip_prefix(b":").unwrap_or(rest)));
    }
    if place == Place::Port {
        return Ok((b"", text.strip_prefix(b":").unwrap_or(text)));
    }
    if let Some(rest) = text.strip_prefix(b"*") {
        return Ok((b"", rest.strip_prefix(b":").unwrap_or(rest)));
    }
    let slash = text.iter().position(|byte| *byte == b'/').unwrap_or(0);
    let colon = text
        .iter()
        .rposition(|byte| *byte == b':')
        .filter(|colon| *colon >= slash);
    Ok(match colon {
        Some(colon) => (
            text.get(..colon).unwrap_or_default(),
            text.get(colon + 1..).unwrap_or_default(),
        ),
        None => (text, b""),
    })
}

fn inet(
    text: &[u8],
    place: Place,
    family: Option<Family>,
    asking: &mut Asking<'_>,
) -> Result<Vec<Pattern>, Kind> {
    let (mut address, mut port) = halves(text, place)?;
    if place == Place::Port && text.starts_with(b"[") {
        (address, port) = (b"", address.strip_prefix(b":").unwrap_or(address));
    }
    let port = port::read(port, asking)?;
    let mut patterns = if matches!(address, [] | [b'*', ..]) {
        vec![Pattern {
            family: None,
            address: vec![0; 4],
            prefix: 0,
            port: None,
        }]
    } else {
        address::read(address, family, asking.resolve)?
    };
    for pattern in &mut patterns {
        pattern.port = port;
    }
    Ok(patterns)
}
