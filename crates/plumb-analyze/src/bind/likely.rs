//! Yes, no, or not to be told: the logic of what hangs on unseen flags.

use std::ops::{BitAnd, BitOr, Not};

use plumb_model::Known;

/// A truth value that may be unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Likely {
    Yes,
    No,
    Unsure,
}

impl From<bool> for Likely {
    fn from(value: bool) -> Self {
        if value { Self::Yes } else { Self::No }
    }
}

impl From<Known<bool>> for Likely {
    fn from(value: Known<bool>) -> Self {
        value.ok().map_or(Self::Unsure, Self::from)
    }
}

impl Not for Likely {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            Self::Unsure => Self::Unsure,
        }
    }
}

impl BitAnd for Likely {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Yes, Self::Yes) => Self::Yes,
            _ => Self::Unsure,
        }
    }
}

impl BitOr for Likely {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        !(!self & !other)
    }
}
