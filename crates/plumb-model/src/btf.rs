//! Types of BPF programs, as the kernel keeps them with a map (`include/uapi/linux/btf.h`), and values
//! of such types.
//!
//! A type is named by its id: 0 is `void`, 1 the first of [`Btf::types`]. What the kernel sent is
//! kept as it came: an id may name no type, and types may go round in circles.

/// `void`.
pub const VOID: u32 = 0;
/// Typedefs and qualifiers in a row that are followed; the kernel accepts 32.
const CHAIN: usize = 64;

/// The types of one BTF object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Btf {
    /// The types from id 1 on.
    pub types: Vec<Type>,
    /// All names, each ended by a NUL.
    pub strings: Vec<u8>,
}

/// One type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Type {
    /// Where its name begins in the strings; 0 for none.
    pub name: u32,
    /// What it is.
    pub kind: Kind,
}

/// What a type is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// `BTF_KIND_INT` of so many bytes.
    Int {
        /// Bytes.
        size: u32,
        /// `BTF_INT_SIGNED`.
        signed: bool,
        /// `BTF_INT_BOOL`.
        boolean: bool,
    },
    /// `BTF_KIND_FLOAT` of so many bytes.
    Float {
        /// Bytes.
        size: u32,
    },
    /// `BTF_KIND_PTR`.
    Pointer {
        /// What it points to.
        to: u32,
    },
    /// `BTF_KIND_ARRAY`.
    Array {
        /// Type of an element.
        element: u32,
        /// Number of elements.
        count: u32,
    },
    /// `BTF_KIND_STRUCT` and `BTF_KIND_UNION`.
    Composite {
        /// It is a union.
        union: bool,
        /// Bytes.
        size: u32,
        /// Its members, in their order.
        members: Vec<Member>,
    },
    /// `BTF_KIND_ENUM` and `BTF_KIND_ENUM64`.
    Enum {
        /// Bytes.
        size: u32,
        /// Its numbers have a sign.
        signed: bool,
        /// It is an `ENUM64`.
        wide: bool,
        /// Its numbers.
        values: Vec<Enumerator>,
    },
    /// `BTF_KIND_FWD`: a struct or union that is not told.
    Forward {
        /// It is a union.
        union: bool,
    },
    /// `BTF_KIND_TYPEDEF`.
    Typedef {
        /// What it names.
        to: u32,
    },
    /// `BTF_KIND_CONST`, `VOLATILE`, `RESTRICT` and `TYPE_TAG`: the same values.
    Qualifier {
        /// What is qualified.
        to: u32,
    },
    /// `BTF_KIND_FUNC_PROTO`.
    Function {
        /// Type of the result.
        result: u32,
        /// Its parameters.
        parameters: Vec<Parameter>,
    },
    /// Functions, variables, sections, tags: no value has such a type.
    Other,
}

/// A member of a struct or union.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Where its name begins in the strings; 0 for none.
    pub name: u32,
    /// Its type.
    pub of: u32,
    /// Bits before it.
    pub bit_offset: u32,
    /// Bits of a bitfield; 0 for members that are none.
    pub bits: u8,
}

/// A number of an enum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enumerator {
    /// Where its name begins in the strings.
    pub name: u32,
    /// The number; of a 64-bit enum without sign its bits.
    pub value: i64,
}

/// A parameter of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    /// Where its name begins in the strings; 0 for none.
    pub name: u32,
    /// Its type; [`VOID`] without a name is `...`.
    pub of: u32,
}

impl Btf {
    /// Gives the type with an id; `None` for [`VOID`] and ids that name none.
    pub fn get(&self, id: u32) -> Option<&Type> {
        self.types.get(usize::try_from(id).ok()?.checked_sub(1)?)
    }

    /// Gives a name; empty when there is none.
    pub fn name(&self, at: u32) -> &[u8] {
        let rest = usize::try_from(at)
            .ok()
            .and_then(|at| self.strings.get(at..))
            .unwrap_or(&[]);
        rest.split(|&byte| byte == 0).next().unwrap_or(&[])
    }

    /// Follows typedefs and qualifiers to what they stand for; `None` when that is no type.
    pub fn resolve(&self, mut id: u32) -> Option<&Type> {
        for _ in 0..CHAIN {
            let found = self.get(id)?;
            match found.kind {
                Kind::Typedef { to } | Kind::Qualifier { to } => id = to,
                _ => return Some(found),
            }
        }
        None
    }

    /// Follows qualifiers alone; what they qualify may have any id.
    pub fn unqualified(&self, mut id: u32) -> u32 {
        for _ in 0..CHAIN {
            match self.get(id) {
                Some(&Type {
                    kind: Kind::Qualifier { to },
                    ..
                }) => id = to,
                _ => break,
            }
        }
        id
    }
}

/// A value, with the type it was declared with.
#[derive(Debug, Clone, PartialEq)]
pub struct Value<'a> {
    /// Id of the type, before typedefs are followed.
    pub of: u32,
    /// The value.
    pub shape: Shape<'a>,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape<'a> {
    /// A number without sign.
    Unsigned(u64),
    /// A number with sign.
    Signed(i64),
    /// A number of 16 bytes: the upper and the lower half.
    Wide(u64, u64),
    /// A bool; anything but 0 is true.
    Boolean(u64),
    /// A bitfield of numbers or bools.
    Bits(u64),
    /// A floating-point number of four or eight bytes.
    Float(f64),
    /// A number of an enum.
    Enum(Enumeration<'a>),
    /// An address.
    Pointer(u64),
    /// An array of numbers of one byte, often a string.
    Characters {
        /// The elements.
        bytes: &'a [u8],
        /// They have a sign.
        signed: bool,
    },
    /// Any other array.
    Array(Vec<Value<'a>>),
    /// The members of a struct or union, by name; unnamed ones have the empty name.
    Composite(Vec<(&'a [u8], Value<'a>)>),
}

/// A number of an enum, and what it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enumeration<'a> {
    /// Its name; `None` for numbers without one.
    pub name: Option<&'a [u8]>,
    /// The number; without sign its bits.
    pub value: i64,
    /// It has a sign.
    pub signed: bool,
    /// The enum is an `ENUM64`.
    pub wide: bool,
}

/// What a BPF program stored beside a socket (`SK_DIAG_BPF_STORAGE`).
#[derive(Debug, Clone, PartialEq)]
pub struct Storage<'a> {
    /// Id of the map it belongs to.
    pub map_id: u32,
    /// The value as it came.
    pub bytes: &'a [u8],
    /// The value by its type; `None` when the map has no types, or others than the value needs.
    pub typed: Option<(&'a Btf, Value<'a>)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn circles_and_gaps_end() {
        let typedef = |to| Type {
            name: 1,
            kind: Kind::Typedef { to },
        };
        let qualifier = |to| Type {
            name: 0,
            kind: Kind::Qualifier { to },
        };
        let btf = Btf {
            types: vec![typedef(2), qualifier(1), typedef(9), qualifier(4)],
            strings: b"\0name\0".to_vec(),
        };
        assert_eq!(btf.resolve(1), None);
        assert_eq!(btf.resolve(3), None);
        assert_eq!(btf.resolve(VOID), None);
        assert_eq!(btf.unqualified(2), 1);
        assert_eq!(btf.unqualified(4), 4);
        assert_eq!(btf.name(1), b"name");
        assert_eq!(btf.name(0), b"");
        assert_eq!(btf.name(99), b"");
    }
}
