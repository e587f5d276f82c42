//! What is kept of attributes that could not be understood.

/// An attribute kept as it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawAttribute<'a> {
    /// Its type, flag bits included.
    pub kind: u16,
    /// Its bytes.
    pub payload: &'a [u8],
}

/// Bytes behind the last attribute that are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trailing {
    /// How many; less than 0 when the padding of the last attribute is missing.
    pub remaining: i32,
    /// What they would claim as their length.
    pub claimed: u16,
}
