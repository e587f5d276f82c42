//! Bytes of a map's value, by the type that the map's creator gave them.
//!
//! A type is the creator's claim: it may want more bytes than there are, or contain itself. Then there
//! is no value, and who asked shows the bytes.

use plumb_model::btf::{Btf, Enumeration, Enumerator, Kind, Member, Shape, Value};

use crate::netlink::attribute::padded;

/// Arrays and structs inside each other; the kernel accepts 32.
const DEPTH: usize = 64;
/// Values inside one: more than the longest storage of a socket has bytes. Only elements without
/// bytes, which show nothing, come in larger numbers.
const VALUES: usize = 1 << 17;

/// Decodes a value of the type `id`; `None` when its bytes are not of that type. Bytes behind it
/// are not looked at.
pub fn decode_value<'a>(btf: &'a Btf, id: u32, bytes: &'a [u8]) -> Option<Value<'a>> {
    Walk { btf, left: VALUES }.value(id, bytes, DEPTH)
}

struct Walk<'a> {
    btf: &'a Btf,
    /// Values that there may still be.
    left: usize,
}

impl<'a> Walk<'a> {
    fn value(&mut self, of: u32, bytes: &'a [u8], depth: usize) -> Option<Value<'a>> {
        self.left = self.left.checked_sub(1)?;
        let depth = depth.checked_sub(1)?;
        let shape = match &self.btf.resolve(of)?.kind {
            Kind::Int {
                size,
                signed,
                boolean,
            } => int(taken(bytes, *size)?, *signed, *boolean)?,
            Kind::Float { size: 4 } => Shape::Float(f32::from_ne_bytes(array(bytes)?).into()),
            Kind::Float { size: 8 } => Shape::Float(f64::from_ne_bytes(array(bytes)?)),
            Kind::Pointer { .. } => Shape::Pointer(u64::from_ne_bytes(array(bytes)?)),
            Kind::Enum {
                size,
                signed,
                wide,
                values,
            } => {
                let number = number(taken(bytes, *size)?, *signed)?;
                self.enumeration(values, number, *signed, *wide)
            }
            Kind::Array { element, count } => self.array(*element, *count, bytes, depth)?,
            Kind::Composite { size, members, .. } => {
                self.members(members, taken(bytes, *size)?, depth)?
            }
            _ => return None,
        };
        Some(Value { of, shape })
    }

    fn array(
        &mut self,
        element: u32,
        count: u32,
        bytes: &'a [u8],
        depth: usize,
    ) -> Option<Shape<'a>> {
        if let Kind::Int {
            size: 1, signed, ..
        } = self.btf.resolve(element)?.kind
        {
            let bytes = taken(bytes, count)?;
            return Some(Shape::Characters { bytes, signed });
        }
        let step = self.size(element, depth)?;
        let mut elements = Vec::new();
        let mut rest = bytes;
        for _ in 0..count {
            elements.push(self.value(element, rest, depth)?);
            rest = rest.get(step..)?;
        }
        Some(Shape::Array(elements))
    }

    /// Bytes of a value of a type.
    fn size(&self, of: u32, depth: usize) -> Option<usize> {
        match self.btf.resolve(of)?.kind {
            Kind::Int { size, .. }
            | Kind::Float { size }
            | Kind::Enum { size, .. }
            | Kind::Composite { size, .. } => usize::try_from(size).ok(),
            Kind::Pointer { .. } => Some(size_of::<u64>()),
            Kind::Array { element, count } => self
                .size(element, depth.checked_sub(1)?)?
                .checked_mul(usize::try_from(count).ok()?),
            _ => None,
        }
    }

    fn members(&mut self, members: &[Member], bytes: &'a [u8], depth: usize) -> Option<Shape<'a>> {
        let mut found = Vec::new();
        for member in members {
            let at = usize::try_from(member.bit_offset / 8).ok()?;
            let value = if member.bits == 0 {
                self.value(member.of, bytes.get(at..)?, depth)?
            } else {
                self.bitfield(member, bytes.get(at..)?)?
            };
            found.push((self.btf.name(member.name), value));
        }
        Some(Shape::Composite(found))
    }

    /// A bitfield of at most 64 bits, which may begin anywhere in a byte.
    fn bitfield(&mut self, member: &Member, bytes: &[u8]) -> Option<Value<'a>> {
        self.left = self.left.checked_sub(1)?;
        let skipped = member.bit_offset % 8;
        let bits = u32::from(member.bits);
        let spare = 64_u32.checked_sub(bits)?;
        let needed = usize::try_from((skipped + bits).div_ceil(8)).ok()?;
        let raw: [u8; 16] = padded(bytes.get(..needed)?);
        let raw = if cfg!(target_endian = "big") {
            // The first bit of a big-endian machine is the highest.
            u128::from_be_bytes(raw) << skipped >> (128 - bits)
        } else {
            u128::from_le_bytes(raw) >> skipped
        };
        let number = u64::try_from(raw & u128::from(u64::MAX >> spare)).ok()?;
        let shape = match &self.btf.resolve(member.of)?.kind {
            Kind::Enum {
                signed,
                wide,
                values,
                ..
            } => {
                let number = number.cast_signed();
                let number = if *signed {
                    number << spare >> spare
                } else {
                    number
                };
                self.enumeration(values, number, *signed, *wide)
            }
            Kind::Int { .. } => Shape::Bits(number),
            _ => return None,
        };
        Some(Value {
            of: member.of,
            shape,
        })
    }

    fn enumeration(
        &self,
        values: &[Enumerator],
        value: i64,
        signed: bool,
        wide: bool,
    ) -> Shape<'a> {
        let found = values.iter().find(|found| found.value == value);
        Shape::Enum(Enumeration {
            name: found.map(|found| self.btf.name(found.name)),
            value,
            signed,
            wide,
        })
    }
}

fn taken(bytes: &[u8], size: u32) -> Option<&[u8]> {
    bytes.get(..usize::try_from(size).ok()?)
}

fn array<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.first_chunk().copied()
}

fn int<'a>(bytes: &[u8], signed: bool, boolean: bool) -> Option<Shape<'a>> {
    if let Some(wide) = bytes.first_chunk::<16>() {
        let wide = u128::from_ne_bytes(*wide);
        let low = u64::try_from(wide & u128::from(u64::MAX)).ok()?;
        return Some(Shape::Wide(u64::try_from(wide >> 64).ok()?, low));
    }
    let number = number(bytes, signed)?;
    Some(match (boolean, signed) {
        (true, _) => Shape::Boolean(number.cast_unsigned()),
        (_, true) => Shape::Signed(number),
        (_, false) => Shape::Unsigned(number.cast_unsigned()),
    })
}

/// Reads all of `bytes` as a number of the machine's order; without sign its bits.
fn number(bytes: &[u8], signed: bool) -> Option<i64> {
    Some(match *bytes {
        [byte] if signed => byte.cast_signed().into(),
        [byte] => byte.into(),
        [a, b] if signed => i16::from_ne_bytes([a, b]).into(),
        [a, b] => u16::from_ne_bytes([a, b]).into(),
        [a, b, c, d] if signed => i32::from_ne_bytes([a, b, c, d]).into(),
        [a, b, c, d] => u32::from_ne_bytes([a, b, c, d]).into(),
        _ if bytes.len() == 8 => i64::from_ne_bytes(array(bytes)?),
        _ => return None,
    })
}
