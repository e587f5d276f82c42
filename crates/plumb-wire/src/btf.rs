//! BTF: the types of a BPF object, as `BPF_OBJ_GET_INFO_BY_FD` gives them
//! (`include/uapi/linux/btf.h`), and values of these types.
//!
//! Ids are taken as they come; who follows one asks [`Btf::get`]. Minimum kernel version: 4.18.

mod value;

use plumb_model::btf::{Btf, Enumerator, Kind, Member, Parameter, Type};

pub use self::value::decode_value;
use crate::netlink::frame::{u16_at, u32_at};

/// `BTF_MAGIC`.
const MAGIC: u16 = 0xeb9f;
/// Where a type's own data begins.
const TYPE_BYTES: usize = 12;
/// The highest bit of a type's description.
const KIND_FLAG: u32 = 1 << 31;

/// Decodes a BTF object; `None` when it is none, or has types of a kind whose length is not known.
pub fn decode_btf(bytes: &[u8]) -> Option<Btf> {
    let word = |at| u32_at(bytes, at).and_then(|word| usize::try_from(word).ok());
    if u16_at(bytes, 0)? != MAGIC {
        return None;
    }
    let rest = bytes.get(word(4)?..)?;
    let part = |at: usize, len: usize| rest.get(at..at.checked_add(len)?);
    let mut types = part(word(8)?, word(12)?)?;
    let mut btf = Btf {
        types: Vec::new(),
        strings: part(word(16)?, word(20)?)?.to_vec(),
    };
    while !types.is_empty() {
        let (found, len) = decode_type(types)?;
        btf.types.push(found);
        types = types.get(len..)?;
    }
    Some(btf)
}

/// Decodes the first type of `bytes`; gives its length, too.
fn decode_type(bytes: &[u8]) -> Option<(Type, usize)> {
    let info = u32_at(bytes, 4)?;
    // `size` of types that have one, the type referred to of others.
    let size = u32_at(bytes, 8)?;
    let count = usize::try_from(info & 0xffff).ok()?;
    let flag = info & KIND_FLAG != 0;
    let number = info >> 24 & 0x1f;
    let data_bytes = match number {
        1 | 14 | 17 => 4,
        2 | 7..=12 | 16 | 18 => 0,
        3 => 12,
        4 | 5 | 15 | 19 => 12 * count,
        6 | 13 => 8 * count,
        _ => return None,
    };
    let data = bytes.get(TYPE_BYTES..TYPE_BYTES + data_bytes)?;
    let kind = match number {
        1 => int(size, u32_at(data, 0)?),
        2 => Kind::Pointer { to: size },
        3 => Kind::Array {
            element: u32_at(data, 0)?,
            count: u32_at(data, 8)?,
        },
        4 | 5 => Kind::Composite {
            union: number == 5,
            size,
            members: members(data, flag),
        },
        6 | 19 => Kind::Enum {
            size,
            signed: flag,
            wide: number == 19,
            values: enumerators(data, number == 19),
        },
        7 => Kind::Forward { union: flag },
        8 => Kind::Typedef { to: size },
        9..=11 | 18 => Kind::Qualifier { to: size },
        13 => Kind::Function {
            result: size,
            parameters: parameters(data),
        },
        16 => Kind::Float { size },
        _ => Kind::Other,
    };
    let found = Type {
        name: u32_at(bytes, 0)?,
        kind,
    };
    Some((found, TYPE_BYTES + data_bytes))
}

/// An int, of whose encoding the bits 24 to 27 say what it is.
fn int(size: u32, encoding: u32) -> Kind {
    Kind::Int {
        size,
        signed: encoding & 1 << 24 != 0,
        boolean: encoding & 4 << 24 != 0,
    }
}

/// The words of a table, `N` in each row.
fn rows<const N: usize>(data: &[u8]) -> impl Iterator<Item = [u32; N]> + '_ {
    data.chunks_exact(N * 4).map(|row| {
        let mut words = [0; N];
        for (index, word) in words.iter_mut().enumerate() {
            *word = u32_at(row, index * 4).unwrap_or(0);
        }
        words
    })
}

/// With the flag, the highest byte of an offset is the length of a bitfield.
fn members(data: &[u8], flag: bool) -> Vec<Member> {
    rows(data)
        .map(|[name, of, offset]| {
            let [bits, high, middle, low] = offset.to_be_bytes();
            Member {
                name,
                of,
                bit_offset: if flag {
                    u32::from_be_bytes([0, high, middle, low])
                } else {
                    offset
                },
                bits: if flag { bits } else { 0 },
            }
        })
        .collect()
}

fn enumerators(data: &[u8], wide: bool) -> Vec<Enumerator> {
    if wide {
        return rows(data)
            .map(|[name, low, high]| Enumerator {
                name,
                value: (u64::from(high) << 32 | u64::from(low)).cast_signed(),
            })
            .collect();
    }
    rows(data)
        .map(|[name, value]| Enumerator {
            name,
            value: i64::from(value.cast_signed()),
        })
        .collect()
}

fn parameters(data: &[u8]) -> Vec<Parameter> {
    rows(data)
        .map(|[name, of]| Parameter { name, of })
        .collect()
}

#[cfg(test)]
mod tests;
